"""Reconstruction: the first frame of a clip drives the rest of it (paper Table 1, absolute motion).

    frame 0     -> Person                       (crop as it is)
    frames 1..  -> motion -> render -> result   against the frame itself
                             frame 0            against the frame itself: the static baseline

The source frame itself is not measured: it would be nearly perfect on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from facewire.animation.animator import BATCH, Animator, Person
from facewire.animation.second_look import look_again
from facewire.base.batches import in_batches
from facewire.base.errors import MediaError
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.evaluation.measuring.look import Observer
from facewire.evaluation.measuring.panel import ALL_METRICS, SET_METRICS
from facewire.evaluation.measuring.rows import Measured, Row
from facewire.evaluation.measuring.scores import ClipScores, FaceTrack, FeatureTrack
from facewire.evaluation.measuring.settings import Settings
from facewire.evaluation.measuring.summary import Summary
from facewire.evaluation.measuring.turn_ranges import TURN_METRICS, by_turn
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.protocols.protocol import Protocol
from facewire.evaluation.reports.page import Block, Section, Text
from facewire.evaluation.reports.published import RECONSTRUCTION
from facewire.evaluation.reports.showcase import difference, extremes, film, spread_columns, strip
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels

TRUTH, RESULT, STATIC = "truth", "result", "static"
"""Sides of a row; feature vectors are kept as `side/metric`."""
RANKING = ("lpips", "squeeze-perceptual", "l1")
"""What best and worst are judged by: the first that was computed."""
FILM_FRAMES = 150
"""Frames of a film at most, six seconds."""


def rows(bench: Bench, clips: Sequence[EvaluationClip]) -> Iterator[Row]:
    """Yield one row per clip."""
    return bench.each(clips, measure)


def measure(bench: Bench, clip: EvaluationClip) -> Measured:
    """Measure one clip.

    Raises:
        MediaError: the clip cannot be read or has no frame after the first.
    """
    observers = {side: _observer(bench) for side in (TRUTH, RESULT, STATIC)}
    scores = {side: ClipScores(bench.panel) for side in (RESULT, STATIC)}
    faces, features = FaceTrack(), FeatureTrack()
    frames = clip.frames(bench.animator.size, bench.settings.stride)
    source = next(frames)
    person = bench.animator.person(source, crop_mode="none")
    still = observers[STATIC].look([source])
    count = 0
    for driving in in_batches(frames, BATCH):
        truth = observers[TRUTH].look(driving)
        scores[RESULT].add(observers[RESULT].look(reenact(bench, person, driving)), truth)
        scores[STATIC].add(still.repeated(len(driving)), truth)
        faces.add(truth)
        features.add(truth)
        count += len(driving)
    if count == 0:
        raise MediaError(clip.path, "has no frame after the first")
    ours, baseline = scores[RESULT].finish(faces), scores[STATIC].finish(faces)
    turned = {
        side: by_turn(still.rotations[0], faces.rotations, score.per_frame(faces))
        for side, score in scores.items()
    }
    arrays = {f"{TRUTH}/{name}": vectors for name, vectors in features.arrays().items()}
    for side, numbers in ((RESULT, ours), (STATIC, baseline)):
        arrays |= {f"{side}/{name}": vectors for name, vectors in numbers.features.items()}
    row = Row(
        name=clip.name,
        group=clip.person,
        frames=count,
        values=ours.values | turned[RESULT],
        baseline=baseline.values | turned[STATIC],
        sums={name: products.numbers for name, products in ours.moving.items()},
    )
    return Measured(row, arrays)


def reenact(bench: Bench, person: Person, driving: list[Pixels]) -> list[Pixels]:
    """Return the person in the motion of driving pictures, absolute."""
    motion = read(bench.animator, person, driving, bench.settings)
    return bench.animator.render_batch(person, motion, kept=bench.settings.kept)


def read(animator: Animator, person: Person, driving: list[Pixels], settings: Settings) -> HeadMotion:
    """Return the motion of driving pictures of a person, as a sender reads it that has the source picture."""
    motion = animator.motion(driving)
    for _ in range(1, settings.looks):
        motion = look_again(animator, person, driving, motion, settings.kept)
    return motion


def sections(bench: Bench, clips: Sequence[EvaluationClip], summary: Summary, folder: Path) -> list[Section]:
    """Return the best, median and worst clips as strips and films."""
    ranking = next((summary.entries[name] for name in RANKING if summary.entries[name].per_clip), None)
    if ranking is None:
        return []
    by_name = {clip.name: clip for clip in clips}
    blocks: list[Block] = [
        Text(f"Ranked by {ranking.metric.title} over the whole clip; the worst are shown like the best.")
    ]
    for label, name in extremes(ranking.metric, ranking.per_clip):
        facts = f"{label}: {name}, {ranking.metric.title} {ranking.per_clip[name]:.3f}"
        blocks += _shown(bench, by_name[name], facts, folder)
    return [Section("Best, median and worst clip", blocks)]


def _shown(bench: Bench, clip: EvaluationClip, facts: str, folder: Path) -> list[Block]:
    """Return a strip and a film of a clip; the film is written while the strip's frames are picked."""
    frames = list(replay(bench.animator, clip, bench.settings, FILM_FRAMES))
    places = spread_columns(len(frames))
    source = frames[0][0]
    rows = [
        [source, *(frames[place][1] for place in places)],
        [source, *(frames[place][2] for place in places)],
        [difference(source, source), *(difference(frames[place][2], frames[place][1]) for place in places)],
    ]
    labels = ["source", *(f"frame {place + 1}" for place in places)]
    still = strip(folder / f"{clip.name}.jpg", rows, ["driver", "result", "difference x3"], labels, facts)
    moving = film(folder / f"{clip.name}.mp4", frames, clip.rate(), f"{clip.name}: source, driver, result")
    return [still, *([moving] if moving else [])]


def replay(
    animator: Animator, clip: EvaluationClip, settings: Settings, most: int
) -> Iterator[tuple[Pixels, Pixels, Pixels]]:
    """Yield (source, driving, result) of a clip's first `most` frames after the source, for pictures and films."""
    frames = clip.frames(animator.size)
    source = next(frames)
    person = animator.person(source, crop_mode="none")
    for driving in in_batches(islice(frames, most), BATCH):
        motion = read(animator, person, driving, settings)
        results = animator.render_batch(person, motion, kept=settings.kept)
        yield from ((source, frame, result) for frame, result in zip(driving, results, strict=True))


def _observer(bench: Bench) -> Observer:
    return Observer(bench.panel, bench.animator.device, identity_stride=bench.settings.identity_stride)


PROTOCOL = Protocol(
    name="reconstruction",
    question="How well does the first frame of a clip, moved by the driver's motion, become the rest of the clip?",
    what="clip",
    metrics=(*ALL_METRICS, *TURN_METRICS),
    rows=rows,
    sets={
        metric.name: (f"{TRUTH}/{metric.name}", f"{RESULT}/{metric.name}", f"{STATIC}/{metric.name}")
        for metric in SET_METRICS
    },
    sections=sections,
    published=RECONSTRUCTION,
    baseline="the source picture left as it is (static), against the same frames",
)
