"""Fuse batch norm into the preceding layer, for faster inference."""

import copy
import itertools
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def fuse_batchnorm(network: Network) -> Network:
    """A copy in evaluation mode with the same outputs but for the last digits: in each Sequential, a batch norm after a
    convolution or a dense layer is folded into that layer's weights (Jacob et al., 2018, section 3.2)."""
    network = copy.deepcopy(network).eval()
    for group in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for i, (layer, norm) in enumerate(itertools.pairwise(group)):
            if isinstance(norm, nn.BatchNorm2d) and isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                group[i] = fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
                group[i + 1] = nn.Identity()
            elif isinstance(norm, nn.BatchNorm1d) and isinstance(layer, nn.Linear):
                group[i], group[i + 1] = fuse_linear_bn_eval(layer, norm), nn.Identity()
    return network
