"""The table of differences, line by line, against the originals' arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

from facewire.geometry.head_motion import HeadMotion
from facewire.networks.relatives.families import FAMILIES, Family, family_of
from facewire.networks.relatives.motion_field import Pair, grids, summed
from facewire.networks.relatives.pose import carried_over, expected_angle, placed, rotation

Golden = Callable[[str], dict[str, Tensor]]
Meta = Callable[[str], dict[str, Any]]
LIVEPORTRAIT, ZLH, SADTALKER, ZK = (FAMILIES[name] for name in ("liveportrait", "zlh", "sadtalker", "zk"))
NAMES = ("pitch", "yaw", "roll")
CLOSE = 2e-6


def liveportrait_motion(golden: dict[str, Tensor], frame: int) -> tuple[Tensor, HeadMotion]:
    """Return canonical points and motion of one frame's raw numbers."""
    raw = {name: golden[f"raw/{frame}/{name}"] for name in (*NAMES, "kp", "exp", "t", "scale")}
    angles = {name: expected_angle(raw[name], LIVEPORTRAIT) for name in NAMES}
    depth = -raw["scale"].log()
    translation = torch.cat((raw["t"][:, :2], depth), dim=1)
    motion = HeadMotion(rotation(LIVEPORTRAIT.turns, angles), translation, raw["exp"].view(1, 21, 3))
    return raw["kp"].view(1, 21, 3), motion


def zlh_motion(golden: dict[str, Tensor], frame: int, family: Family) -> HeadMotion:
    """Return the motion of the head network's output, whose names were set right already."""
    raw = {name: golden[f"raw/{frame}/{name}"] for name in (*NAMES, "exp", "t")}
    angles = {name: expected_angle(raw[name], family) for name in NAMES}
    return HeadMotion(rotation(family.turns, angles), raw["t"], raw["exp"].view(1, 15, 3))


@pytest.mark.parametrize(
    ("name", "degrees"), [("liveportrait", 0.0), ("zlh", -1.5), ("sadtalker", -1.5), ("zk", -1.5)]
)
def test_offset_of_flat_logits(name: str, degrees: float) -> None:
    family = FAMILIES[name]
    angle = expected_angle(torch.zeros(1, 66), family)
    assert angle.item() == pytest.approx(degrees / 180 * family.half_turn, abs=1e-5)


@pytest.mark.parametrize(("name", "half_turn"), [("liveportrait", math.pi), ("zlh", 3.14), ("zk", math.pi)])
def test_what_stands_for_pi(name: str, half_turn: float) -> None:
    family = FAMILIES[name]
    logits = torch.full((1, 66), -1e4)
    logits[0, 63] = 0
    assert expected_angle(logits, family).item() == pytest.approx((189 - family.offset) / 180 * half_turn)


@pytest.mark.parametrize(
    ("name", "file", "key", "order"),
    [
        ("liveportrait", "lp_motion", "R_stored", "angles_pitch_yaw_roll"),
        ("zlh", "zlh_sadtalker_motion", "R_zlh", "angles_yaw_pitch_roll"),
        ("zlh-beta", "zlh_sadtalker_motion", "R_beta", "angles_yaw_pitch_roll"),
        ("sadtalker", "zlh_sadtalker_motion", "R_sadtalker", "angles_yaw_pitch_roll"),
    ],
)
def test_order_of_the_product(motion_golden: Golden, name: str, file: str, key: str, order: str) -> None:
    golden, family = motion_golden(file), FAMILIES[name]
    degrees = golden[f"pieces/{order}"]
    names = order.removeprefix("angles_").split("_")
    angles = {axis: degrees[:, i] / 180 * family.half_turn for i, axis in enumerate(names)}
    wanted = golden[f"pieces/{key}"]
    if name == "liveportrait":  # stored for points as rows
        wanted = wanted.transpose(-1, -2)
    assert torch.allclose(rotation(family.turns, angles), wanted, atol=CLOSE, rtol=0.0)


def test_zk_keypoints(motion_golden: Golden) -> None:
    golden = motion_golden("zk_motion")
    angles = {name: golden["in/angles"][:, i] for i, name in enumerate(("yaw", "pitch", "roll"))}
    turn = rotation(ZK.turns, angles)
    assert torch.allclose(turn, golden["out/R"], atol=CLOSE, rtol=0.0)
    motion = HeadMotion(turn, golden["in/t"], golden["in/delta"])
    assert torch.allclose(placed(golden["in/kp"], motion, ZK), golden["out/x"], atol=CLOSE, rtol=0.0)


