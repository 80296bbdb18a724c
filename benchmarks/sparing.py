"""What it costs a picture to be moved instead of drawn, and how long either takes.

    python benchmarks/sparing.py CLIPS [--nets NETWORKS] [--frames 61] [--every 2 3] [--strip STRIP.png]

Clips of 256 x 256 at 25 frames a second, first frame as source, absolute motion. One picture of `every` is drawn;
those between are compared with what the networks would have drawn. Rows:

left out            the one before is shown again
mean of neighbours  a blend of the drawn ones on both sides, which shows everything a picture later
eyes and mouth      these are drawn in every picture (nine percent of it), the rest is the one before, or moved: what
                    drawing a part could give at best
moved               what a call does (animation/live/sparing.py)
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from facewire.animation.animator import Animator
from facewire.animation.live.moved_picture import moved
from facewire.engines.engine import Engine, Prepared
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import place
from facewire.media.frame import Pixels
from facewire.media.image import save_image
from facewire.media.video import VideoReader
from facewire.metrics.squeeze_net import SqueezeNet
from facewire.metrics.squeeze_perceptual import tap_distance

ROWS = (
    "left out",
    "mean of neighbours",
    "eyes and mouth, rest left out",
    "eyes and mouth, rest moved",
    "moved",
)
PARTS = (((0, 1, 5, 6), 8, 10), ((2, 3, 7, 8, 9, 10, 11, 12), 10, 6))
"""Keypoints of mouth and of eyes with brows, and how many pixels the windows reach beyond them."""
SEAM = 2.0
"""Pixels over which a window gives way to what is around it."""
COMPARED = 5
"""One picture of so many is compared by the network, which takes longer than drawing."""


Window = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--nets", type=Path, help="folder with the SqueezeNet of the perceptual distance")
    parser.add_argument("--frames", type=int, default=61, help="of each clip (default: 61)")
    parser.add_argument("--every", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--step", type=int, default=1, help="take every so many clips (default: 1)")
    parser.add_argument(
        "--strip", type=Path, help="write the picture that suffers most: drawn, left out, moved"
    )
    given = parser.parse_args()
    engine, _ = Animator.named().open("auto")
    net = SqueezeNet.load(given.nets) if given.nets else None
    scores: dict[tuple[int, str], list[tuple[float, float]]] = defaultdict(list)
    felt: dict[int, list[list[float]]] = defaultdict(list)
    times: dict[str, list[float]] = defaultdict(list)
    worst: tuple[float, Pixels | None] = (np.inf, None)
    for clip in sorted(given.clips.glob("*.mp4"))[:: given.step]:
        person, motions, drawn = rendered(engine, clip, given.frames, times)
        for every in given.every:
            for at, pictures in between(person, motions, drawn, every, times):
                window = eyes_and_mouth(person, motions[at])
                for row, picture in pictures.items():
                    scores[every, row].append(scored(picture, drawn[at], window))
                if net and at % COMPARED == 1:
                    felt[every].append(distances(pictures.values(), drawn[at], net))
                last = scores[every, "moved"][-1][1]
                if last < worst[0]:
                    held, shown = pictures["left out"], pictures["moved"]
                    worst = last, np.concatenate((drawn[at], held, shown), axis=1)
    for every in given.every:
        print(f"\none of {every} drawn, {len(scores[every, ROWS[0]])} pictures between\n")
        print("| picture | PSNR | worst 5 % | eyes and mouth | worst 5 % | squeeze-perceptual |")
        print("|---|---|---|---|---|---|")
        seen = np.mean(felt[every], axis=0) if felt[every] else np.full(len(ROWS), np.nan)
        for row, distance in zip(ROWS, seen, strict=True):
            values = np.array(scores[every, row])
            mean, low = values.mean(axis=0), np.percentile(values, 5, axis=0)
            print(f"| {row} | {mean[0]:.1f} | {low[0]:.1f} | {mean[1]:.1f} | {low[1]:.1f} | {distance:.3f} |")
    took = {name: 1000 * statistics.median(seconds) for name, seconds in times.items()}
    print("\n" + ", ".join(f"{name} {took[name]:.2f} ms" for name in took))
    if given.strip and worst[1] is not None:
        save_image(given.strip, worst[1])


def rendered(
    engine: Engine, clip: Path, count: int, times: dict[str, list[float]]
) -> tuple[Prepared, list[HeadMotion], list[Pixels]]:
    """Return the person of a clip's first frame, the motions of its frames, and what the networks draw of them."""
    person, motions, drawn, square = None, [], [], None
    with VideoReader(clip) as reader:
        for frame in islice(reader, count):
            if person is None:
                person = engine.identity(frame.pixels)
            reading = engine.read(frame.pixels, square)
            square = reading.square if reading.present else None
            motions.append(reading.motion)
            begin = time.process_time()
            drawn.append(engine.render(person, reading.motion))
            times["drawn"].append(time.process_time() - begin)
    assert person is not None, f"{clip} is empty"
    return person, motions, drawn


