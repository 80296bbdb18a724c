"""The families of foreign weights, and everything in which they differ, as data.

Each line of `Family` has its own test in tests/networks/relatives; docs/foreign.md shows the same table to users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import pi

from facewire.base.errors import ConfigError

Turns = tuple[tuple[str, str], ...]
"""A product of rotations, first factor first: (axis, angle)."""

PITCH_YAW_ROLL: Turns = (("x", "pitch"), ("y", "yaw"), ("z", "roll"))
ROLL_YAW_PITCH: Turns = (("z", "roll"), ("y", "yaw"), ("x", "pitch"))
BETA: Turns = (("x", "roll"), ("y", "pitch"), ("z", "yaw"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How one family reads its numbers.

    Angles are 3 * E[i] - offset degrees over 66 classes i, and degrees / 180 * half_turn radians.
    Keypoints are s * (A x_c + delta) + shift * t, with s = 1 where nothing is scaled.
    """

    name: str
    keypoints: int
    offset: float
    """Degrees; flat logits give 97.5 - offset."""
    half_turn: float = pi
    """What stands for pi."""
    turns: Turns = PITCH_YAW_ROLL
    """A as a product."""
    swapped: bool = False
    """The head network's output named roll is the yaw, and the other way round."""
    scaled: bool = False
    """The head network estimates s; it rides in t_z of a HeadMotion as -log s: further is smaller."""
    shift: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Which parts of t move the points."""
    align_corners: bool = False
    """Of the sampler; the grids include both ends in every family."""
    first_order: bool = False
    """Grids near a keypoint turn by A_s A_d^-1."""
    mask_floor: float = 0.0
    """Shares of the masks below it become 0 before the flow is summed."""
    slope: float = 0.01
    """Of the leaky ReLU after the warp."""
    side_first: bool = False
    """Relative motion is A_s A_0^-1 A instead of A A_0^-1 A_s."""
    picture: int = 256
    """Side of the pictures that the networks read."""
    framing: str = ""
    """Whose square of a head the pictures show (face/relatives/framing.py); "": ours."""
    licence: str
    """As its origin states it; of the weights where it says so."""
    origin: str
    """Where the files are published."""


_ZLH = Family(
    name="zlh",
    keypoints=15,
    offset=99.0,
    half_turn=3.14,
    swapped=True,
    licence="CC BY-NC 4.0: no commercial use",
    origin="github.com/zhanglonghao1992/One-Shot_Free-View_Neural_Talking_Head_Synthesis",
)

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="liveportrait",
            keypoints=21,
            offset=97.5,
            turns=ROLL_YAW_PITCH,
            scaled=True,
            shift=(1.0, 1.0, 0.0),
            side_first=True,
            framing="liveportrait",
            licence="MIT",
            origin="github.com/KwaiVGI/LivePortrait, huggingface.co/KwaiVGI/LivePortrait",
        ),
        _ZLH,
        replace(_ZLH, name="zlh-beta", turns=BETA),
        replace(
            _ZLH,
            name="sadtalker",
            shift=(0.0, 1.0, 0.0),
            mask_floor=1e-3,
            framing="sadtalker",
            licence="Apache-2.0",
            origin="github.com/OpenTalker/SadTalker",
        ),
        Family(
            name="zk",
            keypoints=15,
            offset=99.0,
            align_corners=True,
            first_order=True,
            slope=0.2,
            licence="none stated: all rights reserved by its authors",
            origin="github.com/zhengkw18/face-vid2vid",
        ),
    )
}
"""By name; zlh-beta is the older of two kinds of ZLH weights and is recognised by its keypoint network."""


def family_of(name: str) -> Family:
    """Return a family by name.

    Raises:
        ConfigError: there is none.
    """
    if name not in FAMILIES:
        raise ConfigError("family", name, f"one of {', '.join(FAMILIES)}")
    return FAMILIES[name]
