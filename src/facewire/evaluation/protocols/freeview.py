"""Free view: does the head turn as far as asked, and does it stay the same person (paper section 3.3 and Table 3)?

    redirection       the first frame of a clip, turned about one axis at a time in even steps, then over a grid of
                      yaw, pitch and roll together; the pose that the face mesh finds in the result against the pose
                      asked for, which is R_u R with R that of the source; how far edges behind the head moved
    frontalisation    the most turned frame of the clip (of those looked at), turned to R = 1

Rows are clips. Slope and intercept are those of the straight line through (asked for, measured) of one row and axis:
1 and 0 are perfect, slope 0 is a picture that does not turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facewire.animation.animator import Person
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.evaluation.measuring.look import FloatArray, Look, Observer
from facewire.evaluation.measuring.rows import Measured, Row
from facewire.evaluation.measuring.scores import mean_of
from facewire.evaluation.measuring.summary import Summary
from facewire.evaluation.measuring.workbench import Bench
from facewire.evaluation.protocols.protocol import Protocol
from facewire.evaluation.reports.page import Block, Plots, Section, Table, Text
from facewire.evaluation.reports.pages import shown
from facewire.evaluation.reports.plots import line_plot
from facewire.evaluation.reports.published import FRONTALISATION
from facewire.evaluation.reports.showcase import extremes, film, strip
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import angles_from_rotation, rotation_from_degrees
from facewire.media.frame import Pixels
from facewire.metrics.edge_movement import EDGE_MOVEMENT, edge_movement
from facewire.metrics.face_lost import FACE_LOST
from facewire.metrics.identity import CSIM, SAME_PERSON, THRESHOLD, cosine, distance
from facewire.metrics.metric import Metric
from facewire.metrics.pose_error import rotation_angle

AXES = ("yaw", "pitch", "roll")
STEPS: Mapping[str, tuple[float, ...]] = {
    "yaw": (-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0),
    "pitch": (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0),
    "roll": (-20.0, -10.0, 0.0, 10.0, 20.0),
}
"""Degrees about each axis."""
GRID = tuple(product((-30.0, -15.0, 0.0, 15.0, 30.0), (-15.0, 0.0, 15.0), (-15.0, 0.0, 15.0)))
"""Yaw, pitch and roll together, degrees."""
SWING_FRAMES = 75
"""Frames of the film in which a head looks around."""
SWING_RATE = Fraction(25)
FRONTAL_LIMIT = 15.0
"""Degrees within which a face counts as frontal (paper Table 3)."""
PAPER_LOSS = 0.05
"""1 - cosine within which the paper's own face network keeps the identity."""

_SOURCE = "straight line through asked-for and measured angles of the project's face mesh"


def _slope(axis: str) -> Metric:
    return Metric(
        name=f"{axis}-slope",
        title=f"{axis} slope",
        unit="",
        better="ideal",
        ideal=1.0,
        range=(None, None),
        source=_SOURCE,
    )


def _intercept(axis: str) -> Metric:
    return Metric(
        name=f"{axis}-intercept",
        title=f"{axis} intercept",
        unit="degrees",
        better="ideal",
        range=(None, None),
        source=_SOURCE,
    )


def _error(axis: str) -> Metric:
    return Metric(
        name=f"{axis}-error",
        title=f"{axis} redirection error",
        unit="degrees",
        better="lower",
        range=(0.0, 180.0),
        source="angle between the rotation asked for and the measured one, mean over the steps",
    )


def _share(name: str, title: str, source: str, note: str = "") -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="% of pictures",
        better="higher",
        range=(0.0, 100.0),
        source=source,
        note=note,
    )


