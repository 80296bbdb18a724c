"""Canonical keypoints: do they tell who somebody is, and not how the head is turned (paper Fig. 4d, appendix B.6)?

    frames spread over every clip -> identity -> x_c (K, 3)

within       mean distance of a clip's frames from the clip's mean
between      mean distance of the means of different people
accuracy     each frame takes the person of the nearest frame of all other clips; only people with several clips are
             asked. The same is done with face landmarks (centred, scaled to unit size), and compared with chance.
pose         correlation, within clips, between how far two frames' canonical keypoints are apart and how far their
             heads are turned against each other; 0 is what the name promises

Distances are root mean squares over keypoints, in units of half the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.evaluation.measuring.look import FloatArray, Observer
from facewire.evaluation.measuring.rows import Measured, Row, Store
from facewire.evaluation.measuring.summary import Entry, Summary
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.protocols.protocol import Protocol
from facewire.evaluation.reports.page import Block, Plots, Section, Text
from facewire.evaluation.reports.plots import scatter_plot
from facewire.evaluation.reports.published import CANONICAL
from facewire.metrics.apertures import Comovement
from facewire.metrics.keypoint_distance import CLASSICAL
from facewire.metrics.metric import Metric
from facewire.metrics.pose_error import rotation_angle

POINTS, LANDMARKS = "canonical", "landmarks"
MOST_FRAMES = 16
"""Frames of a clip at most, spread over it."""

_UNIT = "half picture sides"
WITHIN = Metric(
    name="canonical-within",
    title="distance within a clip",
    unit=_UNIT,
    better="lower",
    range=(0.0, None),
    source="RMS distance of a clip's canonical keypoints from their mean",
)
BETWEEN = Metric(
    name="canonical-between",
    title="distance between people",
    unit=_UNIT,
    better="higher",
    range=(0.0, None),
    source="RMS distance of two people's mean canonical keypoints, mean over pairs",
)
SEPARATION = Metric(
    name="canonical-separation",
    title="between over within",
    unit="",
    better="higher",
    range=(0.0, None),
    source="distance between people divided by the one within a clip",
)
POSE = Metric(
    name="canonical-pose-correlation",
    title="correlation with head pose",
    unit="",
    better="ideal",
    range=(-1.0, 1.0),
    source="distance of canonical keypoints against angle between heads, pairs of frames, pooled within clips",
)


def _accuracy(name: str, title: str, source: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="share of frames",
        better="higher",
        range=(0.0, 1.0),
        source=source,
        note="clips of one person often come from one recording, which makes recognition easier",
    )


ACCURACY = _accuracy(
    "canonical-accuracy", "recognition by canonical keypoints", "nearest frame of all other clips"
)
LANDMARK_ACCURACY = _accuracy(
    "landmark-accuracy", "recognition by landmarks", "the same with 68 face landmarks"
)
CHANCE = _accuracy("chance", "recognition by chance", "one over the number of people to choose from")

METRICS = (WITHIN, BETWEEN, SEPARATION, POSE, ACCURACY, LANDMARK_ACCURACY, CHANCE)


@dataclass(frozen=True, slots=True)
class Gallery:
    """Vectors of all frames with whose they are.

    vectors  (N, D)
    people   person of each
    clips    clip of each
    """

    vectors: FloatArray
    people: list[str]
    clips: list[str]


def rows(bench: Bench, clips: Sequence[EvaluationClip]) -> Iterator[Row]:
    """Yield one row per clip."""
    return bench.each(clips, measure)


def measure(bench: Bench, clip: EvaluationClip) -> Measured:
    """Read the canonical keypoints of a clip's frames."""
    observer = Observer(bench.panel, bench.animator.device, taps=False, features=False, identity_stride=None)
    points, landmarks, rotations = [], [], []
    for index, frame in enumerate(clip.frames(bench.animator.size, bench.settings.stride)):
        if index == MOST_FRAMES:
            break
        person = bench.animator.person(frame, crop_mode="none")
        look = observer.look([frame])
        points.append(person.identity.canonical.points[0].cpu().double().numpy())
        landmarks.append(shape_of(look.points[0]))
        rotations.append(look.rotations[0])
    canonical = np.stack(points)
    moving = _against_pose(canonical, np.stack(rotations))
    row = Row(
        name=clip.name,
        group=clip.person,
        frames=len(points),
        values={WITHIN.name: float(rms(canonical - canonical.mean(axis=0)).mean())},
        sums={POSE.name: moving.numbers},
    )
    return Measured(row, {POINTS: canonical, LANDMARKS: np.stack(landmarks)})


def shape_of(landmarks: FloatArray) -> FloatArray:
    """Return 68 landmarks in the picture plane (68, 2), centred and scaled to unit root mean square."""
    plane = landmarks[:CLASSICAL, :2] - landmarks[:CLASSICAL, :2].mean(axis=0)
    shape: FloatArray = plane / np.sqrt(np.square(plane).sum(axis=1).mean())
    return shape


def rms(offsets: FloatArray) -> FloatArray:
    """Return the root mean square length of keypoint offsets (*, K, C), shape (*)."""
    lengths: FloatArray = np.sqrt(np.square(offsets).sum(axis=-1).mean(axis=-1))
    return lengths


