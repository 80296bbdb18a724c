"""LivePortrait's loop against the original's: transfer, regions, stitching, eyes and lips, sliders, clips.

Cases in which the original drops the driven motion, or adds lips after stitching, are put together here from our
pieces in its order; in ours both come before stitching and keep the motion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy.spatial import ConvexHull
from torch import Tensor, nn

from facewire.base.errors import ConfigError
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints
from facewire.networks.relatives.correction import Chain, retargeted, stitched
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.liveportrait.portrait import opened
from facewire.networks.relatives.liveportrait.rest import resting
from facewire.networks.relatives.liveportrait.rts import smoothed
from facewire.networks.relatives.liveportrait.sliders import slid
from facewire.networks.relatives.liveportrait.transfer import absolute, check_regions, on_clip, relative
from facewire.networks.relatives.model import RelativeTalkingHead
from facewire.networks.relatives.pose import carried_over, expected_angle, placed, rotation
from facewire.networks.types import Identity

Golden = Callable[[str], dict[str, Tensor]]
Meta = Callable[[str], dict[str, Any]]
FAMILY = FAMILIES["liveportrait"]
DRIVERS, CLIP, PICTURE = (30, 31, 32, 33, 34), (20, 21, 22, 23), 40
WIDTHS = {
    "stitching": (126, 24, 24, 12, 65),
    "lip": (65, 24, 24, 12, 63),
    "eye": (66, 24, 24, 16, 16, 12, 63),
}
REGIONS = {"all": "all", "exp": "expression", "pose": "pose", "lip": "lips", "eyes": "eyes"}
"""The original's name -> ours."""


@pytest.fixture(scope="module")
def golden(motion_golden: Golden) -> dict[str, Tensor]:
    return motion_golden("lp_motion")


def read(golden: dict[str, Tensor], frame: int) -> HeadMotion:
    raw = {name: golden[f"raw/{frame}/{name}"] for name in ("pitch", "yaw", "roll", "exp", "t", "scale")}
    angles = {name: expected_angle(raw[name], FAMILY) for name in ("pitch", "yaw", "roll")}
    translation = torch.cat((raw["t"][:, :2], -raw["scale"].log()), dim=1)
    return HeadMotion(rotation(FAMILY.turns, angles), translation, raw["exp"].view(1, 21, 3))


def several(golden: dict[str, Tensor], frames: tuple[int, ...]) -> HeadMotion:
    return HeadMotion.cat([read(golden, frame) for frame in frames])


def network(golden: dict[str, Tensor], name: str) -> nn.Module:
    chain = Chain(widths=WIDTHS[name])
    prefix = f"w/{name}."
    chain.load_state_dict({key.removeprefix(prefix): golden[key] for key in golden if key.startswith(prefix)})
    return chain.eval()


def canonical(golden: dict[str, Tensor], frames: tuple[int, ...]) -> Tensor:
    return torch.cat([golden[f"raw/{frame}/kp"].view(1, 21, 3) for frame in frames])


def identity(golden: dict[str, Tensor], frames: tuple[int, ...] = (10,)) -> Identity:
    points = CanonicalKeypoints(canonical(golden, frames))
    return Identity((torch.zeros(len(frames), 1),), points, several(golden, frames))


def model(golden: dict[str, Tensor]) -> RelativeTalkingHead:
    nothing = nn.Identity()
    return RelativeTalkingHead(
        FAMILY,
        appearance=nothing,
        head=nothing,
        painter=nothing,  # type: ignore[arg-type]
        corrections={name: network(golden, name) for name in WIDTHS},
    )


OPEN_LIPS = 0.03
"""Lips of a photo that are open as far as this are closed before others move them."""


def photo(golden: dict[str, Tensor], name: str, frames: tuple[int, ...] = DRIVERS) -> HeadMotion:
    """Return the photo's motions in a case's region, relative or absolute as its name begins."""
    kind, region = name.removeprefix("img_").split("_")[:2]
    drivers, source = several(golden, frames), read(golden, 10)
    regions = frozenset({REGIONS[region]})
    if kind == "abs":
        return absolute(drivers, source, regions)
    return relative(drivers, drivers[:1], source, regions)


