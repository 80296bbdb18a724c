"""Sender, receiver and both at once, by stage, in a process that does what a call does and nothing else."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np

from facewire.animation.composition.composer import Composer
from facewire.animation.head_tracker import HeadTracker
from facewire.base.errors import FacewireError
from facewire.base.processors import limit_torch, peak_mb
from facewire.benchmarks.whole import composers, photo_fps
from facewire.data.preparation.pool import run_in_processes
from facewire.engines.choice import OPENVINO, TORCH, Choice, choose, open_engine, open_shipped
from facewire.engines.engine import Engine, Prepared
from facewire.engines.shipped_graphs import comes_with_graphs
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import turn_of_degrees
from facewire.media.colours.colour import RgbConverter, YuvConverter
from facewire.media.frame import Pixels
from facewire.media.image import resize
from facewire.networks.manifest import WeightsFile

WARM_UP = 5
CAMERA = (1280, 720)
"""Width and height of the camera in the main figures."""
CAMERAS = ((640, 360), (1280, 720), (1920, 1080), (3840, 2160))
IDENTITIES = (1, 2, 4, 8)
BATCHES = (1, 4, 16)
RATE = 25
FACE_SHARE = 0.9
"""Height of the photo in the camera's picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is measured."""

    weights: str
    engine: str = "auto"
    threads: int | None = None
    precision: str | None = None
    compiled: bool = False
    frames: int = 100
    """Timed calls of every stage."""
    folder: Path | None = None
    """Of exported graphs; None takes those in the cache."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A call with oneself: an engine, pictures of a camera and the person in the first of them."""

    engine: Engine
    choice: Choice
    frames: list[Pixels]
    picture: Pixels
    person: Prepared

    @classmethod
    def of(cls, photo: Pixels, settings: Settings) -> Scene:
        """Open the engine, find the face of a photo in front of a camera."""
        engine, choice = opened(settings)
        if choice.name == TORCH:
            limit_torch(settings.threads or engine.info.threads)
        frames = camera_frames(photo, CAMERA)
        picture = HeadTracker(engine).look(frames[0], 0.0).picture
        assert picture is not None, "no face in the camera's picture"
        return cls(engine, choice, frames, picture, engine.identity(picture))

    def motions(self, count: int) -> HeadMotion:
        """Return the person turning from side to side."""
        return turning(self.person.motion, count)

    def looks(self) -> Callable[[], object]:
        """Return the sender: the camera's next picture is looked at."""
        return _looks(HeadTracker(self.engine), self.frames)

    def renders(self, motions: HeadMotion) -> Callable[[], object]:
        """Return the receiver: the next motion becomes a picture."""
        return _renders_of(self.engine, [self.person], motions)

    def both_fps(self, count: int) -> float:
        """Return frames per second of sender and receiver at once."""
        return both_fps(self.engine, HeadTracker(self.engine), self.frames, self.person, count)


