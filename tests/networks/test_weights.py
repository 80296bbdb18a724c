"""Weights on disk: what was saved comes back, and nothing else gets in."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from facewire.base.errors import HashMismatch, OutputError, SchemaMismatch, WeightsError
from facewire.base.files import sha256_of
from facewire.networks import manifest, weights
from facewire.networks.manifest import (
    Manifest,
    Provenance,
    TrainingData,
    read_manifest,
    resolve,
    write_manifest,
)
from facewire.networks.paper.config import PAPER_PRESETS, to_dict
from facewire.networks.paper.face_vid2vid import FaceVid2Vid, build
from facewire.networks.weights import load_model, save_weights, write_tensors

CONFIG = to_dict(PAPER_PRESETS["tiny"])
PROVENANCE = Provenance(
    steps=7,
    data=TrainingData(clips=2, frames=30, sha256="ab"),
    perceptual="plain",
    licence="Apache-2.0",
    notes="a test",
)


@cache
def _model() -> FaceVid2Vid:
    torch.manual_seed(0)
    return build(PAPER_PRESETS["tiny"]).eval()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_weights(path, _model().state_dict(), "tiny", CONFIG, PROVENANCE, {"l1": 3.5})
    return path


def _rehash(path: Path, **changed: Any) -> None:
    """Make the manifest true again, or change it."""
    manifest = read_manifest(path)
    write_manifest(path, replace(manifest, **{"sha256": sha256_of(path), **changed}))


@pytest.mark.slow
def test_a_model_comes_back(saved: Path) -> None:
    model, manifest = load_model(saved)
    assert isinstance(model, FaceVid2Vid)
    assert not model.training
    for name, tensor in _model().state_dict().items():
        own = model.state_dict()[name]
        assert own.dtype == tensor.dtype
        torch.testing.assert_close(own, tensor, rtol=1e-3, atol=1e-5)
    assert manifest.preset == "tiny"
    assert manifest.config == CONFIG
    assert manifest.provenance == PROVENANCE
    assert manifest.metrics == {"l1": 3.5}
    assert load_model(str(saved))[1] == manifest


def test_numbers_are_stored_in_half_precision(saved: Path) -> None:
    stored = load_file(saved)
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16, torch.int64}
    assert stored["head.first_norm.num_batches_tracked"].dtype == torch.int64


def test_what_half_precision_cannot_hold_stays_whole(saved: Path) -> None:
    state = _model().state_dict()
    state["head.first_norm.running_var"] = torch.full((4,), 1e6)
    save_weights(saved, state, "tiny", CONFIG, PROVENANCE)
    model, _ = load_model(saved)
    assert model.state_dict()["head.first_norm.running_var"].tolist() == [1e6] * 4


def test_a_model_without_jacobians_comes_back_as_one(tmp_path: Path) -> None:
    config = replace(PAPER_PRESETS["tiny"], jacobians=False)
    path = tmp_path / "plain.safetensors"
    save_weights(path, build(config).state_dict(), "tiny", to_dict(config), PROVENANCE)
    model, _ = load_model(path)
    assert not [name for name in model.state_dict() if "jacobian" in name]


def test_one_changed_byte_is_seen_before_anything_is_parsed(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: object) -> None:
        raise AssertionError("the file was parsed")

    data = bytearray(saved.read_bytes())
    data[-1] ^= 1
    saved.write_bytes(data)
    monkeypatch.setattr(weights, "parse", parsed)
    monkeypatch.setattr(weights, "build_preset", parsed)
    with pytest.raises(HashMismatch, match="get the file again"):
        load_model(saved)


@pytest.mark.parametrize("keep", [0, 4, 1000, -1])
def test_a_truncated_file_is_refused(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(HashMismatch):
        load_model(saved)
    _rehash(saved)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_model(saved)


def test_a_pickle_is_refused(saved: Path) -> None:
    torch.save(_model().state_dict(), saved)
    _rehash(saved)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_model(saved)


def test_weights_need_their_manifest(saved: Path) -> None:
    saved.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match=r"tiny\.json is missing"):
        load_model(saved)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "{}", '{"schema": 2}', '{"schema": 1, "preset": "tiny"}'],
)
def test_a_file_that_is_no_manifest_is_named(saved: Path, text: str) -> None:
    saved.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsError, match=r"tiny\.json"):
        load_model(saved)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("provenance", {"steps": "many"}),
        ("provenance", {"step": 1}),
        ("metrics", {"l1": "low"}),
        ("config", 3),
    ],
)
def test_a_manifest_with_wrong_values_is_named(saved: Path, field: str, value: Any) -> None:
    beside = saved.with_suffix(".json")
    data = json.loads(beside.read_text())
    beside.write_text(json.dumps(data | {field: value}))
    with pytest.raises(WeightsError, match=r"tiny\.json"):
        load_model(saved)


def test_the_wrong_preset_is_a_schema_mismatch(saved: Path) -> None:
    _rehash(saved, preset="compact-256", config={})
    with pytest.raises(SchemaMismatch, match="another preset or version"):
        load_model(saved)


@pytest.mark.parametrize(
    ("preset", "config"), [("huge", {}), ("tiny", {"keypoint": 3}), ("compact-256", {"width": 9})]
)
def test_models_of_other_versions_are_named(saved: Path, preset: str, config: dict[str, Any]) -> None:
    _rehash(saved, preset=preset, config=config)
    with pytest.raises(WeightsError, match="no model of this version"):
        load_model(saved)


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda state: state.pop("appearance.first.weight"), (1, 0, 0)),
        (lambda state: state.update(extra=torch.zeros(1)), (0, 1, 0)),
        (lambda state: state.update({"head.yaw.bias": torch.zeros(3)}), (0, 0, 1)),
    ],
    ids=["missing", "unexpected", "wrong shape"],
)
def test_tensors_must_fit(
    saved: Path, change: Callable[[dict[str, Tensor]], None], counts: tuple[int, int, int]
) -> None:
    state = load_file(saved)
    change(state)
    save_file(state, saved)
    _rehash(saved)
    with pytest.raises(SchemaMismatch) as caught:
        load_model(saved)
    error = caught.value
    assert (len(error.missing), len(error.unexpected), len(error.wrong_shape)) == counts


def test_names_of_published_weights_are_offered(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "PUBLISHED", tmp_path)
    assert resolve("tiny") == saved
    assert resolve(saved) == saved
    assert load_model("tiny")[1].preset == "tiny"
    with pytest.raises(WeightsError, match="published with this package: tiny"):
        resolve("none")


def test_a_manifest_survives_the_disk(saved: Path) -> None:
    manifest = Manifest("tiny", {}, "00", Provenance(steps=1))
    write_manifest(saved, manifest)
    assert read_manifest(saved) == manifest


@contextmanager
def small_disk() -> Iterator[None]:
    """Files cannot grow beyond 4096 bytes; kept around one call, because it holds for the test runner's log too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": torch.ones(2)})
    before = path.read_bytes()
    with small_disk(), pytest.raises(OutputError, match=r"a\.safetensors.*disk|limit"):
        write_tensors(path, {"x": torch.ones(9000)})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_files_are_as_readable_as_others(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    write_tensors(tmp_path / "a.safetensors", {"x": torch.ones(2)})
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
