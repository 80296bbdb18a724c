"""Weights files: only the published bytes are accepted."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from facewire.base.errors import HashMismatch, SchemaMismatch, WeightsError
from facewire.face.networks.mesh import MESH_FILE, load_face_mesh
from facewire.face.pose import canonical_face
from facewire.face.store import WEIGHTS_FOLDER, read_arrays


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in (MESH_FILE, "manifest.json"):
        shutil.copy(WEIGHTS_FOLDER / name, tmp_path / name)
    return tmp_path


def test_manifest_names_every_file_with_its_hash() -> None:
    files = json.loads((WEIGHTS_FOLDER / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert set(files) == {path.name for path in WEIGHTS_FOLDER.glob("*.safetensors")}
    for name, entry in files.items():
        data = (WEIGHTS_FOLDER / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(data) == entry["bytes"]


def test_notice_names_every_file() -> None:
    notice = (WEIGHTS_FOLDER / "NOTICE").read_text(encoding="utf-8")
    assert "Apache License" in notice
    for path in WEIGHTS_FOLDER.glob("*.safetensors"):
        assert path.name in notice


def test_one_changed_bit_is_noticed(copied: Path) -> None:
    data = bytearray((copied / MESH_FILE).read_bytes())
    data[-1] ^= 1
    (copied / MESH_FILE).write_bytes(data)
    with pytest.raises(HashMismatch, match="SHA-256"):
        load_face_mesh(copied)


def test_missing_file_and_missing_entry(copied: Path) -> None:
    (copied / MESH_FILE).unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        load_face_mesh(copied)
    with pytest.raises(WeightsError, match="does not name other"):
        read_arrays("other.safetensors", copied)
    (copied / "manifest.json").write_text("[]", encoding="utf-8")
    with pytest.raises(WeightsError, match="does not name"):
        load_face_mesh(copied)


def test_other_tensors_are_named(copied: Path) -> None:
    tensors = load_file(copied / MESH_FILE)
    tensors["extra"] = tensors.pop("trunk.0.convolution.bias")
    tensors["presence_head.bias"] = torch.zeros(2)
    save_file(tensors, copied / MESH_FILE)
    digest = hashlib.sha256((copied / MESH_FILE).read_bytes()).hexdigest()
    manifest = {"files": {MESH_FILE: {"sha256": digest}}}
    (copied / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SchemaMismatch) as caught:
        load_face_mesh(copied)
    assert caught.value.missing == ["trunk.0.convolution.bias"]
    assert caught.value.unexpected == ["extra"]
    assert caught.value.wrong_shape == ["presence_head.bias"]


def test_weights_are_half_precision_in_the_file_and_float_in_memory() -> None:
    assert {t.dtype for t in load_file(WEIGHTS_FOLDER / MESH_FILE).values()} == {torch.float16}
    assert {t.dtype for t in read_arrays(MESH_FILE).values()} == {np.dtype(np.float32)}


def test_canonical_face_is_an_upright_symmetric_face() -> None:
    points, weights = map(torch.from_numpy, canonical_face())
    assert points.shape == (468, 3)
    assert int((weights > 0).sum()) == 33
    nose, forehead, chin = points[1], points[10], points[152]
    assert nose[2] == points[:, 2].sort().values[:8].max() or nose[2] < forehead[2]  # nose towards the camera
    assert forehead[1] < nose[1] < chin[1]
    torch.testing.assert_close(points[33], points[263] * torch.tensor([-1.0, 1.0, 1.0]))
