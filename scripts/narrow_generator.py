"""Make the compact model's generator narrower and let it learn from the wider one what it shows.

    python scripts/narrow_generator.py --data clips/ --inner 32 16 8 -o narrow/

Only the channels between the two convolutions of G's residual blocks become fewer (CompactConfig.inner32 ...), so
whatever a sender reads, and what a stream means, stays as it is. Three steps:

    statistics   what those channels say on some pictures, and how they go together
    choice       one after the other the channel goes whose part the others can take over best, in least squares
    learning     G draws what the wide G draws of the same field, on clips, turned heads and dropped keypoints

OUT/weights.safetensors is written every few minutes; stopped, the same command goes on from OUT/state.safetensors.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from facewire.base.files import write_json
from facewire.data.augment import AugmentConfig, augment
from facewire.data.clips import find_clips, open_clips
from facewire.data.pairs import PairBatch, PairSampler
from facewire.geometry.grid import image_grid
from facewire.geometry.heatmap import gaussian_maps
from facewire.geometry.pose import rotation_from_angles
from facewire.networks.compact.image import CompactGenerator, GeneratedParts, Residual
from facewire.networks.compact.model import CompactSynthesis, CompactTalkingHead
from facewire.networks.compact.openings import OPEN_EYES, OPEN_MOUTH
from facewire.networks.manifest import DEFAULT
from facewire.networks.memory_layout import channels_last
from facewire.networks.presets import build_preset
from facewire.networks.weights import load_model, save_weights, write_tensors
from facewire.training.checkpoint import optimizer_tensors, part, prefixed, restore_optimizer
from facewire.training.machine.prefetch import prefetched
from facewire.training.objectives.compact import DETAIL_VARIANCE
from facewire.training.objectives.objective import random_kept
from facewire.training.objectives.turned_term import LARGEST_TURN
from facewire.training.precision import flushed_denormals

SEED = 1
PLACES = 600
"""Of a map, that count for the statistics of a step."""
RIDGE = 1e-4
"""Added to those statistics, by their mean."""
TURNED = 0.3
"""Share of the motions that are turned by a random rotation, which clips have few of."""
DROP_TAIL = 0.2
FACE_WEIGHT, OPEN_WEIGHT = 4.0, 12.0
"""How much more a pixel near lids, irises and lips counts, and one within an open mouth or eye."""
PARTS_WEIGHT = 0.3
"""Of the shares of the candidates, beside the picture itself and the repair."""
REPORT_EVERY, KEEP_EVERY = 50, 250


def main(arguments: Sequence[str] | None = None) -> int:
    """Narrow, learn, write."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(given.threads)
    output = Path(given.output)
    output.mkdir(parents=True, exist_ok=True)
    wide, manifest = load_model(given.weights)
    assert isinstance(wide, CompactTalkingHead)
    clips = open_clips(find_clips(Path(given.data)), Path(given.cache), wide.resolution)
    sampler = PairSampler(clips.clips, given.batch, SEED, 0.7, 1.0, 0.35)
    state = output / "state.safetensors"
    inner = dict(zip(("inner32", "inner64", "inner128"), given.inner, strict=True))
    settings = {**manifest.config, **inner}
    narrow = build_preset(manifest.preset, settings)
    assert isinstance(narrow, CompactTalkingHead)
    stored = load_file(state) if state.is_file() else None
    with flushed_denormals():
        if stored is None:
            known = wide.state_dict() | narrowed(
                wide.generator, statistics(wide, sampler, given.pictures), narrow.generator
            )
            narrow.load_state_dict(known)
            begun = 0
        else:
            narrow.load_state_dict(part("model", stored))
            begun = int(stored["step"])
        print(f"{len(clips.clips)} clips, from step {begun} of {given.steps}", flush=True)
        learning = Learning(wide, narrow, given.rate, given.steps)
        if stored is not None:
            restore_optimizer(learning.optimizer, part("optimizer", stored))

        def keep(step: int) -> None:
            learned = narrow.state_dict()
            provenance = replace(manifest.provenance, steps=manifest.provenance.steps + step)
            save_weights(output / "weights.safetensors", learned, manifest.preset, settings, provenance)
            tensors = {"step": torch.tensor(step)} | prefixed("model", learned)
            tensors |= prefixed("optimizer", optimizer_tensors(learning.optimizer))
            write_tensors(state, {name: tensor.contiguous() for name, tensor in tensors.items()})

        ahead = prefetched(lambda step: drawn(sampler, step), begun, given.steps, 1)
        learn(learning, ahead, begun, given.steps, keep, output / "curve.json")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="clips as for facewire train")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for weights and state")
    parser.add_argument("--inner", type=int, nargs=3, required=True, metavar="N", help="at 32, 64 and 128")
    parser.add_argument("--weights", default=DEFAULT, metavar="NAME|FILE", help=f"the wide model ({DEFAULT})")
    parser.add_argument("--cache", default="clips-cache", metavar="DIR", help="for decoded clips")
    parser.add_argument(
        "--pictures", type=int, default=40, metavar="N", help="steps of statistics (default: 40)"
    )
    parser.add_argument("--steps", type=int, default=4000, metavar="N", help="default: 4000")
    parser.add_argument("--batch", type=int, default=4, metavar="N", help="pairs in a step (default: 4)")
    parser.add_argument("--rate", type=float, default=5e-4, help="falls to 0 (default: 5e-4)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default: 1")
    return parser


