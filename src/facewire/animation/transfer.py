"""How a model's motions are carried over in regions, and edited: each by its own keypoints.

transfer_of(model)(driver, reference, source, regions, own)     see `regions.carried_over`
Face                                                            whose expression is edited, or opened
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from facewire.animation.edits import Edit, edited
from facewire.animation.regions import ALL, carried_over
from facewire.base.errors import ConfigError
from facewire.geometry.arrays import Numbers, library
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.networks.carry import carry_of

if TYPE_CHECKING:
    from facewire.networks.relatives.model import RelativeTalkingHead
    from facewire.networks.types import Identity

EYES, LIPS = "eyes", "lips"
NETWORKS = {EYES: "eye", LIPS: "lip"}
"""What can be opened as far as the driver's, and which network does it."""
BLINKS = frozenset({"blink", "blink left", "blink right"})
"""Sliders of the eyelids; LivePortrait's network opens both eyes alike."""
WIDE = 0.67
"""Openness of lips that `mouth=1` stands for."""


class Transfer(Protocol):
    """Carries motions over, as `regions.carried_over`."""

    def __call__(
        self,
        driver: HeadMotion,
        reference: HeadMotion | None,
        source: HeadMotion,
        regions: frozenset[str],
        own: HeadMotion | None = None,
    ) -> HeadMotion:
        """Return driving motions (T) on a source."""


def transfer_of(foreign: RelativeTalkingHead | None) -> Transfer:
    """Return how motions are carried over: those of an imported model, or of our own (None)."""
    if foreign is None:
        return carried_over
    if is_liveportrait(foreign):
        return _portrait
    carry = carry_of(foreign)

    def whole(
        driver: HeadMotion,
        reference: HeadMotion | None,
        source: HeadMotion,
        regions: frozenset[str],
        own: HeadMotion | None = None,
    ) -> HeadMotion:
        check_regions(foreign, regions)
        return driver if reference is None else carry(driver, reference, source)

    return whole


def resting(
    foreign: RelativeTalkingHead | None, driver: HeadMotion, regions: frozenset[str]
) -> HeadMotion | None:
    """Return what the changes of a driver (T) are counted from if that is no motion of its own: a single picture has
    none, and LivePortrait knows a face at rest.

    Raises:
        ConfigError: the model does not know these regions.
    """
    if len(driver) > 1 or not is_liveportrait(foreign):
        return None
    from facewire.networks.relatives.liveportrait import rest

    return rest.resting(driver, regions)


def is_liveportrait(foreign: RelativeTalkingHead | None) -> bool:
    """Say whether an imported model is LivePortrait's."""
    return foreign is not None and foreign.family.name == "liveportrait"


@dataclass(frozen=True, slots=True)
class Face:
    """Whose expression is changed.

    canonical  keypoints of the person
    identity   returns what the networks in torch keep of the person; only LivePortrait asks
    measured   returns how far eyes and lips are open in the person's picture, (3,); only LivePortrait asks
    """

    canonical: CanonicalKeypoints
    identity: Callable[[], Identity]
    measured: Callable[[], Numbers]


def edited_as(foreign: RelativeTalkingHead | None, face: Face, motions: HeadMotion, edit: Edit) -> HeadMotion:
    """Return motions (T) of a person with an edit, as the model's keypoints allow it.

    Raises:
        ConfigError: they do not, or a network for it was not imported.
        NoFaceFound: the person's picture shows no face to measure.
    """
    if not edit or not is_liveportrait(foreign):
        return edited(motions, face.canonical, edit)
    assert foreign is not None
    from facewire.networks.relatives.liveportrait.portrait import opened
    from facewire.networks.relatives.liveportrait.sliders import FULL, slid

    sliders = {name: FULL[name] * value for name, value in edit.values.items() if name in FULL}
    moved = motions.with_expression(slid(motions.expression, sliders))
    blinks = edit.values.keys() & BLINKS
    if not blinks and "mouth" not in edit.values:
        return moved
    measured = face.measured()
    wanted = _wanted(measured, edit.values)
    eyes, lips = _ratios(measured, wanted[None])
    return opened(
        foreign,
        face.identity(),
        moved,
        eyes=eyes if blinks else None,
        lips=lips if "mouth" in edit.values else None,
    )