def measure_live(photo: Pixels, settings: Settings) -> dict[str, Any]:
    """Return the figures of sender and receiver; call it in a process that does nothing else."""
    begin = time.perf_counter()
    scene = Scene.of(photo, settings)
    engine, person, frames = scene.engine, scene.person, scene.frames
    engine.render(person, person.motion)
    first_frame = 1000 * (time.perf_counter() - begin)
    motions = scene.motions(settings.frames + WARM_UP)
    sender = timed(scene.looks(), settings.frames)
    receiver = timed(scene.renders(motions), settings.frames)
    both = scene.both_fps(settings.frames)
    peak = peak_mb()  # of a call; what follows measures growth and takes more
    fewer = max(5, settings.frames // 4)
    return {
        "engine": scene.choice.name,
        "precision": engine.info.precision,
        "threads": engine.info.threads,
        "receiver_ms": summary(receiver),
        "sender_ms": summary(sender),
        "receiver_fps": round(1000 / statistics.median(receiver), 1),
        "sender_fps": round(1000 / statistics.median(sender), 1),
        "both_fps": round(both, 1),
        "first_frame_ms": round(first_frame, 1),
        "peak_mb": round(peak),
        "stages_ms": stages(engine, frames[0], scene.picture, fewer),
        "photo_1280_fps": round(photo_fps(engine, person, scene.picture, motions[:fewer]), 1),
        "batch_fps": {str(n): round(batch_fps(engine, person, motions[:n]), 1) for n in BATCHES},
        "camera_ms": {
            f"{width}x{height}": _camera(engine, photo, width, height, fewer) for width, height in CAMERAS
        },
        "identities_ms": {
            str(n): summary(timed(_renders_in_turn(engine, scene.picture, n, motions), fewer))
            for n in IDENTITIES
        },
    }


def camera_frames(photo: Pixels, size: tuple[int, int]) -> list[Pixels]:
    """Return a few pictures (height, width, 3) of a camera before which the photo moves a little."""
    width, height = size
    tall = round(FACE_SHARE * height)
    small = resize(photo, (min(width, round(tall * photo.shape[1] / photo.shape[0])), tall))
    frames = []
    for step in range(8):
        frame = np.full((height, width, 3), 96, np.uint8)
        left = (width - small.shape[1]) // 2 + round(height / 180 * (4 - abs(step - 4)))
        left = max(0, min(left, width - small.shape[1]))
        top = (height - tall) // 2
        frame[top : top + tall, left : left + small.shape[1]] = small
        frames.append(frame)
    return frames


def turning(motion: HeadMotion, count: int) -> HeadMotion:
    """Return a head that turns from side to side, `count` motions."""
    degrees = 12 * np.sin(np.arange(count) / 8)
    return HeadMotion.cat(
        [motion.turned_at_neck(turn_of_degrees(float(angle), 0.0, 0.0)) for angle in degrees]
    )


def stages(engine: Engine, frame: Pixels, picture: Pixels, count: int) -> dict[str, dict[str, float]]:
    """Return milliseconds of every stage by itself."""
    yuv = YuvConverter()(frame)
    converter = RgbConverter()
    square = engine.read(picture).square
    person = engine.identity(picture)
    side = frame.shape[0] // 2
    calls: dict[str, Callable[[], object]] = {
        "colour to RGB": lambda: converter(yuv, (frame.shape[1], frame.shape[0])),
        "crop and resize": lambda: resize(frame[:side, :side], (engine.size, engine.size)),
        "read, face searched": lambda: engine.read(picture),
        "read, face tracked": lambda: engine.read(picture, square),
        "render": lambda: engine.render(person, person.motion),
        "colour from RGB": lambda: YuvConverter()(picture),
        "identity, once": lambda: engine.identity(picture),
    }
    for name, composer in composers(picture).items():
        calls[f"whole picture, {name}"] = _composes(engine, person, composer)
    return {name: summary(timed(call, count)) for name, call in calls.items()}


def _composes(engine: Engine, person: Prepared, composer: Composer) -> Callable[[], Pixels]:
    return lambda: composer.whole(engine.compose(person, person.motion))


def _camera(engine: Engine, photo: Pixels, width: int, height: int, count: int) -> dict[str, float]:
    return summary(timed(_looks(HeadTracker(engine), camera_frames(photo, (width, height))), count))


def both_fps(
    engine: Engine, tracker: HeadTracker, frames: Sequence[Pixels], person: Prepared, count: int
) -> float:
    """Return frames per second when one thread sends and another receives, in one process."""
    waiting: Queue[HeadMotion | None] = Queue(maxsize=1)

    def send() -> None:
        for number in range(count + WARM_UP):
            waiting.put(tracker.look(frames[number % len(frames)], number / RATE).motion)

    sender = threading.Thread(target=send)
    sender.start()
    begin = 0.0
    for number in range(count + WARM_UP):
        if number == WARM_UP:
            begin = time.perf_counter()
        engine.render(person, waiting.get() or person.motion)
    seconds = time.perf_counter() - begin
    sender.join()
    return count / seconds


def batch_fps(engine: Engine, person: Prepared, motions: HeadMotion) -> float:
    """Return frames per second of rendering some motions one after the other."""
    times = timed(lambda: [engine.render(person, motions[i : i + 1]) for i in range(len(motions))], 3)
    return 1000 * len(motions) / statistics.median(times)


def timed(call: Callable[[], object], count: int) -> list[float]:
    """Return the milliseconds of `count` calls after a few for warming up."""
    for _ in range(WARM_UP):
        call()
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begin))
    return times


def summary(times: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile, rounded."""
    return {"median": round(statistics.median(times), 2), "p95": round(float(np.percentile(times, 95)), 2)}


def opened(settings: Settings) -> tuple[Engine, Choice]:
    """Return the engine that is measured, and why it is this one; without torch where that is possible."""
    weights = WeightsFile.of(settings.weights)
    sha256, wanted = weights.manifest.sha256, settings.engine
    if settings.folder is None and comes_with_graphs(sha256) and choose(wanted).name == OPENVINO:
        return open_shipped(weights, wanted, threads=settings.threads, precision=settings.precision)
    from facewire.networks.weights import load_model

    return open_engine(
        load_model(weights.path)[0],
        sha256,
        wanted,
        threads=settings.threads,
        precision=settings.precision,
        compiled=settings.compiled,
        folder=settings.folder,
    )


def in_fresh_process(photo: Pixels, settings: Settings) -> dict[str, Any]:
    """Return `measure_live` of a new process, so that memory and first frame are those of a call."""

    def lost(job: Settings, reason: str) -> dict[str, Any]:
        raise FacewireError(
            f"the process that measures is gone ({reason}): close other programs and try again"
        )

    (figures,) = run_in_processes(partial(measure_live, photo), [settings], 1, math.inf, lost)
    return figures


def _looks(tracker: HeadTracker, frames: Sequence[Pixels]) -> Callable[[], object]:
    count = 0

    def look() -> object:
        nonlocal count
        count += 1
        return tracker.look(frames[count % len(frames)], count / RATE)

    return look


def _renders_in_turn(
    engine: Engine, picture: Pixels, count: int, motions: HeadMotion
) -> Callable[[], object]:
    return _renders_of(engine, [engine.identity(picture) for _ in range(count)], motions)


def _renders_of(engine: Engine, persons: Sequence[Prepared], motions: HeadMotion) -> Callable[[], object]:
    count = 0

    def render() -> object:
        nonlocal count
        count += 1
        at = count % len(motions)
        return engine.render(persons[count % len(persons)], motions[at : at + 1])

    return render
