"""How much work a pair is in training, whatever the machine; prints one JSON object.

    python benchmarks/train_work.py --perceptual vgg19_se16x_wct_fp16.safetensors

One step of compact-256 with all losses on is counted on the CPU:

    gflop    floating-point operations of convolutions and matrix products for a pair, forward and backward
    mbyte    what all operations read and write for a pair, one by one, as without torch.compile; in 10^6 bytes
    kernels  operations in a step: what a GPU is told to start, whatever the batch
    data_ms  processor time that drawing, collecting and augmenting a pair takes, frames decoded before

Without --perceptual a VGG-19 with random numbers is taken.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from facewire.benchmarks.training import stand_in_vgg, write_made_up_clips
from facewire.data.clips import find_clips, open_clips
from facewire.training.objectives.frozen import picture_network
from facewire.training.recipes import recipe
from facewire.training.run import FrozenNetworks, open_run, resolution

BATCH = 5
"""Two of five sources are turned: the share that a large batch has."""


class Traffic(TorchDispatchMode):
    """Counts operations that write memory, and the bytes they read and write."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = self.kernels = 0

    def __torch_dispatch__(
        self,
        operation: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        given, made = (
            [leaf for leaf in tree_leaves(part) if isinstance(leaf, Tensor)]
            for part in ((args, kwargs), result)
        )
        views = {tensor.untyped_storage().data_ptr() for tensor in given if not operation._schema.is_mutable}
        fresh = [tensor for tensor in made if tensor.untyped_storage().data_ptr() not in views]
        if fresh and "empty" not in str(operation):
            self.kernels += 1
            self.bytes += sum(tensor.numel() * tensor.element_size() for tensor in (*given, *made))
        return result


def main() -> int:
    """Count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--perceptual", type=Path, nargs="+", default=[], metavar="FILE")
    given = parser.parse_args()
    config = replace(recipe("compact-256"), batch=BATCH, precision="bf16")
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_made_up_clips(folder, resolution(config))
        clips = open_clips(find_clips(folder), folder / "cache", resolution(config))
        taps = (
            picture_network(given.perceptual, folder, lambda *_: None) if given.perceptual else stand_in_vgg()
        )
        trainer = open_run(config, clips, FrozenNetworks(taps), folder, torch.device("cpu"))
        trainer.prepare(0)
        begin = time.process_time()
        parts = trainer.prepare(1)
        data = time.process_time() - begin
        traffic = Traffic()
        with FlopCounterMode(display=False) as counter, traffic:
            trainer.learner.advance(0, parts)
    found = {
        "perceptual": trainer.perceptual,
        "gflop": round(counter.get_total_flops() / BATCH / 1e9, 1),
        "mbyte": round(traffic.bytes / BATCH / 1e6),
        "kernels": traffic.kernels,
        "data_ms": round(1000 * data / BATCH, 2),
    }
    json.dump(found, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