def points_of(golden: dict[str, Tensor], motion: HeadMotion, frames: tuple[int, ...] = (10,)) -> Tensor:
    own = canonical(golden, frames)
    return placed(own.expand(len(motion), 21, 3), motion, FAMILY)


def openness(golden: dict[str, Tensor], frame: int) -> tuple[float, float, float]:
    """Return how far left eye, right eye and lips are open, of 203 points."""
    points = golden[f"raw/{frame}/lm203"].view(203, 2).double()

    def share(one: int, other: int, left: int, right: int) -> float:
        apart = float((points[one] - points[other]).norm())
        return apart / (float((points[left] - points[right]).norm()) + 1e-6)

    return share(6, 18, 0, 12), share(30, 42, 24, 36), share(90, 102, 48, 66)


def lip_shift(golden: dict[str, Tensor], landmarks: int, frames: tuple[int, ...] = (10,)) -> Tensor:
    """Return what closes a photo's lips, 0 where they are closed."""
    lips = openness(golden, landmarks)[2]
    source = points_of(golden, several(golden, frames), frames)
    if lips < OPEN_LIPS:
        return torch.zeros_like(source)
    ratios = torch.tensor([[lips, 0.0]]).expand(len(frames), 2)
    return retargeted(network(golden, "lip"), source, ratios)


PHOTO = [f"{kind}_{region}" for kind in ("rel", "abs") for region in REGIONS]


@pytest.mark.parametrize("name", PHOTO)
def test_regions_of_a_photo(golden: dict[str, Tensor], name: str) -> None:
    wanted = golden[f"case/{name}/x_d"]
    assert torch.allclose(points_of(golden, photo(golden, name)), wanted, atol=5e-6)
    if name.startswith("rel"):  # its expression-friendly way multiplies by 1
        assert torch.allclose(wanted, golden[f"case/{name}_expfriendly/x_d"], atol=5e-6)


@pytest.mark.parametrize("region", REGIONS)
def test_a_picture_as_driver(golden: dict[str, Tensor], region: str) -> None:
    found = points_of(golden, photo(golden, f"img_abs_{region}", (PICTURE,)))
    assert torch.allclose(found, golden[f"case/img_abs_{region}/x_d"], atol=5e-6)


@pytest.mark.parametrize("region", REGIONS)
def test_a_picture_s_expression_is_counted_from_a_face_at_rest(
    golden: dict[str, Tensor], region: str
) -> None:
    regions, driver = frozenset({REGIONS[region]}), read(golden, PICTURE)
    found = relative(driver, resting(driver, regions), read(golden, 10), regions)
    assert torch.allclose(points_of(golden, found), golden[f"case/img_rel_{region}/x_d"], atol=5e-6)


@pytest.mark.parametrize("kind", ["rel", "abs"])
def test_a_picture_as_driver_of_a_clip(golden: dict[str, Tensor], kind: str) -> None:
    """The original smooths nothing then."""
    driver, own, whole = read(golden, PICTURE), several(golden, CLIP), frozenset({"all"})
    first = resting(driver, whole) if kind == "rel" else None
    found = on_clip(driver.expand(len(CLIP)), first, own, whole, seen=0.0)
    wanted = golden[f"case/v_{kind}_all_drvimage/x_d"]
    assert torch.allclose(points_of(golden, found, CLIP), wanted, atol=5e-6)


def test_what_its_expression_friendly_way_multiplies_by(golden: dict[str, Tensor]) -> None:
    """Square roots of the volumes that the keypoints span; against the source itself, as in its loop, that is 1."""
    spans = [
        ConvexHull(golden[key][0].double().numpy()).volume
        for key in ("case/rel_all/x_s", "pieces/stitch_x_d", "case/rel_all/x_d")
    ]
    share = math.sqrt(spans[0] / spans[1])
    assert share == pytest.approx(float(golden["pieces/multiplier_xs_xd0"]), abs=1e-5)
    assert spans[0] / spans[2] == pytest.approx(1, abs=1e-5)


