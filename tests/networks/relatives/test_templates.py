"""LivePortrait's driving templates: pickles of the documented layout, made here of the original's numbers."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from facewire.base.errors import MotionFileError
from facewire.networks.published.templates import read_template
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.pose import placed

from .conftest import WHOLE

Golden = Callable[[str], dict[str, Tensor]]
RATE = 25
Held = dict[str, Any]


@pytest.fixture
def golden(motion_golden: Golden) -> dict[str, Tensor]:
    whole = motion_golden("lp_motion")
    prefix = "template/drv/"
    return {key.removeprefix(prefix): value for key, value in whole.items() if key.startswith(prefix)}


@pytest.fixture
def held(golden: dict[str, Tensor]) -> Held:
    """Return a template as the original writes it."""
    rows = range(len(golden["scale"]))
    parts = ("scale", "R", "exp", "t", "kp", "x_s")
    return {
        "n_frames": len(rows),
        "output_fps": RATE,
        "motion": [{name: golden[name][row : row + 1].numpy() for name in parts} for row in rows],
        "c_eyes_lst": [golden["c_eyes"][row : row + 1].numpy() for row in rows],
        "c_lip_lst": [golden["c_lip"][row : row + 1].numpy() for row in rows],
    }


def written(path: Path, held: object) -> Path:
    path.write_bytes(pickle.dumps(held, protocol=4))
    return path


def test_numbers_of_a_template(held: Held, golden: dict[str, Tensor], tmp_path: Path) -> None:
    template = read_template(written(tmp_path / "a.pkl", held))
    assert template.rate == RATE
    found = placed(golden["kp"], template.motions.to("cpu"), FAMILIES["liveportrait"])
    assert torch.allclose(found, golden["x_s"], atol=2e-6)
    assert template.openness is not None
    assert np.array_equal(template.openness, torch.cat((golden["c_eyes"], golden["c_lip"]), dim=1))


def test_older_names_and_no_ratios(held: Held, tmp_path: Path) -> None:
    new = read_template(written(tmp_path / "new.pkl", held)).motions
    for frame in held["motion"]:
        frame["R_d"] = frame.pop("R")
    del held["c_eyes_lst"]
    old = read_template(written(tmp_path / "old.pkl", held))
    assert np.array_equal(old.motions.rotation, new.rotation)
    assert old.openness is None


class Payload:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("executed",)


def test_nothing_in_it_is_run(held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held["motion"][0]["t"] = Payload()
    with pytest.raises(MotionFileError, match=r"asks for \w+.mkdir"):
        read_template(written(tmp_path / "bad.pkl", held))
    assert not Path("executed").exists()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda held: held.update(n_frames=9), "counts"),
        (lambda held: held["motion"][1].pop("exp"), "exp is missing"),
        (lambda held: held["motion"][1].update(t=np.zeros((1, 3))), "float32"),
        (lambda held: held["motion"][1].update(t=np.full((1, 3), np.nan, np.float32)), "finite"),
        (lambda held: held["motion"][1].update(R=np.ones((1, 3, 3), np.float32)), "turn"),
        (lambda held: held["motion"][1].update(scale=np.zeros((1, 1), np.float32)), "scale"),
        (lambda held: held.update(c_lip_lst=held["c_lip_lst"][:2]), "ratios"),
    ],
)
def test_faults_are_named(held: Held, tmp_path: Path, fault: Callable[[Held], object], said: str) -> None:
    fault(held)
    with pytest.raises(MotionFileError, match=said):
        read_template(written(tmp_path / "bad.pkl", held))


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x04K\x05."])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.pkl"
    path.write_bytes(content)
    with pytest.raises(MotionFileError, match="no driving template"):
        read_template(path)


@pytest.mark.skipif(
    WHOLE is None, reason="numbers of the official templates are not carried: set FACEWIRE_GOLDEN"
)
@pytest.mark.parametrize(("name", "turned"), [("d1", [0.0, 2.84, 3.62, 4.27]), ("wink", None)])
def test_official_templates(tmp_path: Path, name: str, turned: list[float] | None) -> None:
    """Their numbers as a pickle of their layout come back to the bit; d1 turns as far as its origin says."""
    with np.load(Path(str(WHOLE)) / f"motion_template_{name}.npz") as held:
        parts = {key.removeprefix("motion/"): held[key] for key in held.files if key != "meta"}
    rows = range(len(parts["t"]))
    frame_of = {"scale": "scale", "R": "R_d", "exp": "exp", "t": "t"}
    template = {
        "n_frames": len(rows),
        "output_fps": 30,
        "motion": [{old: parts[new][row : row + 1] for new, old in frame_of.items()} for row in rows],
        **{key: [parts[key][row : row + 1] for row in rows] for key in parts if key.endswith("_lst")},
    }
    found = read_template(written(tmp_path / "a.pkl", template))
    assert np.array_equal(found.motions.rotation, parts["R"].transpose(0, 2, 1))
    assert np.array_equal(found.motions.expression, parts["exp"])
    assert np.allclose(np.exp(-found.motions.translation[:, 2:]), parts["scale"])
    assert (found.openness is None) == (turned is None)
    if turned is not None:
        first = found.motions.rotation[0]
        apart = [np.trace(found.motions.rotation[row] @ first.T) for row in (0, 5, 10, 15)]
        angles = np.degrees(np.arccos((np.clip(apart, -1, 3) - 1) / 2))
        assert np.allclose(angles, turned, atol=0.02)
