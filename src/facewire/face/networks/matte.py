"""Which share of every pixel of a picture is person, hair and clothes included, and which is what stands behind.

    image -> stem, 8 inverted bottlenecks -> [128, 16, 16] -> three times: enlarge, join with a skip -> share

A small network of the MobileNetV3 kind whose decoder weighs its skips by what they and the enlarged map show on
average. Source: MediaPipe's selfie segmentation, numbers converted from `selfie_segmentation.tflite` (Apache-2.0, see
`weights/NOTICE`). Knows nothing about faces, motion or files.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facewire.base.errors import ShapeError
from facewire.face.networks.blocks import pad_same
from facewire.face.networks.filling import fill
from facewire.face.store import WEIGHTS_FOLDER

MATTE_SIZE = 256
"""Side of the pictures that it was trained on, in pixels."""
MATTE_FILE = "person_matte.safetensors"


class Weighing(nn.Module):
    """Weight of every channel, (B, C, 1, 1) in [0, 1], from the channels' means."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, hidden, 1)
        self.up = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weights of maps (B, C, H, W)."""
        return torch.sigmoid(self.up(F.relu(self.down(x.mean(dim=(2, 3), keepdim=True)))))


class Bottleneck(nn.Module):
    """1x1 convolution to more channels, depthwise convolution, weights, 1x1 to few; added to x where sizes agree."""

    def __init__(
        self,
        channels: tuple[int, int, int],
        kernel: int = 3,
        stride: int = 1,
        weighing: int = 0,
        smooth: bool = False,
    ) -> None:
        """Build the block.

        Args:
            channels: of the input, in between, of the output.
            kernel: side of the depthwise window.
            stride: its step.
            weighing: hidden channels of the weights; 0 leaves them out.
            smooth: hard swish instead of ReLU.
        """
        super().__init__()
        first, middle, last = channels
        self.kernel, self.stride, self.added = kernel, stride, stride == 1
        self.widen = nn.Conv2d(first, middle, 1)
        self.depthwise = nn.Conv2d(middle, middle, kernel, stride, groups=middle)
        self.weighing = Weighing(middle, weighing) if weighing else None
        self.narrow = nn.Conv2d(middle, last, 1)
        self.activation: nn.Module = nn.Hardswish() if smooth else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """[B, first, H, W] -> [B, last, H / stride, W / stride]."""
        wide = self.activation(self.widen(x))
        seen = self.activation(self.depthwise(pad_same(wide, self.kernel, self.stride)))
        if self.weighing is not None:
            seen = seen * self.weighing(seen)
        out: Tensor = self.narrow(seen)
        return x + out if self.added else out


class Joining(nn.Module):
    """Enlarges a map by two and joins it with a weighed skip."""

    def __init__(self, channels: int, skip: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, skip, 1)
        self.weighing = Weighing(skip, skip)
        self.mix = nn.Conv2d(skip, skip, 1)
        self.depthwise = nn.Conv2d(skip, skip, 3, padding=1, groups=skip)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """[B, channels, H, W], [B, skip, 2 H, 2 W] -> [B, skip, 2 H, 2 W]."""
        large = self.reduce(F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False))
        mixed = F.relu(self.mix(skip * self.weighing(skip + large) + large))
        return mixed + F.relu(self.depthwise(mixed))


class PersonMatte(nn.Module):
    """The matte network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2)
        self.to64 = Bottleneck((16, 16, 16), stride=2, weighing=8)
        self.to32 = nn.Sequential(Bottleneck((16, 72, 24), stride=2), Bottleneck((24, 88, 24)))
        self.to16 = nn.Sequential(
            Bottleneck((24, 96, 32), 5, stride=2, weighing=24, smooth=True),
            Bottleneck((32, 128, 32), 5, weighing=32, smooth=True),
            Bottleneck((32, 128, 32), 5, weighing=32, smooth=True),
            Bottleneck((32, 96, 32), 5, weighing=24, smooth=True),
            Bottleneck((32, 96, 32), 5, weighing=24, smooth=True),
        )
        self.head = nn.Conv2d(32, 128, 1)
        self.head_weight = nn.Conv2d(32, 128, 1)
        self.joins = nn.ModuleList((Joining(128, 24), Joining(24, 16), Joining(16, 16)))
        self.segment = nn.ConvTranspose2d(16, 1, 2, stride=2)

    def forward(self, image: Tensor) -> Tensor:
        """Return the person's share of every pixel, (B, 1, H, W) in [0, 1].

        Args:
            image: (B, 3, H, W), RGB in [0, 1]; H and W multiples of 16, about 256.

        Raises:
            ShapeError: another shape.
        """
        if image.ndim != 4 or image.shape[1] != 3 or image.shape[2] % 16 or image.shape[3] % 16:
            raise ShapeError("image", "(B, 3, H, W) with H and W multiples of 16", tuple(image.shape))
        at128 = F.hardswish(self.stem(pad_same(image, 3, 2)))
        at64 = self.to64(at128)
        at32 = self.to32(at64)
        at16 = self.to16(at32)
        weight = torch.sigmoid(self.head_weight(at16.mean(dim=(2, 3), keepdim=True)))
        x = F.relu(self.head(at16)) * weight
        for join, skip in zip(self.joins, (at32, at64, at128), strict=True):
            x = join(x, skip)
        return torch.sigmoid(self.segment(x))


def load_person_matte(folder: Path = WEIGHTS_FOLDER) -> PersonMatte:
    """Build the matte network with its published weights, on the CPU, in float32 and evaluation mode.

    Raises:
        WeightsError, HashMismatch, SchemaMismatch: the weights file is not the published one.
    """
    return fill(PersonMatte(), MATTE_FILE, folder)
