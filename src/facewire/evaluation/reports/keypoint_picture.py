"""Keypoints drawn on faces, from canonical to posed (paper Fig. 3 and 4): do they stick to places of the head?

    photo | canonical x_c | posed R x_c + t | with expression x_s | the same head turned, x_d

The canonical keypoints lie on what the model renders without pose and expression, turned ones on what it renders
then. A keypoint has the same colour everywhere; the nearer it is, the larger its dot.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
import torch

from facewire.animation.animator import Animator, Person
from facewire.evaluation.measuring.look import FloatArray
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import place
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.contact_sheet import contact_sheet
from facewire.media.frame import Pixels
from facewire.media.image import resize

SIDE = 256
"""Of a drawn picture, pixels."""
TURNS = (-20.0, 20.0)
"""Degrees of yaw of the last columns."""
COLUMNS = ("photo", "canonical", "posed", "with expression", *(f"yaw {turn:+.0f}" for turn in TURNS))
NEAR, FAR = 6.0, 3.0
"""Radius in pixels of the nearest and of the farthest dot of a picture."""
RIM = 1.5
"""Width of the dark rim around a dot, pixels."""
GOLDEN = 0.618
"""Share of the colour circle from one keypoint to the next: neighbours in the list differ."""


def keypoint_sheet(animator: Animator, persons: Sequence[Person]) -> Pixels:
    """Return one picture, a row for each person, columns as COLUMNS."""
    rows = [keypoint_row(animator, person) for person in persons]
    return contact_sheet(rows, column_labels=COLUMNS, cell_size=(SIDE, SIDE))


def keypoint_row(animator: Animator, person: Person) -> list[Pixels]:
    """Return the pictures of one person, one for each of COLUMNS, (SIDE, SIDE, 3)."""
    own = person.identity.motion
    rigid = own.with_expression(torch.zeros_like(own.expression))
    nowhere = HeadMotion(
        torch.eye(3, device=animator.device)[None], torch.zeros_like(own.translation), rigid.expression
    )
    turned = [own.turned_at_neck(rotation_from_degrees(yaw, 0, 0).to(animator.device)) for yaw in TURNS]
    canonical, *others = (
        with_dots(animator.render_batch(person, motion)[0], points_of(person, motion))
        for motion in (nowhere, *turned)
    )
    on_photo = [with_dots(person.picture, points_of(person, motion)) for motion in (rigid, own)]
    return [resize(person.picture, (SIDE, SIDE)), canonical, *on_photo, *others]


def points_of(person: Person, motion: HeadMotion) -> FloatArray:
    """Return the keypoints (K, 3) of a person in a motion (batch of one), in picture coordinates."""
    points: FloatArray = place(person.identity.canonical, motion).points[0].cpu().double().numpy()
    return points


def with_dots(picture: Pixels, points: FloatArray) -> Pixels:
    """Return a picture at SIDE x SIDE with a dot at each keypoint (K, 3); far ones first, near ones over them."""
    canvas = resize(picture, (SIDE, SIDE)).astype(np.float64)
    depth = points[:, 2]
    nearness = (depth.max() - depth) / max(float(np.ptp(depth)), 1e-6)
    for index in np.argsort(-depth):
        centre = (points[index, :2] + 1) / 2 * (SIDE - 1)
        radius = FAR + (NEAR - FAR) * float(nearness[index])
        _disc(canvas, centre, radius + RIM, np.zeros(3))
        _disc(canvas, centre, radius, colour_of(int(index)))
    return canvas.round().astype(np.uint8)


def colour_of(index: int) -> FloatArray:
    """Return the colour of a keypoint, RGB of 255."""
    return 255 * np.array(colorsys.hsv_to_rgb(index * GOLDEN % 1, 0.85, 1.0))


def _disc(canvas: FloatArray, centre: FloatArray, radius: float, colour: FloatArray) -> None:
    """Paint a disc, its edge one pixel soft; what lies outside the canvas is left out."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    away = np.hypot(x - centre[0], y - centre[1])
    cover = np.clip(radius + 0.5 - away, 0, 1)[..., None]
    canvas *= 1 - cover
    canvas += cover * colour
