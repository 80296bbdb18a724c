"""Motion transfer: a clip drives another person (paper Tables 2 and 4, absolute and relative motion).

    driver:   a clip                 source: the first frame of another person's clip, or a portrait
    absolute  the driver's motion as it is             should have the driver's pose
    relative  the source's own plus what changed       should have R_d R_0^-1 R_s, frame 0 the most alike one

There is no truth to compare pixels with. Identity is compared with the source, pose with what was asked for,
movements of the face with the driver, and the set of all results with the set of all driving frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from facewire.animation.animator import BATCH, Person
from facewire.animation.reference import best_reference
from facewire.base.batches import in_batches
from facewire.base.files import sha256_of
from facewire.evaluation.measuring.clips import EvaluationClip, find_stills, spread
from facewire.evaluation.measuring.look import FloatArray, Look, Observer
from facewire.evaluation.measuring.rows import Measured, Row
from facewire.evaluation.measuring.scores import (
    FaceTrack,
    FeatureTrack,
    face_numbers,
    identity_numbers,
    mean_of,
)
from facewire.evaluation.measuring.summary import Summary
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.protocols.protocol import Protocol
from facewire.evaluation.reports.page import Block, Section, Text
from facewire.evaluation.reports.published import TRANSFER
from facewire.evaluation.reports.showcase import extremes, film, spread_columns, strip
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.media.image import load_image, resize
from facewire.metrics.apertures import EYE_APERTURE, LIP_APERTURE
from facewire.metrics.expression_error import EXPRESSION_ERROR, expression_error
from facewire.metrics.face_lost import FACE_LOST
from facewire.metrics.frechet import FID, FRECHET_SQUEEZE
from facewire.metrics.identity import CSIM, SAME_PERSON
from facewire.metrics.metric import Metric
from facewire.metrics.pose_error import POSE_ERROR, rotation_angle
from facewire.networks.carry import carry_of

MODES = ("absolute", "relative")
DRIVER, STATIC = "driver", "static"
MEASURES = (
    CSIM,
    SAME_PERSON,
    POSE_ERROR,
    EXPRESSION_ERROR,
    LIP_APERTURE,
    EYE_APERTURE,
    FACE_LOST,
    FRECHET_SQUEEZE,
    FID,
)
SETS = (FRECHET_SQUEEZE, FID)
FILM_FRAMES = 150


@dataclass(frozen=True, slots=True)
class Pair:
    """A driving clip and whom it drives.

    source  name of the source
    load    reads its picture at a size
    bytes   hash of the source's file
    """

    driver: EvaluationClip
    source: str
    load: Callable[[int], Pixels]
    bytes: str

    @property
    def name(self) -> str:
        return f"{self.source} driven by {self.driver.name}"

    @property
    def group(self) -> str:
        return self.driver.person

    def identity(self) -> Mapping[str, str]:
        return {"clip": self.driver.hash(), "source": self.bytes}


def rows(bench: Bench, clips: Sequence[EvaluationClip]) -> Iterator[Row]:
    """Yield one row per pair."""
    return bench.each(pairs(clips), measure)


def pairs(clips: Sequence[EvaluationClip]) -> list[Pair]:
    """Return each clip with the next other person's first frame, and with one portrait where there are portraits."""
    found = []
    stills = spread(find_stills(clips[0].path.parent), len(clips)) if clips else []
    for index, driver in enumerate(clips):
        others = [clip for clip in (*clips[index + 1 :], *clips[:index]) if clip.person != driver.person]
        if others:
            found.append(Pair(driver, others[0].name, partial(_first_frame, others[0]), others[0].hash()))
        if stills:
            still = stills[index % len(stills)]
            found.append(Pair(driver, f"portrait {still.stem}", partial(_portrait, still), sha256_of(still)))
    return found