def test_a_smoother_that_trusts_frames_less(golden: dict[str, Tensor]) -> None:
    own, drivers = several(golden, CLIP), several(golden, DRIVERS[: len(CLIP)])
    found = on_clip(drivers, drivers[:1], own, frozenset({"all"}), seen=1e-3)
    assert torch.allclose(points_of(golden, found, CLIP), golden["case/v_rel_all_obs1e-3/x_d"], atol=5e-6)


def test_regions_add_up(golden: dict[str, Tensor]) -> None:
    drivers, source = several(golden, DRIVERS), read(golden, 10)
    both = relative(drivers, drivers[:1], source, frozenset({"lips", "pose"}))
    lips, pose = (relative(drivers, drivers[:1], source, frozenset({name})) for name in ("lips", "pose"))
    assert torch.equal(both.expression, lips.expression)
    assert torch.equal(both.rotation, pose.rotation)
    assert torch.equal(both.translation[:, 2], source.translation[:, 2].expand(5))


def test_the_whole_motion_is_what_is_carried_over_elsewhere(golden: dict[str, Tensor]) -> None:
    drivers, source = several(golden, DRIVERS), read(golden, 10)
    found, wanted = photo(golden, "rel_all"), carried_over(drivers, drivers[:1], source, FAMILY)
    for part in ("rotation", "translation", "expression"):
        assert torch.allclose(getattr(found, part), getattr(wanted, part)), part


def test_unknown_regions_are_refused() -> None:
    with pytest.raises(ConfigError, match="lips"):
        check_regions({"gaze"})


CLIPS = [f"{kind}_{region}" for kind in ("rel", "abs") for region in REGIONS]


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_as_source(golden: dict[str, Tensor], name: str) -> None:
    kind, region = name.split("_")
    own, drivers = several(golden, CLIP), several(golden, DRIVERS[: len(CLIP)])
    found = on_clip(drivers, drivers[:1] if kind == "rel" else None, own, frozenset({REGIONS[region]}))
    assert torch.allclose(points_of(golden, found, CLIP), golden[f"case/v_{name}/x_d"], atol=5e-6)


@pytest.mark.parametrize("variance", [3e-7, 1e-4])
def test_smoother(golden: dict[str, Tensor], variance: float) -> None:
    name = "3e-7" if variance == 3e-7 else "1e-4"
    found = smoothed(golden["pieces/smooth_in"][:, 0], variance)
    assert torch.allclose(found, golden[f"pieces/smooth_out_{name}"], atol=1e-6)


@torch.inference_mode()
def test_stitching(golden: dict[str, Tensor]) -> None:
    source, driving = golden["pieces/stitch_x_s"], golden["pieces/stitch_x_d"]
    found = stitched(network(golden, "stitching"), source, driving)
    assert torch.allclose(found, golden["pieces/stitch_result"], atol=1e-6)


@pytest.mark.parametrize("name", ["eye", "lip"])
@torch.inference_mode()
def test_eyes_and_lips(golden: dict[str, Tensor], name: str) -> None:
    ratios = golden[f"pieces/{name}_ratio_src"]
    found = retargeted(network(golden, name), golden["pieces/stitch_x_s"], ratios)
    assert torch.allclose(found, golden[f"pieces/{name}_delta"], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "strength"),
    [("rel_all_stitch", 1.0), ("abs_all_stitch", 1.0), ("rel_all_stitch_mult0.7", 0.7),
     ("rel_all_expfriendly_stitch_mult1.3", 1.3)],
)  # fmt: skip
@torch.inference_mode()
def test_the_stitched_loop_and_a_share_of_it(golden: dict[str, Tensor], name: str, strength: float) -> None:
    head, own = model(golden), identity(golden)
    found = torch.lerp(head.points(own, own.motion), head.driven(own, photo(golden, name)), strength)
    assert torch.allclose(found, golden[f"case/{name}/x_d"], atol=1e-5)


