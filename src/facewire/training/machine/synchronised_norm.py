"""Batch norms whose statistics are those of the whole batch, not of one rank's share of it (spec 2.1).

torch's SyncBatchNorm exists for GPUs only; `SynchronisedNorm` is the same on gloo. Both keep the names in the state
dict, so that weights are those of plain batch norms.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm


class SynchronisedNorm(_BatchNorm):
    """Batch norm over (B, C, ...) of all ranks; each of them holds as many values as the others."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Take any number of axes, as SyncBatchNorm does."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            plain: Tensor = super().forward(input)
            return plain
        axes = [axis for axis in range(input.ndim) if axis != 1]
        shape = [1, -1, *[1] * (input.ndim - 2)]
        count = input.numel() // input.shape[1] * dist.get_world_size()
        exact = input.to(self.weight.dtype)  # sums in half precision would be too coarse
        mean = all_reduce(exact.sum(axes)) / count
        centred = exact - mean.view(shape)
        variance = all_reduce(centred.square().sum(axes)) / count
        self._follow(mean.detach(), variance.detach() * count / max(1, count - 1))
        scaled = centred * torch.rsqrt(variance + self.eps).view(shape)
        moved: Tensor = scaled * self.weight.view(shape) + self.bias.view(shape)
        return moved.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, which `eval` uses."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def synchronise_norms(module: nn.Module, device: torch.device) -> None:
    """Replace every batch norm below `module` by one that looks at all ranks; weights and statistics stay."""
    for name, child in module.named_children():
        if isinstance(child, _BatchNorm):
            setattr(module, name, _synchronised(child, device))
        else:
            synchronise_norms(child, device)


def _synchronised(norm: _BatchNorm, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        synchronised: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
        return synchronised
    own = SynchronisedNorm(norm.num_features, norm.eps, norm.momentum)
    own.to(norm.weight.device, norm.weight.dtype).load_state_dict(norm.state_dict())
    return own.train(norm.training)
