"""The same thin lines with a face and with a video call: what either looks like, in one run.

    python benchmarks/thin_lines.py CLIP -o out/ --seconds 20

Every line of LINES is met twice with the same seed: by a whole Facewire call (`facewire loopback`), and by x264
beside the sound of our thinnest step in packets of its own. x264 gets what 85 % of the line leaves; it is set as a
live encoder is (no delay, a constant rate, 5 pictures a second, one dropped while the one before is still being
sent), makes a key picture when the receiver asks for one after a loss, and may be 256 or 128 pixels wide, whichever
looks nearer.
Networks are charged with fixed costs, x264 with none. Prints a table; -o also writes lines.png: clip, face, x264.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, islice, pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame
from torch import Tensor

from facewire.animation.animator import Animator
from facewire.call.line.controller import SHARE
from facewire.call.line.steps import STEPS, THIN
from facewire.call.loopback.loopback import FRAME_SECONDS, Loopback, LoopbackSettings
from facewire.call.loopback.side import connecting_seconds
from facewire.call.person.engine import NetworkEngine
from facewire.call.person.portrait import Portrait
from facewire.codec.state import MotionFrame
from facewire.engines.choice import open_engine
from facewire.face.crop import crop
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Pixels
from facewire.media.image import resize, save_image
from facewire.media.sound.opus import SAMPLE_RATE
from facewire.media.video import VideoReader
from facewire.talks.coding_tables import tables_of
from facewire.transport.link import Link, LinkSettings
from facewire.transport.overhead import rtp_bytes
from facewire.transport.shapes import SHAPES, LinkShape

LINES: dict[str, LinkSettings | LinkShape] = {
    "16 kbit/s, 600 ms": LinkSettings(rate_kbit_per_s=16, delay_ms=300, queue_ms=2000),
    "24 kbit/s, 2 % lost": LinkSettings(rate_kbit_per_s=24, delay_ms=50, queue_ms=1000, loss=0.02),
    "edge": SHAPES["edge"],
}
SIDE = 256
SIDES = (256, 128)
"""Pictures that x264 may send, pixels."""
PICTURE_SECONDS = 0.2
PACKET_BYTES = 1000
MOST_FRAMES = 250
STRIP = 4
"""Pictures of a row in lines.png."""


@dataclass
class Seen:
    """What one receiver saw: figures, and some pictures with the frame of the clip that the camera saw then."""

    figures: dict[str, float]
    pictures: list[tuple[int, Pixels]]

    def spread(self) -> list[tuple[int, Pixels]]:
        """Return some pictures from all over the call."""
        places = np.linspace(len(self.pictures) // 4, len(self.pictures) - 1, STRIP).astype(int)
        return [self.pictures[place] for place in places]


class WatchedEngine(NetworkEngine):
    """Shows what it renders to whoever watches."""

    watch: Callable[[Pixels], None] = staticmethod(lambda picture: None)

    def render(self, person: Portrait, motion: MotionFrame, turn: Tensor | None = None) -> Pixels:
        """Return the picture."""
        picture = super().render(person, motion, turn)
        self.watch(picture)
        return picture


def main() -> None:
    """Meet every line twice, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="auto")
    given = parser.parse_args()
    with VideoReader(given.clip) as reader:
        frames = [frame.pixels for frame in islice(reader, MOST_FRAMES)]
    animator = Animator.load()
    networks, _ = open_engine(animator.model, animator.manifest.sha256, given.engine)
    engine = WatchedEngine(networks, animator.manifest.sha256, animator.separate)
    strips: list[list[Pixels]] = []
    for name, line in LINES.items():
        face, crops = face_call(animator, engine, frames, line, given.seconds, given.seed)
        videos = [video_call(crops, line, given.seconds, given.seed, side) for side in SIDES]
        video = max(videos, key=lambda one: one.figures["PSNR dB"])
        for kind, seen in (("face", face), ("x264", video)):
            figures = "  ".join(f"{key} {value:.2f}" for key, value in seen.figures.items())
            print(f"{name:22}{kind:6}{figures}", flush=True)
        strips.append([crops[index] for index, _ in face.spread()])
        strips += [[picture for _, picture in seen.spread()] for seen in (face, video)]
    if given.output is not None:
        labels = [f"{name}: {kind}" for name in LINES for kind in ("camera", "face", "x264")]
        save_image(given.output / "lines.png", contact_sheet(strips, row_labels=labels))


def face_call(
    animator: Animator,
    engine: WatchedEngine,
    frames: Sequence[Pixels],
    line: LinkSettings | LinkShape,
    seconds: float,
    seed: int,
) -> tuple[Seen, list[Pixels]]:
    """Return what the receiver of a Facewire call saw, and the clip as the sender cut it."""
    settings = LoopbackSettings(seconds=seconds, link=line, seed=seed, costs="fixed")
    call = Loopback(engine, animator.finder, tables_of(animator), frames, settings)
    seen: list[tuple[int, Pixels]] = []

    def watch(picture: Pixels) -> None:
        taken, talk, origin = call._taken, call.a.talk, call.b.talk.clock_origin if call.b.talk else None
        media = call.b.talk.playout.face_position(call.line.now) if call.b.talk else None
        if taken and talk is not None and origin is not None and media is not None:
            told = talk.begin + (media + origin) / SAMPLE_RATE
            seen.append((taken[min(taken, key=lambda at: abs(at - told))], picture))

    engine.watch = watch
    report = call.run()
    engine.watch = lambda picture: None
    figures = {
        "all kbit/s": report.line_kbit_per_s,
        "first picture s": report.first_face_s or float("nan"),
        "pictures/s": sum(call._kinds.values()) / seconds,
        "longest freeze ms": report.longest_freeze_ms,
        "delay ms": report.delay_ms.median,
        "PSNR dB": report.psnr or float("nan"),
    }
    sight = next(iter(call._sights.values()))
    return Seen(figures, seen), [crop(frame, sight.box, SIDE) for frame in frames]