@pytest.mark.parametrize("name", ["v_rel_all_stitch", "v_abs_all_stitch"])
@torch.inference_mode()
def test_the_stitched_loop_on_a_clip(golden: dict[str, Tensor], name: str) -> None:
    own, drivers = several(golden, CLIP), several(golden, DRIVERS[: len(CLIP)])
    moved = on_clip(drivers, drivers[:1] if "rel" in name else None, own, frozenset({"all"}))
    found = model(golden).driven(identity(golden, CLIP), moved)
    assert torch.allclose(found, golden[f"case/{name}/x_d"], atol=1e-5)


@torch.inference_mode()
def test_eyes_of_a_clip_held_open_and_lips_closed(golden: dict[str, Tensor]) -> None:
    """After stitching, as in the original: eyes as open as in the clip's first frame, lips closed frame by frame."""
    own, drivers = several(golden, CLIP), several(golden, DRIVERS[: len(CLIP)])
    found = model(golden).driven(
        identity(golden, CLIP), on_clip(drivers, drivers[:1], own, frozenset({"all"}))
    )
    source = points_of(golden, own, CLIP)
    measured = [openness(golden, frame) for frame in CLIP]
    wanted = sum(measured[0][:2]) / 2
    eyes = torch.tensor([(left, right, wanted) for left, right, _ in measured])
    lips = torch.tensor([(apart, 0.0) for *_, apart in measured])
    found = found + retargeted(network(golden, "eye"), source, eyes)
    found = found + retargeted(network(golden, "lip"), source, lips)
    assert torch.allclose(found, golden["case/v_rel_all_stitch_eye_lipnorm/x_d"], atol=1e-5)


@torch.inference_mode()
def test_lips_of_a_photo_are_closed_first(golden: dict[str, Tensor]) -> None:
    head, own = model(golden), identity(golden)
    ratios = torch.tensor([[openness(golden, 10)[2], 0.0]])
    moved = opened(head, own, photo(golden, "rel_all"), lips=ratios)
    found = head.points(own, moved)
    assert torch.allclose(found, golden["case/rel_all_liponorm_nostitch/x_d"], atol=1e-5)


@pytest.mark.parametrize(("name", "landmarks"), [("liponorm", 10), ("liponorm_closed", 11)])
@torch.inference_mode()
def test_closed_lips_after_stitching_as_in_the_original(
    golden: dict[str, Tensor], name: str, landmarks: int
) -> None:
    plain = model(golden).driven(identity(golden), photo(golden, "rel_all"))
    wanted = golden[f"case/rel_all_stitch_{name}/x_d"]
    assert torch.allclose(plain + lip_shift(golden, landmarks), wanted, atol=1e-5)


def shifts(golden: dict[str, Tensor], eyes: bool, lips: bool) -> Tensor:
    """Return what opens a photo's eyes and lips as the drivers' are, (5, 21, 3)."""
    source = points_of(golden, read(golden, 10))
    left, right, mouth = openness(golden, 10)
    shift = torch.zeros(5, 21, 3)
    for row, frame in enumerate(DRIVERS):
        theirs = openness(golden, frame)
        if eyes:
            ratios = torch.tensor([[left, right, theirs[0]]])
            shift[row] += retargeted(network(golden, "eye"), source, ratios)[0]
        if lips:
            shift[row] += retargeted(network(golden, "lip"), source, torch.tensor([[mouth, theirs[2]]]))[0]
    return shift


@pytest.mark.parametrize("stitch", [False, True])
@pytest.mark.parametrize(
    ("name", "eyes", "lips"),
    [("rel_eye", True, False), ("rel_lip_rt", False, True), ("rel_both_rt", True, True), ("abs_both_rt", True, True)],
)  # fmt: skip
@torch.inference_mode()
def test_retargeting(golden: dict[str, Tensor], name: str, eyes: bool, lips: bool, stitch: bool) -> None:
    """The original's result: relative, the still source instead of the driven one."""
    source = points_of(golden, read(golden, 10))
    base = points_of(golden, photo(golden, "abs_all")) if name.startswith("abs") else source
    wanted = golden[f"case/{name}{'_stitch' if stitch else ''}/x_d"]
    found = base + shifts(golden, eyes, lips)
    if stitch:
        found = stitched(network(golden, "stitching"), source.expand_as(found), found)
    assert torch.allclose(found, wanted, atol=1e-5)


