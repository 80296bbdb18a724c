"""Occlusion: hands and things in front of the face, a failure that the paper names.

    driver covered   the same thing drawn over every driving frame, the source clear
                     against the clear frame, beside the result of the clear driver
    source covered   the thing drawn over the source, the driver clear
                     against the clear frame, beside the result of the clear source

The first asks whether something in the way throws the motion: nothing of it should be seen in the result. The second
asks how far the damage of a covered source spreads; inside the covered place the result cannot be right, because what
is there was never seen. Errors are L1 inside and outside the covered place.

The things are synthetic (occluders.py) and stand still; real hands move, and what they do is not measured here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facewire.animation.animator import BATCH, Person
from facewire.base.batches import in_batches
from facewire.base.errors import MediaError
from facewire.base.files import name_bytes
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.evaluation.measuring.rows import Measured, Row
from facewire.evaluation.measuring.summary import Summary
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.protocols.occluders import KINDS, Occluder, occluder
from facewire.evaluation.protocols.protocol import Protocol
from facewire.evaluation.reports.page import Block, Section, Text
from facewire.evaluation.reports.showcase import extremes, film, spread_columns, strip
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.metrics.metric import Metric
from facewire.metrics.pose_error import rotation_angle

CENTRES = ((0.5, 0.72), (0.36, 0.6), (0.64, 0.6), (0.5, 0.36))
"""Mouth, cheeks, brow: where things are in front of a face in the project's crop."""
PAPER = (
    "The paper names things before the face as its failure, shows some (appendix B.5) and gives no numbers."
)
FILM_FRAMES = 75
SIDES = ("driver", "source")
PLACES = ("inside", "outside")


def _card(side: str, place: str) -> Metric:
    return Metric(
        name=f"{side}-{place}",
        title=f"L1 {place}, {side} covered",
        unit="grey levels of 255",
        better="lower",
        range=(0.0, 255.0),
        source=f"mean absolute difference to the clear frame {place} the covered place, hand and box",
        note="the baseline is the same place with nothing in the way",
    )


POSE_SHIFT = Metric(
    name="driver-pose-shift",
    title="head pose shift, driver covered",
    unit="degrees",
    better="lower",
    range=(0.0, 180.0),
    source="angle between the model's own R of the covered and of the clear driving frame",
)
SPILL = Metric(
    name="driver-spill",
    title="change outside, driver covered",
    unit="grey levels of 255",
    better="lower",
    range=(0.0, 255.0),
    source="mean absolute difference between the results of the covered and of the clear driver, outside",
)
METRICS = (*(_card(side, place) for side in SIDES for place in PLACES), POSE_SHIFT, SPILL)


def rows(bench: Bench, clips: Sequence[EvaluationClip]) -> Iterator[Row]:
    """Yield one row per clip."""
    return bench.each(clips, measure)


def things(clip: EvaluationClip, size: int) -> list[Occluder]:
    """Return the things drawn over a clip: always the same ones for the same name."""
    seed = int.from_bytes(hashlib.sha256(name_bytes(clip.name)).digest()[:4], "big")
    centres = [CENTRES[(seed + index) % len(CENTRES)] for index in range(len(KINDS))]
    return [
        occluder(kind, size, centre, seed + index) for index, (kind, centre) in enumerate(zip(KINDS, centres))
    ]


def measure(bench: Bench, clip: EvaluationClip) -> Measured:
    """Measure one clip with every thing.

    Raises:
        MediaError: the clip has no frame after the first.
    """
    animator, kept = bench.animator, bench.settings.kept
    frames = clip.frames(animator.size, bench.settings.stride)
    first = next(frames)
    covers = things(clip, animator.size)
    clear = animator.person(first, crop_mode="none")
    covered = [animator.person(cover.on(first), crop_mode="none") for cover in covers]
    ours, baseline = _Means(), _Means()
    count = 0
    for driving in in_batches(frames, BATCH):
        motion = animator.motion(driving)
        normal = animator.render_batch(clear, motion, kept=kept)
        for cover, person in zip(covers, covered, strict=True):
            thrown = animator.motion([cover.on(frame) for frame in driving])
            results = {
                "driver": animator.render_batch(clear, thrown, kept=kept),
                "source": animator.render_batch(person, motion, kept=kept),
            }
            for side, pictures in results.items():
                ours.add_places(side, pictures, driving, cover.mask)
                baseline.add_places(side, normal, driving, cover.mask)
            ours.add(
                SPILL.name, [_l1(a, b, ~cover.mask) for a, b in zip(results["driver"], normal, strict=True)]
            )
            ours.add(POSE_SHIFT.name, _shift(thrown, motion))
        count += len(driving)
    if count == 0:
        raise MediaError(clip.path, "has no frame after the first")
    return Measured(
        Row(name=clip.name, group=clip.person, frames=count, values=ours.values(), baseline=baseline.values())
    )


