"""One raw video, all the way: cuts, tracks, takes, clips; the same code here, in other processes, on a cluster.

    first reading   shots, tracks, labels            memory grows by less than 1 kB a frame and face
    second reading  the square of every take is cut out, resized and encoded; blurred and dark takes are dropped

A video that cannot be read costs itself, never the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from facewire.base.errors import FacewireError, OutputError
from facewire.data.preparation.clip_file import ClipDescription, encode_labels
from facewire.data.preparation.lists.videos import FrameTube, RawVideo, Tube, split_of
from facewire.data.preparation.parts import Member, clip_members
from facewire.data.preparation.settings import RATE, PrepareConfig
from facewire.data.preparation.takes import REMNANT, Rejected, Take, takes_of
from facewire.data.preparation.tracks import Box, FaceTracker, Track
from facewire.face.crop import crop
from facewire.face.finder import FaceFinder
from facewire.geometry.pose import angles_from_rotation
from facewire.media.frame import Frame, Pixels
from facewire.media.image import resize
from facewire.media.timing.cuts import CutDetector
from facewire.media.video import VideoReader, VideoWriter, retime

THUMBNAIL = 96
"""Side of the pictures that the summary shows of what was left out."""
MOST_THUMBNAILS = 3
"""Such pictures of one video."""
MEASURED_EVERY = 5
"""Frames between those whose sharpness and brightness are measured."""

MEASURED_SIDE = 256
"""Pixels of the square when its sharpness is measured: the same blur gives the same number for clips of any size."""
MIDDLE = (0.27, 0.77)
"""From where to where, in shares of the square, the face is in any case."""

finder = cache(FaceFinder)
"""The face finder of this process."""


@dataclass(slots=True)
class Prepared:
    """What a video gave.

    clips     descriptions, in order
    members   the files of the clips, for a part (parts.py)
    rejected  what was left out
    thumbnails  pictures of some of that, by index into `rejected`
    """

    clips: list[ClipDescription] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    thumbnails: dict[int, Pixels] = field(default_factory=dict)


def prepare_video(video: RawVideo, config: PrepareConfig) -> Prepared:
    """Return the clips of a raw video and what was left out of it.

    Raises:
        OutputError: there is no room for temporary files.
    """
    prepared = Prepared()
    if not video.path.exists():
        prepared.rejected.append(Rejected("missing", str(video.path)))
        return prepared
    try:
        _prepare(video, config, prepared)
    except OutputError:
        raise
    except (FacewireError, OSError, ValueError) as problem:
        text = " ".join(str(problem).split())
        return Prepared(rejected=[Rejected("unreadable", text)])
    return prepared


def _prepare(video: RawVideo, config: PrepareConfig, prepared: Prepared) -> None:
    with VideoReader(video.path) as reader:
        rate, size = float(reader.rate), reader.size
        seconds = float(reader.duration or 0)
    bits = 8 * video.path.stat().st_size / max(1.0, size[0] * size[1] * seconds * rate)
    if seconds and bits < config.least_bits:
        prepared.rejected.append(Rejected("low-bit-rate", f"{bits:.3f} bits a pixel", 0.0, seconds))
        return
    tubes = [tube.at(rate) if isinstance(tube, FrameTube) else tube for tube in video.tubes] or [
        Tube(video.key)
    ]
    takes: list[Take] = []
    for tube in tubes:
        found = list(_takes_of_tube(video.path, tube, size, config, prepared))
        named = [_named(take, tube.name, number, len(found)) for number, take in enumerate(found)]
        takes += named
    if takes:
        _cut_out(video, takes, config, prepared)


def _named(take: Take, name: str, number: int, count: int) -> Take:
    """Return the take under its clip's name; published tubes that give one clip keep their name."""
    single = count == 1 and "_S" in name
    return replace(take, name=name if single else f"{name}{'#' if '#' in name else '_'}{number:03d}")