def test_scale_rides_in_the_depth(motion_golden: Golden) -> None:
    golden = motion_golden("lp_motion")
    points, motion = liveportrait_motion(golden, 10)
    assert torch.allclose(
        placed(points, motion, LIVEPORTRAIT), golden["case/rel_all/x_s"][:1], atol=CLOSE, rtol=0.0
    )
    further = replace(motion, translation=motion.translation + torch.tensor((0.0, 0.0, math.log(2))))
    shift = (motion.translation * torch.tensor((1.0, 1.0, 0.0)))[:, None]
    near, far = (placed(points, each, LIVEPORTRAIT) - shift for each in (motion, further))
    assert torch.allclose(far, near / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shift"),
    [("liveportrait", (1, 1, 0)), ("zlh", (1, 1, 1)), ("sadtalker", (0, 1, 0)), ("zk", (1, 1, 1))],
)
def test_which_parts_of_t_move_points(name: str, shift: tuple[int, int, int]) -> None:
    family = FAMILIES[name]
    still = HeadMotion(torch.eye(3)[None], torch.zeros(1, 3), torch.zeros(1, 2, 3))
    moved = replace(still, translation=torch.tensor([[0.1, 0.2, 0.3]]))
    points = torch.zeros(1, 2, 3)
    wanted = torch.tensor((0.1, 0.2, 0.3)) * torch.tensor(shift)
    assert torch.allclose(placed(points, moved, family)[0, 0], wanted)
    assert torch.allclose(placed(points, still, family)[0, 0], torch.zeros(3))


def test_relative_motion_of_liveportrait(motion_golden: Golden) -> None:
    golden = motion_golden("lp_motion")
    points, source = liveportrait_motion(golden, 10)
    _, first = liveportrait_motion(golden, 30)
    for row, frame in enumerate((30, 31, 32, 33, 34)):
        _, driver = liveportrait_motion(golden, frame)
        moved = carried_over(driver, first, source, LIVEPORTRAIT)
        assert torch.allclose(
            placed(points, moved, LIVEPORTRAIT)[0], golden["case/rel_all/x_d"][row], atol=5e-6
        ), frame


def test_the_other_order_of_relative_turns_is_another(motion_golden: Golden) -> None:
    golden = motion_golden("lp_motion")
    points, source = liveportrait_motion(golden, 10)
    (_, first), (_, driver) = (liveportrait_motion(golden, frame) for frame in (30, 33))
    ours = driver.relative(first, source)
    wanted = golden["case/rel_all/x_d"][3]
    assert float((placed(points, ours, LIVEPORTRAIT)[0] - wanted).abs().max()) > 1e-4


@pytest.mark.parametrize("family", [ZLH, SADTALKER], ids=["zlh", "sadtalker"])
def test_absolute_motion_of_zlh_and_sadtalker(motion_golden: Golden, family: Family) -> None:
    golden = motion_golden("zlh_sadtalker_motion")
    case = "zlh_abs" if family is ZLH else "sad_plain"
    points = golden["raw/canonical"]
    own = placed(points, zlh_motion(golden, 10, family), family)
    assert torch.allclose(own[0], golden[f"case/{case}/x_s"][0], atol=CLOSE, rtol=0.0)
    for row, frame in enumerate((30, 31, 32, 33)):
        moved = placed(points, zlh_motion(golden, frame, family), family)
        assert torch.allclose(moved[0], golden[f"case/{case}/x_d"][row], atol=CLOSE, rtol=0.0)


def test_relative_motion_of_zlh_adds_points(motion_golden: Golden) -> None:
    """The original adds changes of points; ours carries turn, shift and expression over, each by itself."""
    golden = motion_golden("zlh_sadtalker_motion")
    points = golden["raw/canonical"]
    own, first = (placed(points, zlh_motion(golden, frame, ZLH), ZLH) for frame in (10, 30))
    for row, frame in enumerate((30, 31, 32, 33)):
        now = placed(points, zlh_motion(golden, frame, ZLH), ZLH)
        assert torch.allclose((own + now - first)[0], golden["case/zlh_rel/x_d"][row], atol=5e-6)


def spread(points: Tensor) -> float:
    """Return the square root of the volume that points (1, K, 3) span."""
    return math.sqrt(ConvexHull(points[0].double().numpy()).volume)


def test_adapted_scale_of_zlh_stays_near_one(motion_golden: Golden) -> None:
    """It compares the same canonical points in two motions, so that it says little of sizes: ours leaves it out."""
    golden = motion_golden("zlh_sadtalker_motion")
    points = golden["raw/canonical"]
    own, first = (placed(points, zlh_motion(golden, frame, ZLH), ZLH) for frame in (10, 30))
    share = spread(own) / spread(first)
    assert share == pytest.approx(1, abs=0.01)
    for row, frame in enumerate((30, 31, 32, 33)):
        now = placed(points, zlh_motion(golden, frame, ZLH), ZLH)
        found = (own + share * (now - first))[0]
        assert torch.allclose(found, golden["case/zlh_rel_adapt/x_d"][row], atol=5e-6)


