"""The networks that the atlas runs in a browser, as one file."""

from safetensors.torch import save as format_tensors
from torch import Tensor, nn

from muddle.bundle.files import Bundle
from muddle.networks.fuse import fuse_batchnorm


def browser_networks(bundle: Bundle) -> bytes:
    """Decoder, surrogate, projection and its inverse as a safetensors file of float16 numbers, batch norm fused.

    Names: decoder.from_code and decoder.0 to 3, each with .weight and .bias; surrogate, projection and inverse with the
    numbers of their layers (0, 2, 4); projection.centre and .reach.
    """
    autoencoder = fuse_batchnorm(bundle.autoencoder)
    ups = [block[0] if isinstance(block, nn.Sequential) else block for block in autoencoder.up]
    layers = {"decoder.from_code": autoencoder.from_code, **{f"decoder.{i}": up for i, up in enumerate(ups)}}
    dense = {"surrogate": bundle.surrogate, "projection": bundle.projection, "inverse": bundle.inverse}
    layers |= {f"{name}.{i}": network.net[i] for name, network in dense.items() for i in (0, 2, 4)}
    tensors: dict[str, Tensor] = {
        f"{name}.{kind}": getattr(layer, kind) for name, layer in layers.items() for kind in ("weight", "bias")
    }
    tensors |= {"projection.centre": bundle.projection.centre, "projection.reach": bundle.projection.reach.reshape(1)}
    return format_tensors({name: tensor.detach().half().contiguous() for name, tensor in tensors.items()})