def drawn(sampler: PairSampler, step: int) -> tuple[PairBatch, torch.Generator]:
    """Return the pairs of a step, augmented, and the generator of whatever else is drawn."""
    generator = torch.Generator().manual_seed(SEED + 1000 * step)
    return augment(sampler.load(step), generator, AugmentConfig()), generator


def residuals(generator: CompactGenerator) -> dict[str, Residual]:
    """Return the residual blocks of G by name."""
    return {name: module for name, module in generator.named_modules() if isinstance(module, Residual)}


@torch.no_grad()
def statistics(wide: CompactTalkingHead, sampler: PairSampler, steps: int) -> Mapping[str, Tensor]:
    """Return how the inner channels of every residual block go together, over some steps of pairs.

    (9 C + 1, 9 C + 1): means of products of the 3 x 3 cells that its second convolution sees, channel by channel,
    and 1.
    """
    blocks = residuals(wide.generator)
    sums: dict[str, list[Tensor]] = {name: [] for name in blocks}
    chosen = torch.Generator().manual_seed(SEED)

    def watch(name: str, block: Residual) -> torch.utils.hooks.RemovableHandle:
        def seen(_module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
            cells = F.unfold(F.relu(block.first(F.relu(inputs[0]))), 3, padding=1)
            some = torch.randperm(cells.shape[2], generator=chosen)[:PLACES]
            flat = cells[:, :, some].transpose(0, 1).flatten(1).double()
            flat = torch.cat((flat, torch.ones_like(flat[:1])))
            sums[name].append(flat @ flat.T / flat.shape[1])

        return block.register_forward_hook(seen)

    watching = [watch(name, block) for name, block in blocks.items()]
    for step in range(steps):
        pair, _ = drawn(sampler, step)
        wide.synthesis(wide.identity(pair.source.image), wide.motion(pair.driving.image))
    for hook in watching:
        hook.remove()
    return {name: torch.stack(products).mean(dim=0) for name, products in sums.items()}


def narrowed(
    wide: CompactGenerator, found: Mapping[str, Tensor], narrow: CompactGenerator
) -> dict[str, Tensor]:
    """Return the numbers of the narrow blocks, by their names in the model."""
    numbers: dict[str, Tensor] = {}
    known = wide.state_dict()
    for name, block in residuals(narrow).items():
        first, second = (
            (known[f"{name}.{which}.weight"], known[f"{name}.{which}.bias"]) for which in ("first", "second")
        )
        kept, weight, bias = chosen_channels(found[name], *second, block.first.out_channels)
        numbers |= {
            f"generator.{name}.first.weight": first[0][kept],
            f"generator.{name}.first.bias": first[1][kept],
            f"generator.{name}.second.weight": weight,
            f"generator.{name}.second.bias": bias,
        }
    return numbers


def chosen_channels(
    found: Tensor, weight: Tensor, bias: Tensor, count: int
) -> tuple[list[int], Tensor, Tensor]:
    """Return which input channels of a convolution stay, and its weight and bias without the others.

    One after the other that channel goes whose loss costs the output least when all others make up for it in least
    squares (optimal brain surgeon, Hassibi and Stork 1993, by groups of nine).

    Args:
        found: what `statistics` says of its inputs.
        weight: (O, C, 3, 3).
        bias: (O,).
        count: channels that stay.
    """
    outputs, channels = weight.shape[:2]
    kept = list(range(channels))
    numbers = torch.cat((weight.double().flatten(1), bias.double()[:, None]), dim=1)
    ridge = RIDGE * found.diagonal().mean() * torch.eye(len(found), dtype=found.dtype)
    inverse = torch.linalg.inv(found + ridge)
    while len(kept) > count:
        starts = range(0, 9 * len(kept), 9)
        own = torch.stack([inverse[at : at + 9, at : at + 9] for at in starts])
        parts = numbers[:, :-1].reshape(outputs, len(kept), 9).transpose(0, 1)
        costs = torch.einsum("cof,cfg,cog->c", parts, torch.linalg.inv(own), parts)
        worst = int(costs.argmin())
        gone = slice(9 * worst, 9 * worst + 9)
        share = torch.linalg.inv(own[worst]) @ inverse[gone]
        numbers = numbers - numbers[:, gone] @ share
        inverse = inverse - inverse[:, gone] @ share
        rest = torch.ones(len(inverse), dtype=torch.bool)
        rest[gone] = False
        numbers, inverse = numbers[:, rest], inverse[rest][:, rest]
        kept.pop(worst)
    return kept, numbers[:, :-1].reshape(outputs, count, 3, 3).float(), numbers[:, -1].float()


class Learning:
    """The narrow G, its optimizer, and the wide model that says what is to be drawn."""

    def __init__(self, wide: CompactTalkingHead, narrow: CompactTalkingHead, rate: float, steps: int) -> None:
        for model in (wide, narrow):
            channels_last(model)
        self.wide, self.generator = wide.requires_grad_(False), narrow.generator.train()
        self.rate, self.steps = rate, steps
        self.optimizer = torch.optim.Adam(self.generator.parameters(), lr=rate, betas=(0.9, 0.99), fused=True)
        self._asked: tuple[Any, ...] = ()
        wide.generator.register_forward_pre_hook(self._remember)

    def _remember(self, _module: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._asked = inputs

    def advance(self, step: int, pair: PairBatch, generator: torch.Generator) -> dict[str, float]:
        """Make one step; return its numbers by name."""
        with torch.no_grad():
            identity = self.wide.identity(pair.source.image)
            motion = self.wide.motion(pair.driving.image)
            degrees = (2 * torch.rand(len(motion), 3, generator=generator) - 1) * torch.tensor(LARGEST_TURN)
            turned = torch.rand(len(motion), 1, generator=generator) < TURNED
            angles = torch.deg2rad(degrees * turned)
            motion = motion.turned_at_neck(rotation_from_angles(*angles.unbind(dim=-1)))
            kept = random_kept(self.wide.keypoints, len(motion), generator, DROP_TAIL, torch.device("cpu"))
            goal = self.wide.synthesis(identity, motion, kept)
        parts: GeneratedParts = self.generator(*self._asked)
        terms = _terms(parts, goal)
        total = terms["picture"] + terms["repair"] + PARTS_WEIGHT * terms["shares"]
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.generator.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = (
                self.rate * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / self.steps))
            )
        self.optimizer.step()
        return {name: float(term.detach()) for name, term in terms.items()}


