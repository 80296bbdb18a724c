"""Recorded motion on disk: a `.fwv` file without a picture (docs/bitstream.md); LivePortrait's templates are read.

Motion belongs to the networks that read it: the file carries the fingerprint of their weights, and is refused
by others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from facewire.animation.animator import Animator
from facewire.animation.driving import RecordedMotion, rows_of
from facewire.animation.reference import median_motion
from facewire.base.errors import BitstreamError, MotionFileError
from facewire.base.files import atomic_output
from facewire.bitstream.header import FILE, FINGERPRINT_BYTES
from facewire.bitstream.sections import MIME_PNG
from facewire.codec.decoder import DecodedFrame
from facewire.codec.talk import Item, TalkReader, TalkReference, TalkWriter, UpToDamage, talk_header
from facewire.geometry.head_motion import HeadMotion
from facewire.networks.published import templates
from facewire.talks.bridge import to_frames, to_motions
from facewire.talks.coding_tables import shelf_of, tables_of

SUFFIX = ".fwv"
DEMO_MOTION = Path(__file__).parent.parent / "assets" / "demo.fwv"
"""A motion recorded from a real video; numbers only."""


NO_PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
"""One grey pixel as PNG: the format wants a first picture, a recorded motion has none to give."""


@dataclass(frozen=True, slots=True)
class MotionFileReport:
    """What was written.

    bytes_per_frame and kbit_per_s count the motion sections only.
    """

    output: str
    frames: int
    fps: float
    file_bytes: int
    motion_bytes: int
    bytes_per_frame: float
    kbit_per_s: float
    missing: int


def is_motion_file(path: str | Path) -> bool:
    """Return whether a path names a recorded motion."""
    return Path(path).suffix.lower() in (SUFFIX, templates.SUFFIX)


def write_motion(
    path: str | Path, recorded: RecordedMotion, animator: Animator, *, overwrite: bool = True
) -> MotionFileReport:
    """Write a recorded motion atomically, at a constant rate.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = rows_at_constant_rate(recorded)
    motions = rows_of(recorded.motions, rows)
    stretches = [recorded.stretches[row] if recorded.stretches else 0 for row in rows]
    rests = _rests(motions, stretches)
    tables = tables_of(animator)
    header = talk_header(
        FILE,
        tables,
        weights_sha256=bytes.fromhex(animator.manifest.sha256),
        size=(animator.size, animator.size),
        fps=recorded.rate,
        keypoints=animator.keypoints,
        references=True,
    )
    target = Path(path)
    with atomic_output(target, overwrite=overwrite) as temporary, temporary.open("wb") as sink:
        writer = TalkWriter(sink, header, tables)
        writer.source(None, NO_PICTURE, MIME_PNG)
        for row, frame in enumerate(to_frames(motions)):
            if row == 0 or stretches[row] != stretches[row - 1]:
                writer.reference(next(to_frames(rests[stretches[row]])))
            writer.frame(frame)
        writer.finish()
        file_bytes, motion_bytes = writer.written, writer.motion_bytes
    count = len(motions)
    return MotionFileReport(
        output=str(target),
        frames=count,
        fps=float(recorded.rate),
        file_bytes=file_bytes,
        motion_bytes=motion_bytes,
        bytes_per_frame=motion_bytes / count,
        kbit_per_s=8 * motion_bytes * float(recorded.rate) / count / 1000,
        missing=recorded.missing,
    )


def read_motion(path: str | Path, animator: Animator, *, tolerant: bool = False) -> RecordedMotion:
    """Read a recorded motion; of one that is cut off or damaged, what precedes that, and `problem` says so.

    Args:
        path: the file.
        animator: whose networks must have recorded it.
        tolerant: pass over damage where that is possible; the motion before is held there.

    Raises:
        MotionFileError: there is no such file, it is not one, it holds no motion, or other weights recorded it.
    """
    if Path(path).suffix.lower() == templates.SUFFIX:
        return _of_template(path, animator)
    try:
        with Path(path).open("rb") as stream:
            reader = TalkReader(stream, shelf_of(animator).find, tolerant=tolerant)
            header = reader.header
            own = bytes.fromhex(animator.manifest.sha256)[:FINGERPRINT_BYTES]
            if header.fingerprint != own:
                raise MotionFileError(
                    path, "was recorded with other weights; record it again with `facewire record`"
                )
            items = UpToDamage(reader)
            frames, stretches = _forward(items)
    except OSError as problem:
        raise MotionFileError(path, f"cannot be read ({problem.strerror})") from problem
    except BitstreamError as problem:
        raise MotionFileError(path, str(problem)) from problem
    early = "" if items.problem is None else str(items.problem)
    if not frames:
        raise MotionFileError(path, early or "holds no motion")
    motions = to_motions([frame.motion for frame in frames])
    times = tuple(frame.number for frame in frames)
    return RecordedMotion(
        motions,
        times,
        1 / header.fps,
        header.fps,
        stretches=stretches,
        shots=len(set(stretches)),
        problem=early,
    )


def _of_template(path: str | Path, animator: Animator) -> RecordedMotion:
    """Return the motion of a driving template, which fits any weights of LivePortrait."""
    if animator.manifest.preset != "liveportrait":
        raise MotionFileError(path, "is for weights of LivePortrait: choose them with --weights")
    template = templates.read_template(path)
    rate = Fraction(template.rate)
    times = tuple(range(len(template.motions)))
    return RecordedMotion(template.motions, times, 1 / rate, rate, openness=template.openness)


def _forward(items: Iterable[Item]) -> tuple[list[DecodedFrame], tuple[int, ...]]:
    """Return the frames, without those that come too late in profile stream, and the stretch that each belongs to."""
    frames: list[DecodedFrame] = []
    stretches: list[int] = []
    parts = 0
    for item in items:
        if isinstance(item, DecodedFrame) and (not frames or item.number > frames[-1].number):
            frames.append(item)
            stretches.append(parts)
        parts += isinstance(item, TalkReference)
    return frames, tuple(stretches)


def rows_at_constant_rate(recorded: RecordedMotion) -> list[int]:
    """Return for every tick of the recording's rate the number of the frame that is shown then."""
    seconds = np.array([float(time * recorded.time_base) for time in recorded.times])
    seconds -= seconds[0]
    count = round(seconds[-1] * float(recorded.rate)) + 1
    ticks = np.arange(count) / float(recorded.rate)
    shown = np.searchsorted(seconds, ticks + 0.5 / float(recorded.rate), side="right") - 1
    rows: list[int] = shown.clip(0, len(seconds) - 1).tolist()
    return rows


def _rests(motions: HeadMotion, stretches: list[int]) -> dict[int, HeadMotion]:
    """Return a usual motion of each stretch."""
    rests = {}
    for number in set(stretches):
        own = rows_of(motions, [row for row, stretch in enumerate(stretches) if stretch == number])
        place = median_motion(own)
        rests[number] = own[place : place + 1]
    return rests
