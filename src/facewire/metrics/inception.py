"""The Inception-v3 of FID, with its published weights from a path.

    RGB [0, 1] -> 299 x 299 -> [-1, 1] -> convolutions -> 35 x 35 (5b .. 5d) -> 17 x 17 (6a .. 6e) -> 8 x 8 (7a .. 7c)
               -> mean over space = 2048 features

It differs from the usual Inception-v3 in three things that the original TensorFlow graph does: averages leave the
padding out, the last block takes the maximum instead, and the picture is resized without aligned corners.

Source: Szegedy et al., Rethinking the Inception architecture (2016); Heusel et al. (2017) for the graph; the numbers
and names of tensors are those of the pytorch-fid package.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facewire.metrics.backbone_file import BackboneFile, freeze

INCEPTION = BackboneFile(
    "pt_inception-2015-12-05-6726825d.pth",
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    "6726825d",
)

FEATURES = 2048
SIDE = 299
COUNTER = "num_batches_tracked"
"""Entries that the published file, older than they are, need not have."""
_ROW, _COLUMN = (1, 7), (7, 1)

Size = int | tuple[int, int]


class BasicConv2d(nn.Module):
    """Convolution without bias, batch norm, ReLU; stride 1 keeps the raster, stride 2 has no padding."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Size = 1, stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (height // 2, width // 2) if stride == 1 and padded else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H', W')."""
        return F.relu(self.bn(self.conv(x)))


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class FineBlock(nn.Module):
    """5b, 5c, 5d: (B, inputs, 35, 35) -> (B, 224 + pooled, 35, 35)."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 64)
        self.branch5x5_1 = BasicConv2d(inputs, 48)
        self.branch5x5_2 = BasicConv2d(48, 64, 5)
        self.branch3x3dbl_1 = BasicConv2d(inputs, 64)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, 3)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3)
        self.branch_pool = BasicConv2d(inputs, pooled)

    def forward(self, x: Tensor) -> Tensor:
        """Run the four branches side by side."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        five = self.branch5x5_2(self.branch5x5_1(x))
        return torch.cat((self.branch1x1(x), five, double, self.branch_pool(_average(x))), dim=1)


class FirstReduction(nn.Module):
    """6a: (B, 288, 35, 35) -> (B, 768, 17, 17)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = BasicConv2d(inputs, 384, 3, 2)
        self.branch3x3dbl_1 = BasicConv2d(inputs, 64)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, 3)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Run the three branches side by side."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat((self.branch3x3(x), double, F.max_pool2d(x, 3, 2)), dim=1)


class MiddleBlock(nn.Module):
    """6b .. 6e: (B, 768, 17, 17) -> the same shape, through rows and columns of seven."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 192)
        self.branch7x7_1 = BasicConv2d(inputs, width)
        self.branch7x7_2 = BasicConv2d(width, width, _ROW)
        self.branch7x7_3 = BasicConv2d(width, 192, _COLUMN)
        self.branch7x7dbl_1 = BasicConv2d(inputs, width)
        self.branch7x7dbl_2 = BasicConv2d(width, width, _COLUMN)
        self.branch7x7dbl_3 = BasicConv2d(width, width, _ROW)
        self.branch7x7dbl_4 = BasicConv2d(width, width, _COLUMN)
        self.branch7x7dbl_5 = BasicConv2d(width, 192, _ROW)
        self.branch_pool = BasicConv2d(inputs, 192)

    def forward(self, x: Tensor) -> Tensor:
        """Run the four branches side by side."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat((self.branch1x1(x), seven, double, self.branch_pool(_average(x))), dim=1)


class SecondReduction(nn.Module):
    """7a: (B, 768, 17, 17) -> (B, 1280, 8, 8)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1 = BasicConv2d(inputs, 192)
        self.branch3x3_2 = BasicConv2d(192, 320, 3, 2)
        self.branch7x7x3_1 = BasicConv2d(inputs, 192)
        self.branch7x7x3_2 = BasicConv2d(192, 192, _ROW)
        self.branch7x7x3_3 = BasicConv2d(192, 192, _COLUMN)
        self.branch7x7x3_4 = BasicConv2d(192, 192, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Run the three branches side by side."""
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat((three, self.branch7x7x3_4(seven), F.max_pool2d(x, 3, 2)), dim=1)


class CoarseBlock(nn.Module):
    """7b, 7c: (B, inputs, 8, 8) -> (B, 2048, 8, 8); the last one pools by maximum."""

    def __init__(self, inputs: int, last: bool) -> None:
        super().__init__()
        self.last = last
        self.branch1x1 = BasicConv2d(inputs, 320)
        self.branch3x3_1 = BasicConv2d(inputs, 384)
        self.branch3x3_2a = BasicConv2d(384, 384, (1, 3))
        self.branch3x3_2b = BasicConv2d(384, 384, (3, 1))
        self.branch3x3dbl_1 = BasicConv2d(inputs, 448)
        self.branch3x3dbl_2 = BasicConv2d(448, 384, 3)
        self.branch3x3dbl_3a = BasicConv2d(384, 384, (1, 3))
        self.branch3x3dbl_3b = BasicConv2d(384, 384, (3, 1))
        self.branch_pool = BasicConv2d(inputs, 192)

    def forward(self, x: Tensor) -> Tensor:
        """Run the branches side by side."""
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = F.max_pool2d(x, 3, stride=1, padding=1) if self.last else _average(x)
        forked = (
            self.branch3x3_2a(three),
            self.branch3x3_2b(three),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
        )
        return torch.cat((self.branch1x1(x), *forked, self.branch_pool(pooled)), dim=1)


class Inception(nn.Module):
    """The network up to its 2048 features, frozen."""

    def __init__(self) -> None:
        """Build it with random numbers."""
        super().__init__()
        self.Conv2d_1a_3x3 = BasicConv2d(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = BasicConv2d(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = BasicConv2d(32, 64, 3)
        self.Conv2d_3b_1x1 = BasicConv2d(64, 80)
        self.Conv2d_4a_3x3 = BasicConv2d(80, 192, 3, padded=False)
        self.Mixed_5b = FineBlock(192, 32)
        self.Mixed_5c = FineBlock(256, 64)
        self.Mixed_5d = FineBlock(288, 64)
        self.Mixed_6a = FirstReduction(288)
        self.Mixed_6b = MiddleBlock(768, 128)
        self.Mixed_6c = MiddleBlock(768, 160)
        self.Mixed_6d = MiddleBlock(768, 160)
        self.Mixed_6e = MiddleBlock(768, 192)
        self.Mixed_7a = SecondReduction(768)
        self.Mixed_7b = CoarseBlock(1280, last=False)
        self.Mixed_7c = CoarseBlock(2048, last=True)

    @classmethod
    def load(cls, folder: Path) -> Inception:
        """Read the published file; its classifier `fc` is ignored.

        Raises:
            WeightsError, HashMismatch, SchemaMismatch: it is not there, or not the published one.
        """
        network = cls()
        counters = {key: value for key, value in network.state_dict().items() if key.endswith(COUNTER)}
        tensors = {key: value for key, value in INCEPTION.read(folder).items() if not key.startswith("fc.")}
        freeze(network, counters | tensors, folder / INCEPTION.name)
        return network

    def forward(self, image: Tensor) -> Tensor:
        """Return features (B, 2048) of images (B, 3, H, W), RGB in [0, 1]."""
        x = F.interpolate(image, (SIDE, SIDE), mode="bilinear", align_corners=False) * 2 - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, 2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return torch.mean(x, dim=(2, 3))