GRID_ERROR = Metric(
    name="grid-error",
    title="grid redirection error",
    unit="degrees",
    better="lower",
    range=(0.0, 180.0),
    source="angle between the rotation asked for and the measured one, mean over a grid of yaw, pitch and roll",
)
FRONTAL_IDENTITY = _share(
    "frontal-identity",
    "frontalised: identity kept",
    "dlib distance to the source below 0.6",
    "not the paper's network",
)
FRONTAL_LOSS = _share(
    "frontal-identity-loss",
    "frontalised: identity loss within 0.05",
    "1 - cosine of dlib's vectors at most 0.05, the paper's number on another network",
    "dlib's cosines lie closer to 1 than the paper's",
)
FRONTAL_ANGLE = _share(
    "frontal-angle", "frontalised: angle within 15°", "angle of the measured rotation at most 15°"
)
FRONTAL_BOTH = _share("frontal-both", "frontalised: both", "identity kept and angle within 15°")

METRICS = (
    *(card(axis) for axis in AXES for card in (_slope, _intercept, _error)),
    GRID_ERROR,
    CSIM,
    SAME_PERSON,
    FACE_LOST,
    EDGE_MOVEMENT,
    FRONTAL_IDENTITY,
    FRONTAL_LOSS,
    FRONTAL_ANGLE,
    FRONTAL_BOTH,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One redirected picture.

    offset    degrees about the axis
    asked     angle about the axis that was asked for, degrees
    measured  the one found; NaN without a face
    error     angle between both rotations
    still     the same for the source picture left as it is
    csim, away  cosine and distance of the identity vectors; NaN if not measured
    edges     how far edges behind the head moved, pixels of 256; NaN where there are none
    """

    offset: float
    asked: float
    measured: float
    error: float
    still: float
    csim: float
    away: float
    edges: float


def rows(bench: Bench, clips: Sequence[EvaluationClip]) -> Iterator[Row]:
    """Yield one row per clip."""
    return bench.each(clips, measure)


def measure(bench: Bench, clip: EvaluationClip) -> Measured:
    """Turn the first frame about every axis and over the grid, and the most turned frame to the front."""
    first, turned = _sources(bench, clip)
    person = bench.animator.person(first, crop_mode="none")
    source = _look(bench, [first])
    steps = {axis: _redirect(bench, person, source, axis) for axis in AXES}
    every = [step for line in steps.values() for step in line]
    grid, still = _over_grid(bench, person, source)
    lost = [*(step.measured for step in every), *grid]
    values = {FACE_LOST.name: float(np.mean(np.isnan(lost)))}
    baseline: dict[str, float] = {}
    for axis, line in steps.items():
        values |= line_numbers(axis, line)
        baseline |= _known(f"{axis}-error", [step.still for step in line])
    values |= _known(GRID_ERROR.name, grid)
    baseline |= _known(GRID_ERROR.name, still)
    values |= _known(EDGE_MOVEMENT.name, [step.edges for step in every if step.offset])
    known = [step for step in every if np.isfinite(step.csim)]
    if known:
        values[CSIM.name] = float(np.mean([step.csim for step in known]))
        values[SAME_PERSON.name] = float(np.mean([step.away < THRESHOLD for step in known]))
    ours, own = _frontalise(bench, turned)
    detail: dict[str, Any] = {
        axis: [[s.offset, s.asked, s.measured, s.csim, s.away] for s in line] for axis, line in steps.items()
    }
    detail["grid"] = [[error] for error in grid]
    row = Row(
        name=clip.name,
        group=clip.person,
        frames=len(every) + len(grid) + 1,
        values=values | ours,
        baseline=baseline | own,
        detail=_without_nan(detail),
    )
    return Measured(row)


def _redirect(bench: Bench, person: Person, source: Look, axis: str) -> list[Step]:
    pictures = list(bench.animator.render(person, turns(person, axis), kept=bench.settings.kept))
    look = _look(bench, pictures)
    edges = _edges(bench, person.picture, pictures)
    place = AXES.index(axis)
    found = []
    for index, offset in enumerate(STEPS[axis]):
        asked = _turn(axis, offset).double().numpy() @ source.rotations[0]
        measured, own = look.rotations[index], look.identities[index]
        error, still = (float(rotation_angle(seen, asked)) for seen in (measured, source.rotations[0]))
        csim, away = cosine(own, source.identities[0]), distance(own, source.identities[0])
        angles = _degrees(asked)[place], _degrees(measured)[place]
        found.append(Step(offset, *angles, error, still, csim, away, edges[index]))
    return found


def _edges(bench: Bench, source: Pixels, made: Sequence[Pixels]) -> list[float]:
    """Return how far edges of the source's background moved in each picture; NaN where there are none."""
    pictures = torch.from_numpy(np.stack((source, *made))).permute(0, 3, 1, 2).to(bench.animator.device) / 255
    with torch.inference_mode():
        mattes = bench.panel.matte(pictures)
        moved = [
            edge_movement(pictures[0], picture, torch.maximum(mattes[0], matte))
            for picture, matte in zip(pictures[1:], mattes[1:], strict=True)
        ]
    return [math.nan if pixels is None else pixels for pixels in moved]


def _over_grid(bench: Bench, person: Person, source: Look) -> tuple[list[float], list[float]]:
    """Return the pose error at every place of the grid, of the results and of the source left as it is."""
    own = person.identity.motion
    turned = HeadMotion.cat(
        [own.turned_at_neck(rotation_from_degrees(*turn).to(own.rotation)) for turn in GRID]
    )
    pictures = list(bench.animator.render(person, turned, kept=bench.settings.kept))
    look = _look(bench, pictures, identity=False)
    asked = [rotation_from_degrees(*turn).double().numpy() @ source.rotations[0] for turn in GRID]
    errors = rotation_angle(look.rotations, np.stack(asked))
    still = rotation_angle(source.rotations, np.stack(asked))
    return errors.tolist(), still.tolist()


def _known(name: str, numbers: Sequence[float]) -> dict[str, float]:
    """Return the mean of what is known, by name; empty if nothing is."""
    mean = mean_of(np.array(numbers))
    return {} if mean is None else {name: mean}


def turns(person: Person, axis: str) -> HeadMotion:
    """Return a person's own motion turned in all steps about an axis."""
    own = person.identity.motion
    return HeadMotion.cat(
        [own.turned_at_neck(_turn(axis, offset).to(own.rotation)) for offset in STEPS[axis]]
    )


def frontal(person: Person) -> HeadMotion:
    """Return a person's own motion turned to R = 1."""
    own = person.identity.motion
    return own.turned_at_neck(own.rotation.transpose(-1, -2))


def _frontalise(bench: Bench, picture: Pixels) -> tuple[dict[str, float], dict[str, float]]:
    """Return the four percentages (0 or 100) of the frontalised picture and of the picture itself."""
    person = bench.animator.person(picture, crop_mode="none")
    result = bench.animator.render_batch(person, frontal(person), kept=bench.settings.kept)
    look = _look(bench, [picture, *result])
    source, own = look.identities
    straight = [float(rotation_angle(rotation, np.eye(3))) <= FRONTAL_LIMIT for rotation in look.rotations]
    ours = {FRONTAL_ANGLE.name: 100.0 * straight[1]}
    baseline = {FRONTAL_ANGLE.name: 100.0 * straight[0]}
    if np.isfinite(source).all():
        kept = bool(np.isfinite(own).all()) and distance(own, source) < THRESHOLD
        close = kept and 1 - cosine(own, source) <= PAPER_LOSS
        ours |= {FRONTAL_IDENTITY.name: 100.0 * kept, FRONTAL_LOSS.name: 100.0 * close}
        ours[FRONTAL_BOTH.name] = 100.0 * (kept and straight[1])
        baseline |= {
            FRONTAL_IDENTITY.name: 100.0,
            FRONTAL_LOSS.name: 100.0,
            FRONTAL_BOTH.name: 100.0 * straight[0],
        }
    return ours, baseline


def line_numbers(axis: str, line: Sequence[Step]) -> dict[str, float]:
    """Return slope, intercept and error of one axis."""
    points = np.array([(step.asked, step.measured, step.error) for step in line])
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 3:
        return {}
    slope, intercept = np.polyfit(points[:, 0], points[:, 1], 1)
    fitted = {f"{axis}-slope": float(slope), f"{axis}-intercept": float(intercept)}
    return fitted | _known(f"{axis}-error", points[:, 2].tolist())


def _sources(bench: Bench, clip: EvaluationClip) -> tuple[Pixels, Pixels]:
    """Return the first frame and the most turned of the frames looked at."""
    observer = Observer(bench.panel, bench.animator.device, taps=False, features=False, identity_stride=None)
    first: Pixels | None = None
    best: tuple[float, Pixels] | None = None
    for frame in clip.frames(bench.animator.size, bench.settings.stride):
        first = frame if first is None else first
        turn = float(rotation_angle(observer.look([frame]).rotations[0], np.eye(3)))
        if np.isfinite(turn) and (best is None or turn > best[0]):
            best = (turn, frame)
    assert first is not None  # a clip without frames cannot be opened
    return first, first if best is None else best[1]


def sections(bench: Bench, clips: Sequence[EvaluationClip], summary: Summary, folder: Path) -> list[Section]:
    """Return plots of pose and identity over the steps, and sheets of turned heads."""
    return [
        Section("Redirection", [*_pose_plots(summary), *_identity_plots(summary), _grid_table(summary)]),
        _sheets(bench, clips, summary, folder),
    ]


def _pose_plots(summary: Summary) -> list[Block]:
    plots = [
        line_plot(
            axis,
            {"mean over rows": _mean_line(summary, axis, 1, 2)},
            x_label="degrees asked for",
            y_label="degrees measured",
            diagonal=True,
            size=(340, 280),
        )
        for axis in AXES
    ]
    return [
        Plots([plot for plot in plots if plot], "Mean over rows at each step; the dashed line is perfect.")
    ]


def _identity_plots(summary: Summary) -> list[Block]:
    plots = [
        line_plot(
            f"distance to the source, {axis}",
            {"mean over rows": _mean_line(summary, axis, 0, 4)},
            x_label="degrees turned",
            y_label="dlib distance",
            level=(THRESHOLD, "same person below 0.6"),
            size=(340, 280),
        )
        for axis in AXES
    ]
    plots = [plot for plot in plots if plot]
    csim = [f"{axis}: {_listed(_mean_line(summary, axis, 0, 3))}" for axis in AXES]
    if not plots:
        return []
    return [
        Plots(plots, "Real pictures of one person seen from both sides are apart as well."),
        Text("CSIM per step – " + "; ".join(csim) + "."),
    ]


def _grid_table(summary: Summary) -> Table:
    """Return the pose error by yaw and pitch, mean over rows and rolls."""
    errors = [[math.nan if e is None else e for (e,) in row.detail["grid"]] for row in summary.good]
    yaws, pitches = (sorted({turn[place] for turn in GRID}) for place in (0, 1))

    def cell(yaw: float, pitch: float) -> str:
        places = [index for index, turn in enumerate(GRID) if turn[:2] == (yaw, pitch)]
        return shown(mean_of(np.array([row[place] for row in errors for place in places])))

    rows = [[f"pitch {pitch:+.0f}°", *(cell(yaw, pitch) for yaw in yaws)] for pitch in reversed(pitches)]
    caption = (
        "Redirection error in degrees over the grid, mean over rows and over roll -15, 0 and 15 degrees."
    )
    return Table(["", *(f"yaw {yaw:+.0f}°" for yaw in yaws)], rows, caption=caption)


def _swing(bench: Bench, person: Person) -> Iterator[tuple[Pixels, Pixels]]:
    """Yield (source, turned head): once from side to side, with a nod."""
    own = person.identity.motion
    phases = [2 * math.pi * index / SWING_FRAMES for index in range(SWING_FRAMES)]
    angles = [
        (STEPS["yaw"][-1] * math.sin(phase), STEPS["pitch"][-1] * math.sin(2 * phase), 0) for phase in phases
    ]
    motion = HeadMotion.cat(
        [own.turned_at_neck(rotation_from_degrees(*turn).to(own.rotation)) for turn in angles]
    )
    for picture in bench.animator.render(person, motion, kept=bench.settings.kept):
        yield person.picture, picture


def _sheets(bench: Bench, clips: Sequence[EvaluationClip], summary: Summary, folder: Path) -> Section:
    entry = summary.entries["yaw-error"]
    by_name = {clip.name: clip for clip in clips}
    blocks: list[Block] = []
    for label, name in extremes(entry.metric, entry.per_clip):
        first, turned = _sources(bench, by_name[name])
        person = bench.animator.person(first, crop_mode="none")
        lines = {
            axis: list(bench.animator.render(person, turns(person, axis), kept=bench.settings.kept))
            for axis in AXES
        }
        other = bench.animator.person(turned, crop_mode="none")
        front = bench.animator.render_batch(other, frontal(other), kept=bench.settings.kept)
        rows = [[first, *line] for line in lines.values()] + [[turned, *front]]
        titles = [f"{axis} {STEPS[axis][0]:+.0f} … {STEPS[axis][-1]:+.0f}°" for axis in AXES]
        caption = f"{label}: {name}, yaw redirection error {entry.per_clip[name]:.1f} degrees"
        blocks.append(
            strip(folder / f"views-{label}.jpg", rows, [*titles, "frontalised"], ["source"], caption)
        )
        around = film(
            folder / f"views-{label}.mp4",
            _swing(bench, person),
            SWING_RATE,
            f"{name}: source, looking around",
        )
        blocks += [around] if around else []
    return Section("Best, median and worst row", blocks)


def _mean_line(summary: Summary, axis: str, x: int, y: int) -> list[tuple[float, float]]:
    """Return the mean of two columns over rows, step by step."""
    line = []
    for index in range(len(STEPS[axis])):
        steps = [row.detail[axis][index] for row in summary.good]
        pairs = [(step[x], step[y]) for step in steps if step[x] is not None and step[y] is not None]
        if pairs:
            line.append((float(np.mean([p[0] for p in pairs])), float(np.mean([p[1] for p in pairs]))))
    return line


def _listed(line: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{x:+.0f}° {y:.3f}" for x, y in line) or "not measured"


def _look(bench: Bench, pictures: Sequence[Pixels], *, identity: bool = True) -> Look:
    stride = 1 if identity else None
    return Observer(
        bench.panel, bench.animator.device, taps=False, features=False, identity_stride=stride
    ).look(pictures)


def _turn(axis: str, degrees: float) -> torch.Tensor:
    return rotation_from_degrees(*(degrees if name == axis else 0.0 for name in AXES))


def _degrees(rotation: FloatArray) -> tuple[float, float, float]:
    yaw, pitch, roll = angles_from_rotation(torch.from_numpy(rotation))
    return tuple(float(torch.rad2deg(angle)) for angle in (yaw, pitch, roll))  # type: ignore[return-value]


def _without_nan(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail as JSON can hold it: None for what was not measured."""
    return {
        axis: [[value if np.isfinite(value) else None for value in step] for step in line]
        for axis, line in detail.items()
    }


PROTOCOL = Protocol(
    name="freeview",
    question="Does a head turn as far as asked, and stay the same person?",
    what="clip",
    metrics=METRICS,
    rows=rows,
    stride=10,
    absent={FRONTAL_IDENTITY.name: CSIM.name, FRONTAL_LOSS.name: CSIM.name, FRONTAL_BOTH.name: CSIM.name},
    sections=sections,
    published=FRONTALISATION,
    baseline="the picture left as it is",
)
