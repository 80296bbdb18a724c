"""What pictures are worth at 512, and what they cost: two tables.

    python benchmarks/large_pictures.py CLIPS [--nets NETWORKS] [--every 12] [--middle]

quality   clips whose truth is 512 pixels wide, first frame, or with --middle the one in the
          middle of the motion, as source, absolute motion: the whole-picture composition
          against the 256-pixel result enlarged bicubically and against the source repeated; fine detail is how much
          there is, relative to the truth, of what 256 pixels cannot hold
time      of a composed frame of 512 and 1024 pixels against that of the 256-pixel receiver, taken in turns in one run
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from facewire.animation.animator import Animator, Person
from facewire.animation.composition.composer import Composer
from facewire.animation.reference import median_motion
from facewire.face.crop import CropBox
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.frame import Pixels
from facewire.media.image import resize
from facewire.media.video import VideoReader
from facewire.metrics.psnr import peak_signal_to_noise
from facewire.metrics.squeeze_net import SqueezeNet
from facewire.metrics.squeeze_perceptual import tap_distance

SIDE = 512
ROWS = ("composed at 512", "256 enlarged bicubically", "source repeated")
SIZES = (512, 1024)
TURNED = (12.0, 4.0, 3.0)
"""Yaw, pitch and roll in degrees, at which frames are timed."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--nets", type=Path, help="folder with the SqueezeNet of the perceptual distance")
    parser.add_argument("--every", type=int, default=12, help="measure every so many frames (default: 12)")
    parser.add_argument(
        "--middle", action="store_true", help="start from the picture that `encode` would send"
    )
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--rounds", type=int, default=50, help="of timing (default: 50)")
    given = parser.parse_args()
    animator = Animator.load()
    choice = animator.use(given.engine)
    net = SqueezeNet.load(given.nets) if given.nets else None
    scores = [
        score
        for clip in sorted(given.clips.glob("*.mp4"))
        for score in clip_scores(animator, clip, given.every, net, middle=given.middle)
    ]
    measured = np.array(scores)
    calm = measured[:, -1, 0] >= np.median(measured[:, -1, 0])
    print(f"engine {choice.name}")
    for name, chosen in (("frames", measured), ("frames, the half with less motion", measured[calm])):
        print(f"\n{len(chosen)} {name}\n")
        print("| picture | PSNR | squeeze-perceptual | fine detail |\n|---|---|---|---|")
        for row, (psnr, distance, detail) in zip(ROWS, chosen.mean(axis=0), strict=True):
            print(f"| {row} | {psnr:.2f} | {distance:.2f} | {100 * detail:.0f} % |")
    first = next(iter(VideoReader(sorted(given.clips.glob("*.mp4"))[0]))).pixels
    print("\n| frame | ms | times the receiver |\n|---|---|---|")
    times = timed(animator, first, given.rounds)
    for name, milliseconds in times.items():
        print(f"| {name} | {milliseconds:.2f} | {milliseconds / times['receiver 256']:.2f} |")


def middle_of(animator: Animator, frames: list[Pixels]) -> int:
    """Return the number of the frame whose motion is in the middle of all."""
    small = [resize(frame, (animator.size, animator.size)) for frame in frames]
    return median_motion(HeadMotion.cat([animator.read([picture])[0].arrays() for picture in small]))


def clip_scores(
    animator: Animator, clip: Path, every: int, net: SqueezeNet | None, *, middle: bool
) -> Iterator[list[tuple[float, float, float]]]:
    """Yield the scores of every row, frame by frame."""
    with VideoReader(clip) as reader:
        frames = [frame.pixels for frame in islice(reader, 0, None, every)]
    source = frames.pop(middle_of(animator, frames) if middle else 0)
    person = animator.person(source, crop_mode="none")
    composer = Composer(source, CropBox(0, 0, SIDE))
    animator.separate(composer, person.picture)
    for truth in frames:
        motion, _ = animator.read([resize(truth, (animator.size, animator.size))])
        (parts,) = animator.parts(person, motion)
        (small,) = animator.render_batch(person, motion)
        shown = (tensor(composer.square(parts)), enlarged(small), tensor(source))
        yield [scores_of(picture, tensor(truth), net) for picture in shown]


@torch.inference_mode()
def scores_of(picture: Tensor, truth: Tensor, net: SqueezeNet | None) -> tuple[float, float, float]:
    """Return PSNR, perceptual distance (NaN without its network), and the share of the truth's fine detail."""
    psnr = float(peak_signal_to_noise(picture, truth))
    distance = float("nan") if net is None else float(tap_distance(net(picture), net(truth)))
    return psnr, distance, float(fine(picture).std() / fine(truth).std())


def fine(picture: Tensor) -> Tensor:
    """Return what half of the resolution cannot hold."""
    half = F.interpolate(picture, scale_factor=0.5, mode="bicubic", antialias=True)
    return picture - F.interpolate(half, picture.shape[2:], mode="bicubic")


def tensor(picture: Pixels) -> Tensor:
    """Return (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255


def enlarged(picture: Pixels) -> Tensor:
    """Return a picture at 512, bicubically."""
    return F.interpolate(tensor(picture), (SIDE, SIDE), mode="bicubic").clamp(0, 1)


def timed(animator: Animator, photo: Pixels, rounds: int) -> dict[str, float]:
    """Return median milliseconds of frames, taken in turns."""
    person = animator.person(photo, crop_mode="none")
    motion = person.identity.motion.turned_at_neck(rotation_from_degrees(*TURNED))
    work: dict[str, Callable[[], object]] = {
        "receiver 256": lambda: animator.render_batch(person, motion),
        "parts alone": lambda: animator.parts(person, motion),
    }
    for size in SIZES:
        composer = Composer(resize(photo, (size, size)), CropBox(0, 0, size))
        animator.separate(composer, person.picture)
        work[f"composed {size}"] = composed(animator, person, motion, composer)
    taken: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 3):
        for name, make in work.items():
            begin = time.perf_counter()
            make()
            if number >= 3:
                taken[name].append(1000 * (time.perf_counter() - begin))
    return {name: statistics.median(times) for name, times in taken.items()}


def composed(
    animator: Animator, person: Person, motion: HeadMotion, composer: Composer
) -> Callable[[], object]:
    """Return what makes one composed frame."""
    return lambda: composer.square(animator.parts(person, motion)[0])


if __name__ == "__main__":
    main()