def _takes_of_tube(
    path: Path, tube: Tube, size: tuple[int, int], config: PrepareConfig, prepared: Prepared
) -> Iterator[Take]:
    """Read a tube's frames once; yield its takes in order."""
    box = None if tube.box is None else _in_pixels(tube.box, size)
    fixed = box if tube.fixed else None
    tracker = FaceTracker(finder(), 0.5 * config.least_face_px, box)
    cuts, tracks, seen = CutDetector(), [], True
    shot = number = 0
    refused = len(prepared.rejected)
    shots: dict[int, Pixels] = {}
    with VideoReader(path) as reader, torch.inference_mode():
        for number, frame in _frames(reader, tube):
            if cuts.begins(frame.pixels):
                _note_empty(prepared, tracker, seen, shot, number, config)
                tracks += tracker.finish()
                shot, seen = number, False
                shots[shot] = _thumbnail(frame.pixels)
            tracks += tracker.see(frame.pixels, number)
            seen = seen or tracker.following
        _note_empty(prepared, tracker, seen, shot, number + 1, config)
        tracks += tracker.finish()
    if not shots:
        prepared.rejected.append(Rejected("short", "the video ends before", tube.start, tube.start))
        return
    for track in sorted(tracks, key=_order):
        for found in takes_of(track, size, config, fixed):
            if isinstance(found, Take):
                yield found
            else:
                prepared.rejected.append(_of_short_shot(found, track, [*shots, number + 1], config))
    for index in range(refused, min(len(prepared.rejected), MOST_THUMBNAILS)):
        begin = prepared.rejected[index].start * RATE
        prepared.thumbnails[index] = shots[
            max((first for first in shots if first <= begin + 0.5), default=min(shots))
        ]


