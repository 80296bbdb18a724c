"""scripts/ablation.py: equal steps for all, rounds until all have learned, and going on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from facewire.evaluation.measuring.gain import Gain
from facewire.networks.manifest import Provenance
from facewire.networks.presets import build_preset, preset_config
from facewire.networks.weights import load_model, save_weights
from tests.programs import script as load_script

NAMES = ("ablation-5-keypoints", "ablation-fomm")
ClipMaker = Callable[..., Path]


@pytest.fixture
def script() -> ModuleType:
    return load_script("ablation")


@pytest.fixture
def given(data: Path, tmp_path: Path) -> list[str]:
    return ["--data", str(data), "-o", str(tmp_path / "out"), "--round", "100", "--most", "300"]


@cache
def state_of(preset: str) -> dict[str, Tensor]:
    """Return numbers nobody has trained."""
    state: dict[str, Tensor] = build_preset(preset).state_dict()
    return state


class Pretended:
    """Stands for the command: writes weights that say how long they were trained, remembers what was asked."""

    def __init__(self, shares: dict[int, float]) -> None:
        self.asked: list[tuple[str, int]] = []
        self.measured: list[str] = []
        self.shares = shares

    def command(self, arguments: list[str]) -> int:
        if arguments[0] == "evaluate":
            self.measured = arguments[3 : arguments.index("--data")]
            return 0
        preset, folder = arguments[1], Path(arguments[arguments.index("-o") + 1])
        steps = int(arguments[arguments.index("--steps") + 1])
        self.asked.append((folder.name, steps))
        folder.mkdir(exist_ok=True)
        path = folder / "weights.safetensors"
        save_weights(path, state_of(preset), preset, preset_config(preset), Provenance(steps=steps))
        return 0

    def gain(self, animator: object, clips: object) -> Gain:
        steps = self.asked[-1][1]
        return Gain(1 - self.shares[steps], 1.0)


def pretend(script: ModuleType, monkeypatch: pytest.MonkeyPatch, shares: dict[int, float]) -> Pretended:
    pretended = Pretended(shares)
    monkeypatch.setattr(script, "facewire", pretended.command)
    monkeypatch.setattr(script, "gain_of", pretended.gain)
    return pretended


@pytest.mark.slow
def test_all_go_on_until_all_have_learned(
    script: ModuleType, given: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretended = pretend(script, monkeypatch, {100: -0.1, 200: 0.25, 300: 0.5})
    assert script.main([*given, "--only", *NAMES]) == 0
    assert pretended.asked == [(name, steps) for steps in (100, 200) for name in NAMES]
    assert [Path(path).parent.name for path in pretended.measured] == list(NAMES)
    rounds = json.loads((tmp_path / "out" / "rounds.json").read_text())
    assert rounds["100"] == pytest.approx(dict.fromkeys(NAMES, -0.1))
    assert rounds["200"] == pytest.approx(dict.fromkeys(NAMES, 0.25))


def test_a_round_that_was_begun_is_ended_before_anybody_may_stop(
    script: ModuleType, given: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretended = pretend(script, monkeypatch, {100: 0.9, 200: 0.9})
    (tmp_path / "out").mkdir()
    pretended.command(["train", NAMES[0], "-o", str(tmp_path / "out" / NAMES[0]), "--steps", "150"])
    pretended.asked.clear()
    assert script.main([*given, "--only", *NAMES, "--train-only"]) == 0
    assert pretended.asked == [(name, 200) for name in NAMES]
    assert pretended.measured == []


@pytest.mark.slow
def test_after_the_most_steps_it_says_that_not_all_have_learned(
    script: ModuleType, given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretended = pretend(script, monkeypatch, {100: 0.0, 200: 0.0, 300: 0.0})
    assert script.main([*given, "--only", NAMES[0]]) == 0
    assert [steps for _, steps in pretended.asked] == [100, 200, 300]
    assert "not all variants are 20% under" in capsys.readouterr().out


def test_two_seeds_of_the_full_model_and_every_variant_once(script: ModuleType) -> None:
    names = [run.name for run in script.RUNS]
    assert len(set(names)) == len(names) == 9
    assert [run.seed for run in script.RUNS if run.preset == "ablation-full"] == [1, 2]


def own_name(name: str) -> str:
    """Return a tensor's name within H, which a variant without canonical keypoints holds a room deeper."""
    return name.removeprefix("head.").removeprefix("head.")


@pytest.mark.parametrize(
    "preset", ["ablation-full", "ablation-5-keypoints", "ablation-direct", "ablation-fomm"]
)
def test_what_h_knows_of_poses_is_where_all_begin(script: ModuleType, preset: str, tmp_path: Path) -> None:
    script.beginning(script.Run("own", preset, 3), tmp_path / "own", "paper-128")
    begun = load_model(tmp_path / "own" / script.BEGINNING)[0].state_dict()
    torch.manual_seed(3)
    fresh = build_preset(preset).state_dict()
    donor = load_model("paper-128")[0].state_dict()
    changed = {
        name for name in begun if not torch.allclose(begun[name].float(), fresh[name].float(), atol=1e-3)
    }
    known = {own_name(name) for name in changed}
    if preset == "ablation-fomm":
        assert not changed
        return
    assert {"first.weight", "yaw.weight", "translation.weight"} <= known
    assert not [name for name in known if name.startswith("expression") or "head." + name not in donor]
    for name in changed:
        torch.testing.assert_close(begun[name], donor["head." + own_name(name)])


@pytest.mark.slow
def test_two_variants_for_real(
    script: ModuleType, make_clip: ClipMaker, stand_in: Path, tmp_path: Path
) -> None:
    for part in ("train", "val"):
        make_clip(tmp_path / "clips" / part, "a_00", frames=27)
    given = [
        "--data",
        str(tmp_path / "clips"),
        "-o",
        str(tmp_path / "out"),
        "--cache",
        str(tmp_path / "cache"),
    ]
    steps = ["--round", "1", "--most", "1", "--perceptual", str(stand_in), "--stride", "13"]
    assert script.main([*given, *steps, "--only", *NAMES]) == 0
    report = json.loads((tmp_path / "out" / "report" / "report.json").read_text())
    assert list(report["variants"]) == list(NAMES)
    assert [variant["steps"] for variant in report["variants"].values()] == [1, 1]