@torch.inference_mode()
def test_retargeting_keeps_all_other_motion(golden: dict[str, Tensor]) -> None:
    head, own, motion = model(golden), identity(golden), photo(golden, "rel_all")
    plain = head.points(own, motion)
    left, right, mouth = openness(golden, 10)
    theirs = [openness(golden, frame) for frame in DRIVERS]
    eyes = torch.tensor([(left, right, each[0]) for each in theirs])
    lips = torch.tensor([(mouth, each[2]) for each in theirs])
    moved = opened(head, own, motion, eyes=eyes, lips=lips)
    found = head.points(own, moved)
    assert torch.allclose(found - plain, shifts(golden, eyes=True, lips=True), atol=1e-5)
    assert float((plain - plain[:1]).abs().max()) > 1e-3
    assert torch.equal(moved.rotation, motion.rotation)


@torch.inference_mode()
def test_what_was_not_imported_is_named_or_left_out(golden: dict[str, Tensor]) -> None:
    head, own, motion = model(golden), identity(golden), photo(golden, "rel_all")
    del head.corrections["stitching"], head.corrections["lip"]
    assert torch.equal(head.driven(own, motion), head.points(own, motion))
    with pytest.raises(ConfigError, match="stitching_retargeting_module"):
        opened(head, own, motion, lips=torch.zeros(1, 2))


SLIDERS = {
    "eyeball_direction_x": "gaze right",
    "eyeball_direction_y": "gaze up",
    "smile": "smile",
    "wink": "wink",
    "eyebrow": "brows",
    "lip_variation_zero": "lip zero",
    "lip_variation_one": "lip one",
    "lip_variation_two": "lip two",
    "lip_variation_three": "lip three",
    "mov_x": "move right",
    "mov_y": "move down",
}
TURNS = ("pitch", "yaw", "roll")


@pytest.mark.parametrize("stitch", [False, True])
@torch.inference_mode()
def test_every_case_of_the_editor(
    golden: dict[str, Tensor], motion_golden: Golden, motion_meta: Meta, stitch: bool
) -> None:
    """Its result has t_z, which moves nothing elsewhere; the rest is ours."""
    edits, head, own = motion_golden("lp_edit"), model(golden), read(golden, 10)
    source = points_of(golden, own)
    raw = {name: golden[f"raw/10/{name}"] for name in (*TURNS, "t")}
    for name, given in motion_meta("lp_edit")["cases"].items():
        turn = {
            axis: expected_angle(raw[axis], FAMILY)
            + torch.deg2rad(torch.tensor(float(given.get(f"input_head_{axis}_variation", 0))))
            for axis in TURNS
        }
        values = {SLIDERS[key]: float(value) for key, value in given.items() if key in SLIDERS}
        moved = HeadMotion(rotation(FAMILY.turns, turn), own.translation, slid(own.expression, values))
        scale = (-own.translation[0, 2]).exp() * given.get("mov_z", 1.0)
        found = scale * (points_of(golden, moved) - _place(own)) / (-own.translation[0, 2]).exp() + _place(
            own
        )
        found = found + torch.tensor((0.0, 0.0, float(raw["t"][0, 2])))
        for key, chain, rest in (("input_eye_ratio", "eye", (0.5, 0.5)), ("input_lip_ratio", "lip", (0.25,))):
            if key in given:
                ours = openness(golden, 10)
                rest = ours[:2] if chain == "eye" else ours[2:]
                ratios = torch.tensor([(*rest, given[key])])
                found = found + retargeted(head.corrections[chain], source, ratios)
        if stitch:
            found = stitched(head.corrections["stitching"], source, found)
        wanted = edits[f"case/{name}{'_stitch' if stitch else ''}/x_d"]
        assert torch.allclose(found, wanted, atol=1e-5), name


def _place(motion: HeadMotion) -> Tensor:
    place: Tensor = (motion.translation * torch.tensor((1.0, 1.0, 0.0)))[:, None]
    return place