def between(
    person: Prepared,
    motions: list[HeadMotion],
    drawn: list[Pixels],
    every: int,
    times: dict[str, list[float]],
) -> Iterator[tuple[int, dict[str, Pixels]]]:
    """Yield the place of every picture that is not drawn, and what may be shown there."""
    for last in range(0, len(drawn) - every, every):
        for step in range(1, every):
            at = last + step
            begin = time.process_time()
            moves = moved(drawn[last], person.canonical, motions[last], motions[at])
            times["moved"].append(time.process_time() - begin)
            shown = drawn[at] if moves is None else moves  # it would be drawn
            window = cv2.GaussianBlur(eyes_and_mouth(person, motions[at]), (0, 0), SEAM)[..., None]
            share = step / every
            mean = (1 - share) * drawn[last] + share * drawn[last + every]
            pictures = (
                drawn[last],
                rounded(mean),
                *(rounded(window * drawn[at] + (1 - window) * rest) for rest in (drawn[last], shown)),
                shown,
            )
            yield at, dict(zip(ROWS, pictures, strict=True))


def eyes_and_mouth(person: Prepared, motion: HeadMotion) -> Window:
    """Return 1 in two windows around eyes and mouth, 0 elsewhere, (256, 256)."""
    window = np.zeros((256, 256), np.float32)
    points = (place(person.canonical, motion).points[0, :, :2] + 1) * 127.5
    for keypoints, wide, high in PARTS:
        of_part = points[list(keypoints)]
        left, top = (of_part.min(axis=0) - np.array((wide, high))).clip(0, 255).astype(int)
        right, bottom = (of_part.max(axis=0) + np.array((wide, high))).clip(0, 255).astype(int)
        window[top : bottom + 1, left : right + 1] = 1
    return window


def rounded(picture: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Pixels:
    """Return a picture of bytes."""
    return np.asarray(np.rint(picture), np.uint8)


def scored(picture: Pixels, truth: Pixels, window: Window) -> tuple[float, float]:
    """Return the PSNR of a picture and that of its windows, dB, 60 at most."""
    error = np.square((picture.astype(float) - truth) / 255).mean(axis=2)
    means = error.mean(), (error * window).sum() / window.sum()
    whole, parts = (min(60.0, -10 * math.log10(max(mean, 1e-6))) for mean in means)
    return whole, parts


@torch.no_grad()
def distances(pictures: Iterable[Pixels], truth: Pixels, net: SqueezeNet) -> list[float]:
    """Return the perceptual distance of every picture."""
    taps = net(torch.cat([batch(picture) for picture in (*pictures, truth)]))
    found: list[float] = tap_distance([tap[:-1] for tap in taps], [tap[-1:] for tap in taps]).tolist()
    return found


def batch(picture: Pixels) -> Tensor:
    """Return (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


if __name__ == "__main__":
    main()
