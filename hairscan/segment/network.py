"""The network: a small U-Net that turns a photograph into hair maps at half its resolution."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import Conv2dNormActivation

from hairscan.segment.spec import N_CHANNELS


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions added to their input.

    Parameters
    ----------
    channels : int
        Channels in and out.
    dilation : int
        Dilation of both convolutions.
    """

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = Conv2dNormActivation(channels, channels, 3, dilation=dilation)
        self.second = Conv2dNormActivation(channels, channels, 3, dilation=dilation, activation_layer=None)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        return functional.relu(x + self.second(self.first(x)))


class HairNet(nn.Module):
    """Map logits at half the input's resolution.

    The input is folded 2 x 2 into channels first: a cell of the output sees all four of its pixels, and the
    expensive first level runs on a quarter of the positions.

    Parameters
    ----------
    widths : sequence of int
        Channels per level; each level has half the resolution of the one before.
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 96, 160, 192)) -> None:
        super().__init__()
        self.stem = Conv2dNormActivation(12, widths[0], 3)
        self.first = ResidualBlock(widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(Conv2dNormActivation(a, b, 3, stride=2), ResidualBlock(b))
            for a, b in itertools.pairwise(widths)
        )
        self.context = ResidualBlock(widths[-1], dilation=2)
        self.lateral = nn.ModuleList(
            Conv2dNormActivation(b, a, 1, activation_layer=None) for a, b in itertools.pairwise(widths)
        )
        self.merge = nn.ModuleList(Conv2dNormActivation(a, a, 3) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], N_CHANNELS, 1)
        # Most cells are background: start there, or the first steps only unlearn the opposite.
        nn.init.constant_(self.head.bias, -4.0)
        self.multiple = 2 ** len(widths)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (N, N_CHANNELS, H/2, W/2), of images (N, 3, H, W) in 0..1; H and W divide by `multiple`."""
        x = self.first(self.stem(functional.pixel_unshuffle(x * 2.0 - 1.0, 2)))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        x = self.context(x)
        for skip, lateral, merge in zip(reversed(skips), reversed(self.lateral), reversed(self.merge), strict=True):
            x = merge(functional.relu(skip + functional.interpolate(lateral(x), scale_factor=2.0, mode="nearest")))
        return self.head(x)


def network_of(weights: dict[str, Tensor]) -> HairNet:
    """The network that these weights belong to; its widths are read from their shapes.

    Raises
    ------
    KeyError, RuntimeError
        Where they are another network's weights.
    """
    levels = itertools.takewhile(lambda name: name in weights, (f"lateral.{k}.0.weight" for k in itertools.count()))
    widths = [weights["stem.0.weight"].shape[0], *(weights[name].shape[1] for name in levels)]
    network = HairNet(tuple(widths))
    network.load_state_dict(weights)
    return network