class LiveX264:
    """x264 as a call would use it."""

    def __init__(self, side: int, bit_rate: int) -> None:
        codec = av.CodecContext.create("libx264", "w")
        codec.width = codec.height = side
        codec.pix_fmt, codec.thread_count = "yuv420p", 1
        codec.time_base, codec.framerate = Fraction(1, 5), Fraction(5)
        codec.bit_rate = bit_rate
        rate = str(bit_rate // 1000)
        codec.options = {
            "preset": "medium",
            "tune": "zerolatency",
            "g": "9999",
            "forced-idr": "1",
            "x264-params": f"vbv-maxrate={rate}:vbv-bufsize={rate}:repeat-headers=1",
        }
        self._codec, self._number = codec, 0

    def encode(self, picture: Pixels, *, key: bool) -> bytes:
        """Return the bytes of a picture."""
        side = self._codec.width
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(resize(picture, (side, side))), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts, self._number = self._number, self._number + 1
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


def video_call(
    crops: Sequence[Pixels], line: LinkSettings | LinkShape, seconds: float, seed: int, side: int
) -> Seen:
    """Return what the receiver of a video call saw."""
    link, thin = Link(line, 2 * seed), STEPS[THIN]
    sound_size, sound_seconds = rtp_bytes(thin.sound_bit_rate * thin.packet_ms // 8000), thin.packet_ms / 1000
    budget = 1000 * SHARE * link.at(0.0).rate_kbit_per_s - 8 * sound_size / sound_seconds
    encoder = LiveX264(side, round(max(2000.0, budget - 8 * rtp_bytes(0) / PICTURE_SECONDS)))
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    decoder.options = {"flags": "+low_delay"}
    queue: list[tuple[float, int, Callable[[float], None]]] = []
    seen: list[tuple[float, float, int, Pixels]] = []
    order = count()
    free = delay = 0.0
    number = decoded = -1
    wants_key = True

    def at(when: float, what: Callable[[float], None]) -> None:
        heapq.heappush(queue, (when, next(order), what))

    def sound(now: float) -> None:
        link.send(now, sound_size)
        at(now + sound_seconds, sound)

    def picture(now: float) -> None:
        nonlocal free, number, wants_key
        at(now + PICTURE_SECONDS, picture)
        if now < free:
            return
        step = round(now / FRAME_SECONDS) % (2 * len(crops) - 2)
        index = step if step < len(crops) else 2 * len(crops) - 2 - step
        data, key = encoder.encode(crops[index], key=wants_key), wants_key
        number, wants_key, free = number + 1, False, now
        parts = [len(data[begin : begin + PACKET_BYTES]) for begin in range(0, len(data), PACKET_BYTES)]
        came: list[float | None] = []
        for part in parts:
            free += 8 * rtp_bytes(part) / budget
            at(
                free,
                lambda then, part=part, number=number, key=key: packet(  # type: ignore[misc]
                    then, part, came, len(parts), (number, key, index, now, data)
                ),
            )

    def packet(
        now: float,
        size: int,
        came: list[float | None],
        parts: int,
        frame: tuple[int, bool, int, float, bytes],
    ) -> None:
        came.append(link.send(now, rtp_bytes(size)))
        if len(came) == parts:
            arrived = [one for one in came if one is not None]
            whole = len(arrived) == parts
            at(max(arrived, default=now + 0.1), lambda then: heard(then, whole, *frame))

    def heard(now: float, whole: bool, number: int, key: bool, index: int, taken: float, data: bytes) -> None:
        nonlocal decoded, delay
        if not whole or not (key or number == decoded + 1):
            at(now + link.at(now).delay_ms / 1000, ask)
            return
        decoded = number
        for one in decoder.decode(av.Packet(data)):
            shown = resize(np.ascontiguousarray(one.to_ndarray(format="rgb24")), (SIDE, SIDE))
            seen.append((now, taken, index, shown))

    def ask(now: float) -> None:
        nonlocal wants_key
        wants_key = True

    at(0.0, sound)
    at(0.0, picture)
    while queue[0][0] < seconds:
        now, _, what = heapq.heappop(queue)
        what(now)
    times = [now for now, *_ in seen]
    figures = {
        "all kbit/s": 8 * link.bytes / seconds / 1000,
        "first picture s": times[0] + connecting_seconds(link.at(0.0)),
        "pictures/s": len(times) / seconds,
        "longest freeze ms": 1000 * max(b - a for a, b in pairwise([*times, seconds])),
        "delay ms": 1000 * median(now - taken for now, taken, *_ in seen),
        "PSNR dB": mean(_psnr(picture, crops[index]) for *_, index, picture in seen),
    }
    return Seen(figures, [(index, picture) for *_, index, picture in seen])


def _psnr(first: Pixels, second: Pixels) -> float:
    error = float(np.mean((first.astype(np.float32) - second.astype(np.float32)) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))


if __name__ == "__main__":
    main()