def _against_pose(points: FloatArray, rotations: FloatArray) -> Comovement:
    """Return the sums of keypoint distance and angle over all pairs of frames."""
    both = list(combinations(range(len(points)), 2))
    if not both:
        return Comovement(0, 0.0, 0.0, 0.0)
    first, second = np.array(both).T
    return Comovement.of(
        rms(points[first] - points[second]), rotation_angle(rotations[first], rotations[second])
    )


def pooled(bench: Bench, rows: Sequence[Row]) -> Mapping[str, Entry]:
    """Return what needs all clips at once: distance between people, recognition."""
    canonical = gallery_of(bench.store, rows, POINTS)
    between = _between(canonical)
    within = float(np.mean([row.values[WITHIN.name] for row in rows])) if rows else 0.0
    entries: dict[str, Entry] = {}
    if between is None:
        reason = "there is one person only"
        entries |= {metric.name: Entry(metric=metric, absent=reason) for metric in (BETWEEN, SEPARATION)}
    else:
        entries[BETWEEN.name] = Entry(metric=BETWEEN, mean=between, pooled=True)
        entries[SEPARATION.name] = Entry(metric=SEPARATION, mean=between / max(within, 1e-12), pooled=True)
    return entries | _recognition(canonical, gallery_of(bench.store, rows, LANDMARKS))


def _recognition(canonical: Gallery, landmarks: Gallery) -> dict[str, Entry]:
    known = dict(zip(canonical.clips, canonical.people, strict=True))
    several = {person for person in known.values() if list(known.values()).count(person) > 1}
    if not several:
        reason = "nobody has several clips"
        return {m.name: Entry(metric=m, absent=reason) for m in (ACCURACY, LANDMARK_ACCURACY, CHANCE)}
    found = {}
    for metric, gallery in ((ACCURACY, canonical), (LANDMARK_ACCURACY, landmarks)):
        hits = nearest_hits(gallery, several)
        frames = [hit for own in hits.values() for hit in own]
        per_clip = {clip: float(np.mean(own)) for clip, own in hits.items()}
        found[metric.name] = Entry(metric=metric, mean=float(np.mean(frames)), per_clip=per_clip, pooled=True)
    found[CHANCE.name] = Entry(metric=CHANCE, mean=1 / len(set(known.values())), pooled=True)
    return found


def nearest_hits(gallery: Gallery, asked: set[str]) -> dict[str, list[bool]]:
    """Return, by clip of the people asked for, whether each frame's nearest frame of other clips is of its person."""
    clips, people = np.array(gallery.clips), np.array(gallery.people)
    hits: dict[str, list[bool]] = {}
    for index, vector in enumerate(gallery.vectors):
        if gallery.people[index] not in asked or not np.isfinite(vector).all():
            continue
        away = np.square(gallery.vectors - vector).sum(axis=1)
        away[(clips == clips[index]) | ~np.isfinite(away)] = np.inf
        hits.setdefault(gallery.clips[index], []).append(bool(people[np.argmin(away)] == people[index]))
    return hits


def gallery_of(store: Store, rows: Sequence[Row], name: str) -> Gallery:
    """Return the vectors of all rows."""
    vectors, people, clips = [], [], []
    for row in rows:
        own = store.arrays(row.name)[name]
        vectors.append(own.reshape(len(own), -1))
        people += [row.group] * len(own)
        clips += [row.name] * len(own)
    return Gallery(np.concatenate(vectors) if vectors else np.zeros((0, 1)), people, clips)


def _between(gallery: Gallery) -> float | None:
    people = np.array(gallery.people)
    means = [
        gallery.vectors[people == person].mean(axis=0).reshape(-1, 3)
        for person in sorted(set(gallery.people))
    ]
    if len(means) < 2:
        return None
    return float(np.mean([rms(a - b) for a, b in combinations(means, 2)]))


def sections(bench: Bench, clips: Sequence[EvaluationClip], summary: Summary, folder: Path) -> list[Section]:
    """Return the frames of all people on a plane."""
    gallery = gallery_of(bench.store, summary.good, POINTS)
    if len(gallery.vectors) < 3:
        return []
    plane, share = principal_plane(gallery.vectors)
    dots: dict[str, list[tuple[float, float, str]]] = {person: [] for person in sorted(set(gallery.people))}
    for (x, y), person, clip in zip(plane.tolist(), gallery.people, gallery.clips, strict=True):
        dots[person].append((x, y, clip))
    plot = scatter_plot("canonical keypoints, one dot per frame, coloured by person", dots, size=(760, 560))
    text = (
        f"The two directions in which canonical keypoints differ most ({100 * share:.0f} % of their variance). "
        "Tight clouds of one colour are what the paper's Fig. 4d shows; the frames of a cloud differ in pose."
    )
    blocks: list[Block] = [Text(text), Plots([plot])]
    return [Section("Clusters", blocks)]


def principal_plane(vectors: FloatArray) -> tuple[FloatArray, float]:
    """Return vectors (N, D) on their two principal axes (N, 2), and the share of variance there."""
    centred = vectors - vectors.mean(axis=0)
    u, values, _ = np.linalg.svd(centred, full_matrices=False)
    plane: FloatArray = u[:, :2] * values[:2]
    total = np.square(values).sum()
    return plane, float(np.square(values[:2]).sum() / total) if total > 0 else 0.0


PROTOCOL = Protocol(
    name="canonical",
    question="Do canonical keypoints tell who somebody is, and not how the head is turned?",
    what="clip",
    metrics=METRICS,
    rows=rows,
    stride=15,
    pooled=pooled,
    sections=sections,
    published=CANONICAL,
)