def test_grids_turn_only_where_the_family_says_so() -> None:
    volume = torch.zeros(1, 1, 2, 3, 3)
    a = torch.tensor(0.3)
    turn = rotation((("z", "roll"),), {"roll": a})[None]
    points = torch.tensor([[[0.2, -0.1, 0.0]]])
    pair = Pair(points, points, turn, torch.eye(3)[None])
    still, turned = (grids(pair, volume, first_order=first) for first in (False, True))
    assert torch.equal(still[:, 0], turned[:, 0])
    assert torch.allclose(still[:, 1], still[:, 0], atol=1e-6)
    away = still[0, 0, 0, 0, 0] - points[0, 0]
    assert torch.allclose(turned[0, 1, 0, 0, 0], turn[0].T @ away + points[0, 0], atol=1e-6)


def test_small_masks_are_cut_without_sharing_out_the_rest() -> None:
    masks = torch.tensor([0.9995, 0.0005]).view(1, 2, 1, 1, 1)
    flows = torch.stack((torch.ones(3), torch.full((3,), 2.0))).view(1, 2, 1, 1, 1, 3)
    assert torch.allclose(summed(masks, flows, 1e-3).flatten(), torch.full((3,), 0.9995))
    assert torch.allclose(summed(masks, flows, 0.0).flatten(), torch.full((3,), 1.0005))


def test_unknown_families_are_named() -> None:
    with pytest.raises(Exception, match="liveportrait"):
        family_of("fomm")


ZLH_FREE = {"zlh_free_abs": {"yaw": 20, "pitch": -10, "roll": 5}, "zlh_free_yaw_only": {"yaw": 20}}
SAD_TURNS = {
    "sad_pose_seq": {"yaw": (-20, -5, 5, 20), "pitch": (0, 4, 8, 12), "roll": (3, 1, -1, -3)},
    "sad_yaw_only": {"yaw": (-20, -5, 5, 20)},
}


def posed(golden: dict[str, Tensor], frame: int, family: Family, degrees: Mapping[str, float]) -> Tensor:
    """Return the points of a frame whose angles are replaced."""
    given = {name: torch.tensor([value / 180 * family.half_turn]) for name, value in degrees.items()}
    angles = {name: expected_angle(golden[f"raw/{frame}/{name}"], family) for name in NAMES} | given
    motion = zlh_motion(golden, frame, family)
    return placed(golden["raw/canonical"], replace(motion, rotation=rotation(family.turns, angles)), family)[
        0
    ]


@pytest.mark.parametrize("case", ZLH_FREE)
def test_given_angles_of_zlh(motion_golden: Golden, case: str) -> None:
    golden = motion_golden("zlh_sadtalker_motion")
    for row, frame in enumerate((30, 31, 32, 33)):
        found = posed(golden, frame, ZLH, ZLH_FREE[case])
        assert torch.allclose(found, golden[f"case/{case}/x_d"][row], atol=5e-6)


def test_given_angles_of_zlh_in_relative_motion(motion_golden: Golden) -> None:
    golden = motion_golden("zlh_sadtalker_motion")
    own, first = (posed(golden, frame, ZLH, {}) for frame in (10, 30))
    for row, frame in enumerate((30, 31, 32, 33)):
        now = posed(golden, frame, ZLH, ZLH_FREE["zlh_free_abs"])
        assert torch.allclose(own + now - first, golden["case/zlh_free_rel/x_d"][row], atol=5e-6)


@pytest.mark.parametrize("case", SAD_TURNS)
def test_given_angles_of_sadtalker(motion_golden: Golden, case: str) -> None:
    golden = motion_golden("zlh_sadtalker_motion")
    for row, frame in enumerate((30, 31, 32, 33)):
        found = posed(golden, frame, SADTALKER, {name: each[row] for name, each in SAD_TURNS[case].items()})
        assert torch.allclose(found, golden[f"case/{case}/x_d"][row], atol=5e-6)


def test_zk_turns_expressions_with_the_head_as_our_free_view_does(motion_golden: Golden) -> None:
    """Its new pose also moves the points' mean depth to 0.33."""
    golden = motion_golden("zk_motion")

    def of(name: str) -> Tensor:
        columns = zip(("yaw", "pitch", "roll"), golden[f"in/{name}"].unbind(dim=1), strict=True)
        return rotation(ZK.turns, dict(columns))

    old, new = of("angles"), of("new")
    motion = HeadMotion(old, golden["in/t"], golden["in/delta"]).turned(new @ old.transpose(-1, -2))
    found = placed(golden["in/kp"], motion, ZK)
    found[..., 2] += 0.33 - found[..., 2].mean(dim=1, keepdim=True)
    assert torch.allclose(found, golden["out/x_newpose"], atol=5e-6)
