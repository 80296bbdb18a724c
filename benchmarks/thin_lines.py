"""The same thin lines with a face and with two video calls: what each looks like, in one run.

    python benchmarks/thin_lines.py CLIP -o out/ --seconds 20

Every line of LINES is met three times with the same seed: by a whole Facewire call (`facewire loopback`), and by
x264 and SVT-AV1 beside the sound of our thinnest step in packets of its own. They get what 85 % of the line leaves,
are set as live encoders are (no delay, a constant rate, 5 pictures a second, one dropped while the one before is
still being sent), make a key picture when the receiver asks for one after a loss, and may be 256 or 128 pixels wide,
whichever looks nearer. Networks are charged with fixed costs, video with none.
Prints a table; -o also writes lines.json and lines.png: at five moments the camera, and what either shows then.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
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
from numpy.typing import NDArray

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
STRIP = 5
"""Pictures of a row in lines.png."""
NOTHING = np.full((SIDE, SIDE, 3), 224, np.uint8)
os.environ.setdefault("SVT_LOG", "-1")


@dataclass
class Seen:
    """What one receiver saw: figures, and what was shown from when on, seconds since both met."""

    figures: dict[str, float]
    pictures: list[tuple[float, Pixels]]

    def at(self, times: Sequence[float]) -> list[Pixels]:
        """Return what was seen at some times."""
        return [next((one for at, one in reversed(self.pictures) if at <= time), NOTHING) for time in times]


class WatchedEngine(NetworkEngine):
    """Shows what it renders to whoever watches."""

    watch: Callable[[Pixels], None] = staticmethod(lambda picture: None)

    def render(
        self, person: Portrait, motion: MotionFrame, turn: NDArray[np.float32] | None = None
    ) -> Pixels:
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
    engine = WatchedEngine(networks, animator.manifest.sha256)
    times = np.linspace(given.seconds / 2, given.seconds, STRIP).tolist()
    strips: list[list[Pixels]] = []
    report: dict[str, dict[str, dict[str, float]]] = {}
    for name, line in LINES.items():
        face, crops = face_call(animator, engine, frames, line, given.seconds, given.seed)
        seen = {"face": face} | {kind: video(crops, line, given.seconds, given.seed, kind) for kind in CODECS}
        report[name] = {kind: one.figures for kind, one in seen.items()}
        for kind, figures in report[name].items():
            print(
                f"{name:22}{kind:9}" + "  ".join(f"{key} {value:.2f}" for key, value in figures.items()),
                flush=True,
            )
        strips.append([crops[camera(time, len(crops))] for time in times])
        strips += [one.at(times) for one in seen.values()]
    if given.output is not None:
        labels = [f"{name}: {kind}" for name in LINES for kind in ("camera", "face", *CODECS)]
        columns = [f"after {time:.1f} s" for time in times]
        sheet = contact_sheet(strips, row_labels=labels, column_labels=columns, cell_size=(144, 144))
        given.output.mkdir(parents=True, exist_ok=True)
        save_image(given.output / "lines.png", sheet, overwrite=True)
        (given.output / "lines.json").write_text(json.dumps(report, indent=1) + "\n")


def camera(now: float, count: int) -> int:
    """Return the frame of a clip, played to and fro, that the camera sees at a time."""
    step = round(now / FRAME_SECONDS) % (2 * count - 2)
    return step if step < count else 2 * count - 2 - step


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
    seen: list[tuple[float, Pixels]] = []

    def watch(picture: Pixels) -> None:
        seen.append((call.line.now, picture))

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


def x264_options(rate: int) -> dict[str, str]:
    """Return how x264 is set for a call, kbit/s."""
    return {
        "preset": "medium",
        "tune": "zerolatency",
        "g": "9999",
        "forced-idr": "1",
        "x264-params": f"vbv-maxrate={rate}:vbv-bufsize={rate}:repeat-headers=1",
    }


def av1_options(rate: int) -> dict[str, str]:
    """Return how SVT-AV1 is set for a call: low delay, constant rate, real time."""
    return {"preset": "7", "g": "9999", "svtav1-params": "pred-struct=1:rc=2:rtc=1:lp=1"}


CODECS = {"x264": ("libx264", "h264", x264_options), "SVT-AV1": ("libsvtav1", "libdav1d", av1_options)}


class LiveVideo:
    """An encoder as a call would use it.

    Args:
        kind: one of CODECS.
        side: pixels.
        bit_rate: bits per second.
    """

    def __init__(self, kind: str, side: int, bit_rate: int) -> None:
        name, _, options = CODECS[kind]
        codec: Any = av.CodecContext.create(name, "w")
        codec.width = codec.height = side
        codec.pix_fmt, codec.thread_count = "yuv420p", 1
        codec.time_base, codec.framerate = Fraction(1, 5), Fraction(5)
        codec.bit_rate = bit_rate
        codec.options = options(bit_rate // 1000)
        self._codec, self._number = codec, 0

    def encode(self, picture: Pixels, *, key: bool) -> bytes:
        """Return the bytes of a picture."""
        side = self._codec.width
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(resize(picture, (side, side))), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts, self._number = self._number, self._number + 1
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


def video(
    crops: Sequence[Pixels], line: LinkSettings | LinkShape, seconds: float, seed: int, kind: str
) -> Seen:
    """Return the better one of the video calls with a codec."""
    calls = [video_call(crops, line, seconds, seed, kind, side) for side in SIDES]
    return max(calls, key=lambda one: one.figures["PSNR dB"])


def video_call(
    crops: Sequence[Pixels],
    line: LinkSettings | LinkShape,
    seconds: float,
    seed: int,
    kind: str,
    side: int,
) -> Seen:
    """Return what the receiver of a video call saw."""
    link, thin = Link(line, 2 * seed), STEPS[THIN]
    sound_size, sound_seconds = rtp_bytes(thin.sound_bit_rate * thin.packet_ms // 8000), thin.packet_ms / 1000
    budget = 1000 * SHARE * link.at(0.0).rate_kbit_per_s - 8 * sound_size / sound_seconds
    encoder = LiveVideo(kind, side, round(max(2000.0, budget - 8 * rtp_bytes(0) / PICTURE_SECONDS)))
    begin = connecting_seconds(link.at(0.0))
    decoder: Any = av.CodecContext.create(CODECS[kind][1], "r")
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
        index = camera(begin + now, len(crops))
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
        "side": side,
        "first picture s": times[0] + begin,
        "pictures/s": len(times) / seconds,
        "longest freeze ms": 1000 * max(b - a for a, b in pairwise([*times, seconds])),
        "delay ms": 1000 * median(now - taken for now, taken, *_ in seen),
        "PSNR dB": mean(_psnr(picture, crops[index]) for *_, index, picture in seen),
    }
    return Seen(figures, [(begin + now, picture) for now, _, _, picture in seen])


def _psnr(first: Pixels, second: Pixels) -> float:
    error = float(np.mean((first.astype(np.float32) - second.astype(np.float32)) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-6)))


if __name__ == "__main__":
    main()
