"""The second look: the sender compares what the receiver will show with what it sees, and corrects the motion.

    motion --render--> shown, masks          the receiver's own networks
    shown, seen --dense flow--> how far every cell of the picture shown is beside its place
    cells, masks --least squares--> how far every keypoint is beside its place --> delta

A motion that is read off a picture by itself puts shoulders, hair and outlines some pixels beside their places, in
another direction in every frame. Whoever holds the source picture, too, can see where. The motion field's masks say
which keypoint moves which cell, so what is shown and where it belongs are a linear system, an unknown per keypoint.

The paper's own model has a third thing to compare with: its H reads the picture shown as well as the picture seen.
What the two readings differ by is missing, and goes first (R, t and delta together). None of its keypoints is guided,
so the flow may move all of them, each a little.

Only for pictures of the person of the source; a driver's motion for somebody else's photo is left as it was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facewire.animation.animator import Animator, Person
from facewire.engines.parts import Array
from facewire.geometry.arrays import as_array, like
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.networks.compact.guides import FREE, GUIDES, Guide

FINEST_SCALE = 1
"""Of the dense flow: it is computed at half the pictures' size."""
TEXTURE = 30.0
"""Mean squared slope, in grey levels a pixel, at which a place counts half: flat ones tell nothing."""
NEAR, WIDE = 9, 5
"""Sides of the squares, in pixels, over which slopes and differences are averaged."""
UNLIKE = 15.0
"""Grey levels of difference that remain along the flow at which a place counts 1 / e: there stands something else."""
FARTHEST = 12.0
"""Pixels; what leads farther is no matter of a second look."""
OUTLINE = ("jaw", "chin")
"""Words in the names of the guided keypoints whose landmarks are guesses where hair or a beard covers them."""
FINE = ("lip", "mouth", "lid", "iris")
"""Of those that are never moved one by one: what they say is expression, and a flow of lids and lips is not to be
trusted."""
FREE_RIDGE, OUTER_RIDGE, TOGETHER_RIDGE, FIXED_RIDGE = 1.0, 30.0, 10.0, 1e6
"""What pulls corrections to 0, in cells that count: of keypoints that no landmark guides, of guided ones that are not
fine, of all guided ones together, and of fine ones."""

LOOSE_RIDGE, LOOSE_TOGETHER_RIDGE = 100.0, 30.0
"""The same of a model without guided keypoints: of each, of all together."""
SIDE = 256
"""Of pictures as the flow sees them; smaller ones are enlarged."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Trust:
    """Which keypoints may be corrected, and how much."""

    ridges: tuple[float, ...]
    """What pulls to 0: each keypoint, and the first `together` of them as one."""
    together: int
    known: tuple[int, ...] = ()
    """Keypoints that count as standing where they belong."""


def _named(guide: Guide, words: Sequence[str]) -> bool:
    return any(word in guide.name for word in words)


GUIDED = Trust(
    ridges=(
        *(FIXED_RIDGE if _named(guide, FINE) else OUTER_RIDGE for guide in GUIDES),
        *[FREE_RIDGE] * len(FREE),
        TOGETHER_RIDGE,
    ),
    together=len(GUIDES),
    known=tuple(number for number, guide in enumerate(GUIDES) if not _named(guide, OUTLINE)),
)
"""Of compact-256."""


def _loose(count: int) -> Trust:
    return Trust(ridges=(*[LOOSE_RIDGE] * count, LOOSE_TOGETHER_RIDGE), together=count)


def look_again(
    animator: Animator,
    person: Person,
    pictures: Sequence[Pixels],
    motion: HeadMotion,
    kept: int | None = None,
) -> HeadMotion:
    """Return motions that lead the person's picture nearer to pictures of the same person.

    Args:
        animator: whose receiver is asked what it would show.
        person: the source, as the receiver has it.
        pictures: (S, S, 3) each, what was seen.
        motion: (T) as it was read off them.
        kept: keypoints that the receiver will have; None means all.

    Returns:
        Corrected motions; of models other than compact-256 and the paper's two-step ones the motions as they are.
    """
    if animator.compact:
        trust = GUIDED
    elif animator.two_step:
        trust = _loose(animator.keypoints)
        shown = animator.render_batch(person, motion, kept=kept)
        motion = animator.motion(list(pictures)).relative(animator.motion(shown), motion)
    else:
        return motion
    drawn = animator.draw(person, motion, kept=kept)
    by = np.stack(
        [corrections(one.picture, seen, one.masks, trust) for one, seen in zip(drawn, pictures, strict=True)]
    )
    expression = as_array(motion.expression) + np.pad(by, ((0, 0), (0, 0), (0, 1)))
    return replace(motion, expression=like(expression, motion.expression))


def corrections(shown: Pixels, seen: Pixels, masks: Array, trust: Trust = GUIDED) -> Array:
    """Return how far each keypoint of a picture should move to make it another one, (K, 2), picture units.

    Args:
        shown: (S, S, 3), what the keypoints make now.
        seen: (S, S, 3), what they should make.
        masks: (K + 1, h, w), which part of every cell's motion is which keypoint's; the first slot stands still.
        trust: which keypoints it may be.
    """
    beside, counts = _beside(_grey(shown), _grey(seen), masks.shape[1:])
    own = masks[1:].reshape(len(masks) - 1, -1).astype(np.float64)
    # Within the face landmarks know better than any flow: what they move is in its place, and counts.
    known = own[list(trust.known)].sum(axis=0)
    wanted = beside.reshape(-1, 2) * (1 - known)[:, None]
    moves = np.concatenate((own, own[: trust.together].sum(axis=0, keepdims=True)))
    counted = moves * (counts.ravel() + known)
    found = np.linalg.solve(counted @ moves.T + np.diag(trust.ridges), counted @ wanted)
    found[: trust.together] += found[-1]
    return found[:-1].astype(np.float32)


def _grey(picture: Pixels) -> Grey:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if len(grey) < SIDE:
        grey = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grey, np.uint8)


def _beside(shown: Grey, seen: Grey, cells: tuple[int, ...]) -> tuple[Array, Array]:
    """Return how far what is seen in each cell lies from where it is shown, (h, w, 2) in picture units, and how much
    that counts, (h, w) from 0 to 1."""
    side = len(shown)
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setFinestScale(FINEST_SCALE)
    flow = np.asarray(finder.calc(seen, shown, np.zeros((side, side, 2), np.float32)))
    across, down = np.float32(np.indices((side, side))[::-1]) + flow.transpose(2, 0, 1)
    along = np.asarray(cv2.remap(shown, across, down, cv2.INTER_LINEAR))
    slopes = [cv2.Sobel(seen, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))]
    texture = cv2.blur(slopes[0] ** 2 + slopes[1] ** 2, (NEAR, NEAR))
    unlike = cv2.blur(cv2.absdiff(along, seen).astype(np.float32), (WIDE, WIDE))
    counts = texture / (texture + TEXTURE) * np.exp(-unlike / np.float32(UNLIKE))
    counts[np.hypot(*cv2.split(flow)) > FARTHEST] = 0
    size = cells[::-1]
    weighted = cv2.resize(flow * counts[..., None], size, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(counts, size, interpolation=cv2.INTER_AREA)
    return weighted / np.maximum(weight, 1e-6)[..., None] * (-2 / side), weight