class _Means:
    """Means by name."""

    def __init__(self) -> None:
        self._numbers: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, numbers: Sequence[float]) -> None:
        self._numbers[name] += numbers

    def add_places(
        self, side: str, results: Sequence[Pixels], truth: Sequence[Pixels], mask: npt.NDArray[np.bool_]
    ) -> None:
        """Count in L1 inside and outside a mask."""
        for place, where in zip(PLACES, (mask, ~mask), strict=True):
            self.add(f"{side}-{place}", [_l1(a, b, where) for a, b in zip(results, truth, strict=True)])

    def values(self) -> dict[str, float]:
        return {name: float(np.mean(numbers)) for name, numbers in self._numbers.items()}


def _l1(a: Pixels, b: Pixels, where: npt.NDArray[np.bool_]) -> float:
    return float(np.abs(a[where].astype(np.int16) - b[where]).mean())


def _shift(thrown: HeadMotion, motion: HeadMotion) -> list[float]:
    angles = rotation_angle(thrown.rotation.double().cpu().numpy(), motion.rotation.double().cpu().numpy())
    return [float(angle) for angle in angles]


def sections(bench: Bench, clips: Sequence[EvaluationClip], summary: Summary, folder: Path) -> list[Section]:
    """Return strips and films of the best, median and worst clip, driver and source covered."""
    entry = summary.entries[SPILL.name]
    by_name = {clip.name: clip for clip in clips}
    blocks: list[Block] = [Text(f"{PAPER} Ranked by {entry.metric.title}.")]
    for label, name in extremes(entry.metric, entry.per_clip):
        caption = f"{label}: {name}, {entry.metric.title} {entry.per_clip[name]:.2f}"
        clip, path = by_name[name], folder / f"covered-{label}"
        blocks.append(_shown(bench, clip, caption, path.with_suffix(".jpg")))
        facts = f"{name}: each thing over the driver, and the result"
        moving = film(path.with_suffix(".mp4"), _covered(bench, clip), clip.rate(), facts)
        blocks += [moving] if moving else []
    return [Section("Best, median and worst clip", blocks)]


def _shown(bench: Bench, clip: EvaluationClip, caption: str, path: Path) -> Block:
    animator, kept = bench.animator, bench.settings.kept
    frames = list(clip.frames(animator.size, bench.settings.stride))
    driving = [frames[place] for place in spread_columns(len(frames), 4)]
    clear = animator.person(frames[0], crop_mode="none")
    motion = animator.motion(driving)
    rows = [[frames[0], *driving], [frames[0], *_results(bench, clear, motion)]]
    labels = ["driver", "result"]
    for kind, cover in zip(KINDS, things(clip, animator.size), strict=True):
        hidden = [cover.on(frame) for frame in driving]
        rows += [[frames[0], *hidden], [frames[0], *_results(bench, clear, animator.motion(hidden))]]
        person = animator.person(cover.on(frames[0]), crop_mode="none")
        rows.append([person.picture, *animator.render_batch(person, motion, kept=kept)])
        labels += [f"{kind} on driver", "result", f"{kind} on source"]
    return strip(path, rows, labels, ["source"], caption)


def _covered(bench: Bench, clip: EvaluationClip) -> Iterator[tuple[Pixels, ...]]:
    """Yield (covered driver, result) for every thing, frame after frame."""
    frames = clip.frames(bench.animator.size)
    person = bench.animator.person(next(frames), crop_mode="none")
    covers = things(clip, bench.animator.size)
    for driving in in_batches(islice(frames, FILM_FRAMES), BATCH):
        hidden = [[cover.on(frame) for frame in driving] for cover in covers]
        lines = [
            line for own in hidden for line in (own, _results(bench, person, bench.animator.motion(own)))
        ]
        yield from zip(*lines, strict=True)


def _results(bench: Bench, person: Person, motion: HeadMotion) -> list[Pixels]:
    return bench.animator.render_batch(person, motion, kept=bench.settings.kept)


PROTOCOL = Protocol(
    name="occlusion",
    question="What does a hand or a thing in front of the driver's or the source's face do to the result?",
    what="clip",
    metrics=METRICS,
    rows=rows,
    stride=10,
    sections=sections,
    baseline="the same place and frames with nothing in the way",
)
