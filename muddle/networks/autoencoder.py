"""The convolutional autoencoder: encodes 28 x 28 images as latent codes of length 10, and decodes them."""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class AutoencoderConfig:
    """The length of the `latent` code, and the `channels` of the four encoder blocks, mirrored in the decoder."""

    latent: int = 10
    channels: tuple[int, int, int, int] = (16, 32, 64, 128)

    def __post_init__(self):
        object.__setattr__(self, "channels", tuple(self.channels))


def _down(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.SiLU())


def _up(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.SiLU())


class Autoencoder(nn.Module):
    """Encoder of 4 convolutional blocks and a dense layer, decoder of a dense layer and 4 deconvolutional blocks.

    The code has no activation: a ReLU there leaves some axes unused. The last deconvolution is followed by a
    sigmoid, so decoded pixels lie in [0, 1].
    """

    def __init__(self, config: AutoencoderConfig = AutoencoderConfig()):
        super().__init__()
        self.config = config
        a, b, c, d = config.channels
        self.down = nn.Sequential(_down(1, a), _down(a, b), _down(b, c), _down(c, d))
        self.to_code = nn.Linear(d * 2 * 2, config.latent)
        self.from_code = nn.Linear(config.latent, d * 2 * 2)
        self.up = nn.Sequential(
            _up(d, c, 4),  # (N, d, 2, 2) -> (N, c, 4, 4)
            _up(c, b, 3),  # -> (N, b, 7, 7)
            _up(b, a, 4),  # -> (N, a, 14, 14)
            nn.ConvTranspose2d(a, 1, 4, stride=2, padding=1),  # -> (N, 1, 28, 28)
        )

    def encode(self, images: Tensor) -> Tensor:
        """Encode images in [0, 1] as latent codes: (N, 1, 28, 28) -> (N, D)."""
        return self.to_code(self.down(images).flatten(1))

    def decode(self, codes: Tensor) -> Tensor:
        """Decode latent codes to images in [0, 1]: (N, D) -> (N, 1, 28, 28)."""
        grid = self.from_code(codes).unflatten(1, (-1, 2, 2))  # (N, D) -> (N, d, 2, 2)
        return self.up(grid).sigmoid()

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images: (N, 1, 28, 28) -> (N, 1, 28, 28), in [0, 1]."""
        return self.decode(self.encode(images))