def _thumbnail(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = THUMBNAIL / max(height, width)
    return resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def _order(track: Track) -> tuple[int, float]:
    return track.first, track.box[0][0]


def _of_short_shot(found: Rejected, track: Track, bounds: Sequence[int], config: PrepareConfig) -> Rejected:
    """Return why a piece of a track is left out; where the whole shot is shorter than a clip, that is why.

    Args:
        found: why by itself.
        track: the track.
        bounds: first frames of the shots, and the end.
        config: says how long a clip is.
    """
    first = max(begin for begin in bounds if begin <= track.first)
    length = min(end for end in bounds if end > track.first) - first
    short = found.reason == "short" and length < config.least_frames
    return replace(found, reason=REMNANT, detail=f"{length} frames") if short else found


def _note_empty(
    prepared: Prepared, tracker: FaceTracker, seen: bool, first: int, end: int, config: PrepareConfig
) -> None:
    """Say why a shot without a track gives nothing."""
    if seen or end <= first:
        return
    if end - first < config.least_frames:
        detail = f"{end - first} frames"
        prepared.rejected.append(Rejected(REMNANT, detail, float(first / RATE), float(end / RATE)))
        return
    small = tracker.largest_refused
    reason, detail = ("small-face", f"{small:.0f} px") if small else ("no-face", "")
    prepared.rejected.append(Rejected(reason, detail, float(first / RATE), float(end / RATE)))


def _frames(reader: VideoReader, tube: Tube) -> Iterator[tuple[int, Frame]]:
    """Yield the frames of a tube at the common rate, with their numbers from the beginning of the video."""
    begin = round(reader.start_time * RATE)
    first, end = round(tube.start * RATE), tube.end * RATE
    for frame in retime(reader, RATE):
        number = frame.pts - begin
        if number >= end - 0.5:
            return
        if number >= first:
            yield number, frame


def _cut_out(video: RawVideo, takes: Sequence[Take], config: PrepareConfig, prepared: Prepared) -> None:
    """Read the video again; write every take, and keep those that are sharp and bright enough."""
    split = split_of(video, config.val_share, config.seed)
    with TemporaryDirectory(prefix="facewire-") as folder:
        looks = _write_all(video.path, takes, Path(folder), config)
        for take, look in zip(takes, looks, strict=True):
            reason, detail = look.fault(config)
            if reason is not None:
                begin, end = float(take.first / RATE), float((take.first + len(take)) / RATE)
                if len(prepared.thumbnails) < MOST_THUMBNAILS and look.middle is not None:
                    prepared.thumbnails[len(prepared.rejected)] = _thumbnail(look.middle)
                prepared.rejected.append(Rejected(reason, detail, begin, end))
                continue
            clip = _description(video, take, look, split, config)
            data = (Path(folder) / f"{take.name}.mp4").read_bytes()
            text = json.dumps(asdict(clip), indent=1).encode()
            prepared.clips.append(clip)
            prepared.members += clip_members(take.name, data, encode_labels(take), text)


@dataclass(slots=True)
class _Look:
    """How a take looks: measured while it is written."""

    sharpness: list[float] = field(default_factory=list)
    brightness: list[float] = field(default_factory=list)
    middle: Pixels | None = None

    def measure(self, pixels: Pixels) -> None:
        first, last = (round(len(pixels) * share) for share in MIDDLE)
        face = pixels[first:last, first:last].astype(np.float32)  # a sharp background says nothing
        grey = face @ np.array((0.2126, 0.7152, 0.0722), np.float32)
        self.sharpness.append(float(laplacian(grey).var()))
        self.brightness.append(float(grey.mean()))

    def fault(self, config: PrepareConfig) -> tuple[str | None, str]:
        sharp, bright = float(np.median(self.sharpness)), float(np.median(self.brightness))
        if bright < config.darkest:
            return "dark", f"{bright:.0f} of 255"
        if bright > config.brightest:
            return "bright", f"{bright:.0f} of 255"
        if sharp < config.least_sharpness:
            return "blurred", f"{sharp:.1f}"
        return None, ""


def laplacian(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 4-neighbour Laplacian of a picture (H, W), without its border."""
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return np.asarray(around - 4 * middle)


def _write_all(path: Path, takes: Sequence[Take], folder: Path, config: PrepareConfig) -> list[_Look]:
    """Write FOLDER/NAME.mp4 of every take in one reading; return how they look."""
    looks = [_Look() for _ in takes]
    last = max(take.first + len(take) for take in takes)
    side = (config.size, config.size)
    with VideoReader(path) as reader, ExitStack() as stack:
        writers: dict[int, VideoWriter] = {}
        for number, frame in _frames(reader, Tube("", end=float(last / RATE))):
            for index, take in enumerate(takes):
                place = number - take.first
                if not 0 <= place < len(take):
                    continue
                if place == 0:
                    target = folder / f"{take.name}.mp4"
                    writer = VideoWriter(
                        target,
                        side,
                        RATE,
                        crf=config.crf,
                        keyframe_every=config.keyframe_every,
                        reproducible=True,
                    )
                    writers[index] = stack.enter_context(writer)
                pixels = crop(frame.pixels, take.square, config.size)
                writers[index].write(Frame(pixels, place, 1 / RATE))
                if place % MEASURED_EVERY == 0:
                    looks[index].measure(crop(frame.pixels, take.square, MEASURED_SIDE))
                if place == len(take) // 2:
                    looks[index].middle = pixels
    return looks


def _description(
    video: RawVideo, take: Take, look: _Look, split: str, config: PrepareConfig
) -> ClipDescription:
    rotation = torch.from_numpy(take.rotation[take.detected])
    angles = np.degrees(torch.stack(angles_from_rotation(rotation)).numpy())
    low, high = (np.percentile(angles, share, axis=1) for share in (2, 98))
    turn = np.degrees(np.arccos(take.rotation[take.detected, 2, 2].clip(-1, 1))).mean()

    def tidy(value: float) -> float:
        return round(float(value), 4)

    return ClipDescription(
        name=take.name,
        split=split,
        identity=video.identity,
        source=video.key,
        start_s=tidy(float(take.first / RATE)),
        frames=len(take),
        seen=int(take.detected.sum()),
        left=take.square.left,
        top=take.square.top,
        side=take.square.side,
        enlarged=tidy(config.size / take.square.side),
        face_px=tidy(take.face * config.size / take.square.side),
        motion=tidy(take.motion),
        sharpness=tidy(float(np.median(look.sharpness))),
        brightness=tidy(float(np.median(look.brightness))),
        mean_turn=tidy(turn),
        yaw_p2=tidy(low[0]),
        yaw_p98=tidy(high[0]),
        pitch_p2=tidy(low[1]),
        pitch_p98=tidy(high[1]),
        roll_p2=tidy(low[2]),
        roll_p98=tidy(high[2]),
    )


def _in_pixels(box: Box, size: tuple[int, int]) -> Box:
    return box[0] * size[0], box[1] * size[1], box[2] * size[0], box[3] * size[1]