def _terms(parts: GeneratedParts, goal: CompactSynthesis) -> dict[str, Tensor]:
    """Return how far what is drawn is from what the wide G draws."""
    frame, wanted = parts.frame(), goal.image
    size = wanted.shape[-1]
    grid = image_grid(size // 4, size // 4, device=wanted.device)
    points = goal.driving.points[..., :2]
    spots = gaussian_maps(points, grid, DETAIL_VARIANCE).amax(dim=1, keepdim=True)
    inside = goal.openings[:, [OPEN_MOUTH, OPEN_EYES]].sum(dim=1, keepdim=True)
    weight = 1 + FACE_WEIGHT * _enlarged(spots, size) + OPEN_WEIGHT * _enlarged(inside, size)
    difference = (frame - wanted).abs()
    return {
        "picture": (difference * weight).mean(),
        "plain": difference.mean(),
        "repair": (parts.repair - goal.parts.repair).abs().mean(),
        "shares": (parts.shares - goal.parts.shares).abs().mean(),
    }


def _enlarged(maps: Tensor, size: int) -> Tensor:
    return F.interpolate(maps, (size, size), mode="bilinear", align_corners=True)


def learn(
    learning: Learning,
    ahead: Any,
    begun: int,
    steps: int,
    keep: Any,
    curve: Path,
) -> None:
    """Make all steps, printing and keeping every few."""
    lines = json.loads(curve.read_text()) if begun and curve.is_file() else []
    sums: dict[str, float] = {}
    begin, said = time.monotonic(), begun
    for step, (pair, generator) in enumerate(ahead, start=begun):
        for name, value in learning.advance(step, pair, generator).items():
            sums[name] = sums.get(name, 0.0) + value
        done = step + 1
        if done % REPORT_EVERY == 0 or done == steps:
            means = {name: round(255 * value / (done - said), 4) for name, value in sums.items()}
            sums, said = {}, done
            pace = (done - begun) / (time.monotonic() - begin)
            left = (steps - done) / pace / 60
            print(f"{done} of {steps}, {pace:.2f} a second, {left:.0f} min left: {means}", flush=True)
            lines.append({"step": done, **means})
        if done % KEEP_EVERY == 0 or done == steps:
            keep(done)
            write_json(curve, lines)


if __name__ == "__main__":
    raise SystemExit(main())