def measure(bench: Bench, pair: Pair) -> Measured:
    """Measure one pair in both modes."""
    person = bench.animator.person(pair.load(bench.animator.size), crop_mode="none")
    motions, reference = read_motions(bench, pair, person)
    rest = motions[reference : reference + 1]
    source = _observer(bench).look([person.picture])
    observers = {side: _observer(bench) for side in (DRIVER, *MODES)}
    tracks = {side: FaceTrack() for side in (DRIVER, *MODES)}
    features = {side: FeatureTrack() for side in (DRIVER, STATIC, *MODES)}
    start = 0
    for driving in in_batches(_driving(bench, pair), BATCH):
        batch = motions[start : start + len(driving)]
        start += len(driving)
        looks = {DRIVER: observers[DRIVER].look(driving)}
        for mode in MODES:
            wanted = batch if mode == "absolute" else _relative(bench, batch, rest, person)
            pictures = bench.animator.render_batch(person, wanted, kept=bench.settings.kept)
            looks[mode] = observers[mode].look(pictures)
        for side, look in looks.items():
            tracks[side].add(look)
            features[side].add(look)
        features[STATIC].add(source.repeated(len(driving)))
    return _measured(pair, tracks, features, source, reference, start)


def read_motions(bench: Bench, pair: Pair, person: Person) -> tuple[HeadMotion, int]:
    """Return the driver's motions and the number of the frame most like the source."""
    read = [bench.animator.motion(batch).to("cpu") for batch in in_batches(_driving(bench, pair), BATCH)]
    motions = HeadMotion.cat(read)
    return motions, best_reference(motions, person.identity.motion.to("cpu"))


def _measured(
    pair: Pair,
    tracks: Mapping[str, FaceTrack],
    features: Mapping[str, FeatureTrack],
    source: Look,
    reference: int,
    frames: int,
) -> Measured:
    values: dict[str, float] = {}
    baseline: dict[str, float] = {}
    sums: dict[str, tuple[float, ...]] = {}
    driver = tracks[DRIVER]
    wanted = {
        "absolute": driver.rotations,
        "relative": _relative_rotations(driver.rotations, reference, source),
    }
    for mode in MODES:
        faces, moving = face_numbers(tracks[mode], driver, in_a_row=False)
        own = {
            name: faces[name]
            for name in (LIP_APERTURE.name, EYE_APERTURE.name, FACE_LOST.name)
            if name in faces
        }
        own |= identity_numbers(tracks[mode].identities, np.repeat(source.identities, frames, axis=0))
        own |= _pose_error(tracks[mode].rotations, wanted[mode])
        own |= _expression_error(tracks[mode].points, tracks[mode].rotations, driver)
        still = _pose_error(source.rotations, wanted[mode])
        still |= _expression_error(*_repeated(source, frames), driver)
        baseline |= {f"{mode}-{name}": value for name, value in still.items()}
        values |= {f"{mode}-{name}": value for name, value in own.items()}
        sums |= {f"{mode}-{name}": products.numbers for name, products in moving.items()}
    row = Row(name=pair.name, group=pair.group, frames=frames, values=values, baseline=baseline, sums=sums)
    arrays = {
        f"{side}/{name}": rows for side, track in features.items() for name, rows in track.arrays().items()
    }
    return Measured(row, arrays)


def _pose_error(rotations: FloatArray, wanted: FloatArray) -> dict[str, float]:
    error = mean_of(rotation_angle(rotations, wanted))
    return {} if error is None else {POSE_ERROR.name: error}


def _expression_error(points: FloatArray, rotations: FloatArray, driver: FaceTrack) -> dict[str, float]:
    error = expression_error(points, rotations, driver.points, driver.rotations)
    return {} if error is None else {EXPRESSION_ERROR.name: error}


def _repeated(source: Look, frames: int) -> tuple[FloatArray, FloatArray]:
    """Return the source's landmarks and rotation for every frame."""
    return np.repeat(source.points, frames, axis=0), np.repeat(source.rotations, frames, axis=0)


