"""The same thin lines with a face and with a video call: what either looks like, in one run.

    python benchmarks/thin_lines.py CLIP -o out/ --seconds 20

Every line of LINES is met twice with the same seed: by a whole Facewire call (`facewire loopback`), and by x264
beside the sound of our thinnest step in packets of its own. x264 gets what 85 % of the line leaves; it is set as a
live encoder is (no delay, a constant rate, 10 pictures a second, one dropped while the one before is still being
sent), makes a key picture when the receiver asks for one after a loss, and may be 256 or 128 pixels wide, whichever
looks nearer.
Networks are charged with fixed costs, x264 with none. Prints a table; -o also writes lines.png: clip, face, x264.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
from facewire.call.person.engine import NetworkEngine
from facewire.call.person.portrait import Portrait
from facewire.codec.state import MotionFrame
from facewire.engines.choice import open_engine
from facewire.face.crop import crop
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Pixels
from facewire.media.image import resize, save_image
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
PICTURE_SECONDS = 0.1
PACKET_BYTES = 1000
MOST_FRAMES = 250
STRIP = 4
"""Pictures of a row in lines.png."""


@dataclass
class Seen:
    """What one receiver saw: when, of which frame of the clip, the picture; and when the call began."""

    first: float | None = None
    shown: list[tuple[float, float, int, Pixels]] = field(default_factory=list)
    kbit_per_s: float = 0.0

    def row(self, crops: Sequence[Pixels], end: float) -> dict[str, float]:
        """Return the figures; crops are what the camera saw."""
        times = [at for at, *_ in self.shown]
        return {
            "all kbit/s": self.kbit_per_s,
            "first picture s": self.first or float("nan"),
            "pictures/s": len(times) / max(1e-9, end - (self.first or 0.0)),
            "longest freeze ms": 1000 * max((b - a for a, b in pairwise([*times, end])), default=0.0),
            "delay ms": 1000 * median(at - taken for at, taken, *_ in self.shown),
            "PSNR dB": mean(_psnr(picture, crops[index]) for *_, index, picture in self.shown[::5]),
        }


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
        video = max(videos, key=lambda one: one.row(crops, given.seconds)["PSNR dB"])
        for kind, seen in (("face", face), ("x264", video)):
            row = seen.row(crops, given.seconds)
            print(f"{name:22}{kind:6}" + "".join(f"{key} {value:.2f}  " for key, value in row.items()))
        strips += [[resize(one[3], (SIDE, SIDE)) for one in _spread(seen)] for seen in (face, video)]
        strips.insert(-2, [crops[one[2]] for one in _spread(face)])
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
    seen = Seen()

    def watch(picture: Pixels) -> None:
        now, taken = call.line.now, call._taken
        if call.b.talk is None or not call.b.talk.live or not taken:
            return
        seen.first = now if seen.first is None else seen.first
        media = call.b.talk.playout.face_position(now)
        origin, talk = call.b.talk.clock_origin, call.a.talk
        if media is not None and origin is not None and talk is not None:
            told = talk.begin + (media + origin) / 48_000
            near = min(taken, key=lambda at: abs(at - told))
            seen.shown.append((now + 0.035, near, taken[near], picture))

    engine.watch = watch
    report = call.run()
    engine.watch = lambda picture: None
    live = call.line.now - seconds
    seen.shown = [(at - live, taken - live, index, one) for at, taken, index, one in seen.shown if at > live]
    seen.first, seen.kbit_per_s = report.first_face_s, report.line_kbit_per_s
    sight = next(iter(call._sights.values()))
    return seen, [crop(frame, sight.box, SIDE) for frame in frames]


class LiveX264:
    """x264 as a call would use it."""

    def __init__(self, side: int, bit_rate: int) -> None:
        codec = av.CodecContext.create("libx264", "w")
        codec.width = codec.height = side
        codec.pix_fmt, codec.thread_count = "yuv420p", 1
        codec.time_base, codec.framerate = Fraction(1, 10), Fraction(10)
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
    seen, order, queue = Seen(), count(), []  # type: ignore[var-annotated]
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
            seen.first = now if seen.first is None else seen.first
            seen.shown.append((now, taken, index, shown))

    def ask(now: float) -> None:
        nonlocal wants_key
        wants_key = True

    at(0.0, sound)
    at(0.0, picture)
    while queue[0][0] < seconds:
        now, _, what = heapq.heappop(queue)
        what(now)
    seen.kbit_per_s = 8 * link.bytes / seconds / 1000
    return seen


def _spread(seen: Seen) -> list[tuple[float, float, int, Pixels]]:
    places = np.linspace(len(seen.shown) // 4, len(seen.shown) - 1, STRIP).astype(int)
    return [seen.shown[place] for place in places]


def _psnr(first: Pixels, second: Pixels) -> float:
    error = float(np.mean((first.astype(np.float32) - second.astype(np.float32)) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))


if __name__ == "__main__":
    main()
