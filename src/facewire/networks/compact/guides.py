"""The compact model's keypoints: which landmarks guide them, and where they lie on a mean head."""

from __future__ import annotations

from dataclasses import dataclass

UNIT = 0.0646
"""Picture units per centimetre of a head in the project's crop (median of the training clips)."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A keypoint tied to landmarks.

    landmarks  entries of the 78 landmarks whose mean it is
    canonical  its place on a mean head in centimetres (least squares over the training clips)
    """

    name: str
    landmarks: tuple[int, ...]
    canonical: tuple[float, float, float]


GUIDES = (
    Guide("lower lip", (66,), (0.0, 5.23, -5.19)),
    Guide("upper lip", (62,), (0.0, 4.41, -5.73)),
    Guide("upper lid, image left", (37, 38), (-3.54, -3.26, -3.61)),
    Guide("upper lid, image right", (43, 44), (3.54, -3.26, -3.61)),
    Guide("nose tip", (30,), (0.0, 0.63, -8.32)),
    Guide("mouth corner, image left", (48,), (-2.73, 4.74, -3.72)),
    Guide("mouth corner, image right", (54,), (2.73, 4.74, -3.72)),
    Guide("iris, image left", (68,), (-3.47, -2.95, -3.45)),
    Guide("iris, image right", (73,), (3.47, -2.95, -3.45)),
    Guide("brow, image left", (19,), (-4.55, -5.59, -4.22)),
    Guide("brow, image right", (24,), (4.55, -5.59, -4.22)),
    Guide("lower lid, image left", (40, 41), (-3.5, -2.55, -3.4)),
    Guide("lower lid, image right", (46, 47), (3.5, -2.55, -3.4)),
    Guide("chin", (8,), (0.0, 9.85, -3.76)),
    Guide("jaw, image left", (2,), (-7.2, 3.0, 1.0)),
    Guide("jaw, image right", (14,), (7.2, 3.0, 1.0)),
    Guide("nose bridge", (27,), (0.0, -3.41, -5.47)),
)
FREE = ((-9.0, 13.0, 4.0), (9.0, 13.0, 4.0), (0.0, -11.0, 3.0))
"""Where the free keypoints start on the mean head, in centimetres."""
BODY = (len(GUIDES), len(GUIDES) + 1)
"""The shoulders among all keypoints: they do not turn with the head."""


def _other_side(number: int) -> int:
    """Return which keypoint lies where this one does in the mirrored picture."""
    names = [guide.name for guide in GUIDES]
    if number >= len(names):
        return {BODY[0]: BODY[1], BODY[1]: BODY[0]}.get(number, number)
    turned = {"left": "right", "right": "left"}
    return names.index(" ".join(turned.get(word, word) for word in names[number].split()))


MIRRORED = tuple(_other_side(number) for number in range(len(GUIDES) + len(FREE)))
"""Keypoint i of the mirrored picture is keypoint MIRRORED[i] of the picture."""


def number_of(name: str) -> int:
    """Return which of the keypoints has a name of GUIDES."""
    return next(number for number, guide in enumerate(GUIDES) if guide.name == name)


EYES = tuple(
    (
        number_of(f"upper lid, image {side}"),
        number_of(f"lower lid, image {side}"),
        number_of(f"iris, image {side}"),
    )
    for side in ("left", "right")
)
"""Of each eye upper lid, lower lid and iris."""
MEAN_IRISES = GUIDES[EYES[1][2]].canonical[0] - GUIDES[EYES[0][2]].canonical[0]
"""Distance of the mean head's irises in centimetres; says how large a person's picture is."""