def _relative(bench: Bench, batch: HeadMotion, reference: HeadMotion, person: Person) -> HeadMotion:
    return carry_of(bench.animator.foreign)(batch, reference, person.identity.motion.to("cpu"))


def _relative_rotations(driver: FloatArray, reference: int, source: Look) -> FloatArray:
    """Return R_d R_0^-1 R_s of the measured rotations."""
    rotations: FloatArray = driver @ driver[reference].T @ source.rotations[0]
    return rotations


def sections(bench: Bench, clips: Sequence[EvaluationClip], summary: Summary, folder: Path) -> list[Section]:
    """Return strips and films of the best, median and worst pair."""
    candidates = ("absolute-csim", "absolute-pose-error")
    ranking = next((summary.entries[name] for name in candidates if summary.entries[name].per_clip), None)
    if ranking is None:
        return []
    by_name = {pair.name: pair for pair in pairs(clips)}
    blocks: list[Block] = [Text(f"Ranked by {ranking.metric.title}.")]
    for label, name in extremes(ranking.metric, ranking.per_clip):
        facts = f"{label}: {name}, {ranking.metric.title} {ranking.per_clip[name]:.3f}"
        blocks += _shown(bench, by_name[name], facts, folder / f"pair-{label}")
    return [Section("Best, median and worst pair", blocks)]


def _shown(bench: Bench, pair: Pair, facts: str, path: Path) -> list[Block]:
    whole = replace(bench, settings=replace(bench.settings, stride=1))
    person = bench.animator.person(pair.load(bench.animator.size), crop_mode="none")
    motions, reference = read_motions(whole, pair, person)
    shown = motions[:FILM_FRAMES]
    driving = list(islice(_driving(whole, pair), FILM_FRAMES))
    relative = _relative(bench, shown, motions[reference : reference + 1], person)
    results = [list(bench.animator.render(person, wanted)) for wanted in (shown, relative)]
    places = spread_columns(len(driving))
    rows = [[person.picture, *(line[place] for place in places)] for line in (driving, *results)]
    labels = ["source", *(f"frame {place}" for place in places)]
    still = strip(path.with_suffix(".jpg"), rows, ["driver", *MODES], labels, facts)
    frames = [(person.picture, *line) for line in zip(driving, *results, strict=True)]
    caption = f"{pair.name}: source, driver, absolute, relative"
    moving = film(path.with_suffix(".mp4"), frames, pair.driver.rate(), caption)
    return [still, *([moving] if moving else [])]


def _driving(bench: Bench, pair: Pair) -> Iterator[Pixels]:
    return pair.driver.frames(bench.animator.size, bench.settings.stride)


def _observer(bench: Bench) -> Observer:
    stride = max(1, bench.settings.identity_stride // bench.settings.stride)
    return Observer(bench.panel, bench.animator.device, taps=False, identity_stride=stride)


def _first_frame(clip: EvaluationClip, size: int) -> Pixels:
    return next(clip.frames(size))


def _portrait(path: Path, size: int) -> Pixels:
    return resize(load_image(path), (size, size))


def _card(metric: Metric, mode: str) -> Metric:
    return replace(metric, name=f"{mode}-{metric.name}", title=f"{metric.title}, {mode}")


CARDS = tuple(_card(metric, mode) for mode in MODES for metric in MEASURES)

PROTOCOL = Protocol(
    name="transfer",
    question="Does another person, moved by a clip, stay that person and do what the driver does?",
    what="pair",
    metrics=CARDS,
    rows=rows,
    stride=5,
    absent={card.name: card.name.partition("-")[2] for card in CARDS},
    sets={
        _card(metric, mode).name: (
            f"{DRIVER}/{metric.name}",
            f"{mode}/{metric.name}",
            f"{STATIC}/{metric.name}",
        )
        for metric in SETS
        for mode in MODES
    },
    sections=sections,
    published=TRANSFER,
    baseline="the source picture left as it is",
)