def retargeted_as(
    foreign: RelativeTalkingHead | None,
    face: Face,
    motions: HeadMotion,
    wanted: Numbers,
    parts: frozenset[str],
) -> HeadMotion:
    """Return motions (T) of a person whose eyes or lips are open as far as a driver's, all other motion kept.

    What the motions did to the height of these keypoints is taken back first: it would count twice.

    Args:
        foreign: LivePortrait's model.
        face: the person.
        motions: (T).
        wanted: (T, 3), openness of the driver's left eye, right eye and lips.
        parts: some of NETWORKS.

    Raises:
        ConfigError: another model, or a network for it was not imported.
        NoFaceFound: the person's picture shows no face to measure.
    """
    check_retarget(foreign, parts)
    assert foreign is not None
    from facewire.networks.relatives.liveportrait import transfer as liveportrait
    from facewire.networks.relatives.liveportrait.portrait import opened

    eyes, lips = _ratios(face.measured(), wanted)
    rows = [row for part in parts for row in liveportrait.POINTS[part]]
    identity = face.identity()
    expression = motions.expression.clone()
    expression[:, rows, 1] = identity.motion.expression[:, rows, 1]
    return opened(
        foreign,
        identity,
        motions.with_expression(expression),
        eyes=eyes if EYES in parts else None,
        lips=lips if LIPS in parts else None,
    )


def check_retarget(foreign: RelativeTalkingHead | None, parts: frozenset[str]) -> None:
    """Raise ConfigError unless a model can open these parts."""
    if not parts:
        return
    if foreign is None or not is_liveportrait(foreign):
        raise ConfigError("retarget", ",".join(sorted(parts)), "weights of LivePortrait")
    from facewire.networks.relatives.liveportrait.portrait import network

    for part in parts:
        network(foreign, NETWORKS[part])


def check_regions(foreign: RelativeTalkingHead | None, regions: frozenset[str]) -> None:
    """Raise ConfigError unless imported weights know these regions; whether ours do is seen with their motions."""
    if foreign is None:
        return
    if is_liveportrait(foreign):
        from facewire.networks.relatives.liveportrait import transfer as liveportrait

        liveportrait.check_regions(regions)
    elif ALL not in regions:
        known = f"all with weights of {foreign.family.name}"
        raise ConfigError("regions", ",".join(sorted(regions)), known)


def _wanted(measured: Numbers, values: Mapping[str, float]) -> Numbers:
    """Return the openness (3,) that sliders ask for."""
    both, mouth = values.get("blink", 0.0), values.get("mouth", 0.0)
    blink = (values.get("blink left", both) + values.get("blink right", both)) / 2
    lips = measured[2] + mouth * ((WIDE - measured[2]) if mouth > 0 else measured[2])
    eyes = (1 - blink) * measured[:2].mean()
    return library(measured).stack((eyes, eyes, lips))


def _ratios(measured: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """Return what the networks are told, (T, 3) of eyes and (T, 2) of lips, for wanted openness (T, 3)."""
    by = library(measured)
    own = by.broadcast_to(measured, (len(wanted), 3))
    eyes = by.concatenate((own[:, :2], wanted[:, :2].mean(1)[:, None]), 1)
    return eyes, by.stack((own[:, 2], wanted[:, 2]), 1)


def _portrait(
    driver: HeadMotion,
    reference: HeadMotion | None,
    source: HeadMotion,
    regions: frozenset[str],
    own: HeadMotion | None = None,
) -> HeadMotion:
    from facewire.networks.relatives.liveportrait import transfer as liveportrait

    driver = driver.like(source)
    reference = None if reference is None else reference.like(source)
    if own is not None:
        return liveportrait.on_clip(driver, reference, own, regions)
    if reference is None:
        return liveportrait.absolute(driver, source, regions)
    return liveportrait.relative(driver, reference, source, regions)
