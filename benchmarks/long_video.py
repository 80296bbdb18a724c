"""Whether animating a long video stays within constant memory, and how fast it is from file to file.

    python benchmarks/long_video.py --minutes 10

Makes a 1920x1080 driving video of a face that moves (scikit-image's astronaut), animates the same photo with it in a
process of its own, and prints frames per second, end to end, and that process's peak memory. The video is kept
under --folder and used again.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from skimage.data import astronaut

from facewire.benchmarks.live import camera_frames
from facewire.engines.processor.device import peak_mb
from facewire.media.frame import Frame
from facewire.media.image import save_image
from facewire.media.video import VideoWriter

RATE = Fraction(25)
SIZE = (1920, 1080)
ROUND = 480
"""Frames that are coded; a whole number of times to and fro."""


def main() -> None:
    """Make the video if it is missing, animate, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--weights", default="compact-256")
    parser.add_argument("--engine", default="auto")
    given = parser.parse_args()
    frames = round(given.minutes * 60 * RATE)
    driving = given.folder / f"facewire-driving-{frames}.mp4"
    if not driving.exists():
        make_driving(driving, frames)
    photo = given.folder / "facewire-photo.png"
    save_image(photo, astronaut())
    begin = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as fresh:
        arguments = (
            str(photo),
            str(driving),
            str(given.folder / "facewire-out.mp4"),
            given.weights,
            given.engine,
        )
        peak, rendering = fresh.submit(animate, *arguments).result()
    seconds = time.perf_counter() - begin
    print(
        json.dumps(
            {
                "frames": frames,
                "seconds": round(seconds, 1),
                "end_to_end_fps": round(frames / seconds, 1),
                "rendering_fps": round(rendering, 1),
                "peak_mb": round(peak),
            },
            indent=2,
        )
    )


def make_driving(path: Path, frames: int) -> None:
    """Write the driving video: a photo that sways, with noise so that it codes like a camera's picture.

    A few seconds are coded once and their packets repeated; whoever reads the file decodes every frame.
    """
    pictures = camera_frames(astronaut(), SIZE)
    noise = np.random.default_rng(0).integers(0, 6, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    noisy = [np.where(picture < 250, picture + noise, picture) for picture in pictures]
    round_trip = min(frames, ROUND)
    short = path.with_suffix(".round.mp4")
    with VideoWriter(short, SIZE, RATE, crf=28) as writer:
        for number in range(round_trip):
            writer.write(Frame(np.ascontiguousarray(noisy[number // 3 % len(noisy)]), number, 1 / RATE))
    repeat_packets(short, path, math.ceil(frames / round_trip))
    short.unlink()


def repeat_packets(source: Path, target: Path, times: int) -> None:
    """Write a video several times over, one after the other, without coding it again."""
    with av.open(str(target), "w") as output:
        stream = None
        shift = 0
        for _ in range(times):
            with av.open(str(source)) as video:
                own = video.streams.video[0]
                stream = stream or output.add_stream_from_template(own)
                for packet in video.demux(own):
                    if packet.dts is None:
                        continue
                    packet.stream = stream
                    assert packet.pts is not None
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    output.mux(packet)
                assert own.duration is not None
                shift += own.duration


def animate(photo: str, driving: str, output: str, weights: str, engine: str) -> tuple[float, float]:
    """Animate as the command line does; return peak memory in MB and frames per second of the last pass."""
    from facewire.animation.animate import animate as render
    from facewire.animation.animator import Animator
    from facewire.animation.driving import record

    animator = Animator.load(weights, engine=engine)
    person = animator.person(photo)
    report = render(animator, person, record(animator, driving), output, audio_from=driving)
    return peak_mb(torch.device("cpu")), report.frames_per_second


if __name__ == "__main__":
    main()
