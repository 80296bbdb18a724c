"""What test_ranks.py computes on one rank and on two; run by torchrun as a script, imported by the test.

torchrun --nproc-per-node 2 several_ranks.py CLIPS WORK
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from facewire.data.augment import AugmentConfig
from facewire.data.clips import ClipSet, find_clips, open_clips
from facewire.data.pairs import FrameBatch, PairBatch
from facewire.geometry.pose import rotation_from_degrees
from facewire.geometry.transform import PlaneTransform, random_transform
from facewire.losses.perceptual import PerceptualLoss
from facewire.losses.total import LossReport, LossWeights, weighted_total
from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.discriminator import Discriminator
from facewire.networks.paper.face_vid2vid import build
from facewire.training.config import OptimizerConfig, TrainConfig
from facewire.training.learner import Learner
from facewire.training.machine.ranks import Ranks, joined_ranks
from facewire.training.machine.synchronised_norm import synchronise_norms
from facewire.training.objectives import paper as paper_objective
from facewire.training.objectives.critic import Critic
from facewire.training.objectives.objective import Made, random_kept
from facewire.training.objectives.paper import PaperObjective
from facewire.training.recipes import recipe
from facewire.training.run import stored_run
from facewire.training.trainer import Trainer

CPU = torch.device("cpu")
PAIRS = 4
MIDDLE, END = 3, 6
SMALL = replace(
    recipe("tiny"),
    steps=END,
    batch=PAIRS,
    slices=PAIRS,
    checkpoint_every=END,
    optimizer=OptimizerConfig(learning_rate=1e-2, warmup_steps=0),
)


class Painter(nn.Module):
    """A model without norms: moves colours about. One weight is never used."""

    keypoints = 8

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)
        self.unused = nn.Linear(2, 2)

    def forward(self, image: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(image)))  # type: ignore[no-any-return]


class Repainting:
    """Its loss, which draws noise and a number of keypoints as the real ones do."""

    critic = None

    def __call__(self, model: Any, pair: PairBatch, generator: torch.Generator) -> tuple[LossReport, Made]:
        image = pair.source.image
        noise = 0.1 * torch.randn(image.shape, generator=generator)
        kept = random_kept(model.keypoints, len(image), generator, 0.5, CPU) / model.keypoints
        made = model(image + noise)
        wrong = (made - pair.driving.image).square().mean(dim=(1, 2, 3))
        return weighted_total({"picture": (kept * wrong).mean()}, {"picture": 1.0}), Made(made)


def small_run(clips: ClipSet, folder: Path, ranks: Ranks, stop_after: int = END) -> Trainer:
    """Begin the run of a folder or go on with it."""
    stored = stored_run(folder, SMALL)
    torch.manual_seed(SMALL.seed)
    model: Any = Painter()
    trainer = Trainer(Learner(SMALL, model, Repainting(), CPU, ranks=ranks), clips, folder, "none")
    if stored is not None:
        trainer.restore(stored)
    trainer.run(stopped=lambda: trainer.step >= stop_after)
    return trainer


def clips_of(folder: Path) -> ClipSet:
    """Open the clips, which are decoded already."""
    return open_clips(find_clips(folder), folder / "cache", 64)


def paper_step(ranks: Ranks) -> dict[str, Tensor]:
    """Return numbers, gradients and statistics of the paper's networks and the critic after a step."""

    def same_for_all(batch: int, generator: torch.Generator, device: torch.device) -> PlaneTransform:
        one = random_transform(1, torch.Generator().manual_seed(7))
        return PlaneTransform(one.affine.expand(batch, 2, 3), one.control, one.weights.expand(batch, -1))

    before, paper_objective.random_transform = paper_objective.random_transform, same_for_all  # type: ignore
    try:
        return _paper_step(ranks)
    finally:
        paper_objective.random_transform = before  # type: ignore[attr-defined]


def _paper_step(ranks: Ranks) -> dict[str, Tensor]:
    torch.manual_seed(0)
    config = TrainConfig(preset="tiny", batch=PAIRS, slices=ranks.count, augment=AugmentConfig(mirror=0))
    perceptual = PerceptualLoss(PlainTaps(), weights=(1.0,), scales=1)
    model = PAPER_PRESETS["tiny"]
    objective = PaperObjective(perceptual, LossWeights(), Critic(Discriminator(model.base)), drop_tail=0.0)
    learner = Learner(config, build(model), objective, CPU, ranks=ranks)
    rows = slice(ranks.rank * PAIRS // ranks.count, (ranks.rank + 1) * PAIRS // ranks.count)
    numbers, _ = learner.advance(0, [(_pairs(rows), torch.Generator())])
    results = {f"number.{name}": torch.tensor(value) for name, value in numbers.items()}
    critic = objective.critic
    assert critic is not None
    for name, parameter in (*learner.model.named_parameters(), *critic.network.named_parameters("critic")):
        if parameter.grad is not None:
            results[f"gradient.{name}"] = parameter.grad.clone()
    results |= {f"buffer.{name}": buffer.clone() for name, buffer in learner.model.named_buffers()}
    return results


def norm_step(ranks: Ranks) -> dict[str, Tensor]:
    """Return gradients and statistics of some synchronised norms, in float64."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.Tanh(), nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4)]
    model: nn.Module = nn.Sequential(*layers).double()
    image = torch.randn(PAIRS, 2, 9, 9, dtype=torch.float64)[list(ranks.slices(PAIRS))]
    if ranks.count > 1:
        synchronise_norms(model, CPU)
        step: nn.Module = nn.parallel.DistributedDataParallel(model)
    else:
        step = model
    (step(image) ** 3).mean().backward()
    gradients = {f"gradient.{name}": parameter.grad for name, parameter in model.named_parameters()}
    return {**gradients, **dict(model.named_buffers())}  # type: ignore[dict-item]


class PlainTaps:
    """A network that sees the picture itself."""

    name = "plain"
    divisors = (1.0,)

    def __call__(self, image: Tensor) -> list[Tensor]:
        return [image]


def _pairs(rows: slice) -> PairBatch:
    generator = torch.Generator().manual_seed(3)

    def frames() -> FrameBatch:
        image = F.interpolate(torch.rand(PAIRS, 3, 8, 8, generator=generator), (64, 64), mode="bilinear")
        turns = torch.stack([rotation_from_degrees(4.0 * row, 3.0, 2.0) for row in range(PAIRS)])
        return FrameBatch(
            image[rows], torch.zeros(PAIRS, 78, 2)[rows], turns[rows], torch.zeros(PAIRS, 3)[rows]
        )

    return PairBatch(frames(), frames())


def main() -> None:
    """On two ranks: begin one run, go on with another, and train the paper's networks."""
    clips, work = clips_of(Path(sys.argv[1])), Path(sys.argv[2])
    with joined_ranks(CPU) as ranks:
        assert ranks.count == 2
        assert ranks.mean({"a": float(ranks.rank)}, CPU) == {"a": 0.5}
        assert ranks.any(ranks.rank == 1, CPU)
        small_run(clips, work / "began-on-two", ranks, stop_after=MIDDLE)
        small_run(clips, work / "ended-on-two", ranks)
        results = paper_step(ranks) | {f"norm.{name}": value for name, value in norm_step(ranks).items()}
        save_file({name: value.contiguous() for name, value in results.items()}, work / f"paper-{ranks.rank}")


if __name__ == "__main__":
    main()
