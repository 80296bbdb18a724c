"""The graphs that come with the package are those of its weights, and come back from their files as they were."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facewire.base.files import read_json
from facewire.engines import artefact
from facewire.engines.artefact import MANIFEST
from facewire.engines.choice import open_engine
from facewire.engines.graphs.packing import packed, unpacked
from facewire.engines.graphs.weight_parts import KnownWeights
from facewire.engines.openvino_runner import has_bfloat16
from facewire.engines.processor.openvino_format import Ir
from facewire.engines.shipped_graphs import FOLDER, shipped, shipped_faces
from facewire.engines.torch_engine import TorchEngine
from facewire.face.crop import CropBox, crop
from facewire.geometry.pose import rotation_from_degrees
from facewire.networks.weights import load_model

WEIGHTS = read_json(FOLDER.parent / "compact-256.json")["sha256"]
AGAIN = "run scripts/ship_graphs.py"


def test_they_belong_to_the_shipped_weights() -> None:
    assert read_json(FOLDER / MANIFEST)["weights"] == WEIGHTS, AGAIN
    assert set(read_json(FOLDER / MANIFEST)["renders"]) == set(artefact.PRECISIONS), AGAIN


def test_other_weights_and_formats_have_none(tmp_path: Path) -> None:
    assert shipped("0" * 64, "float32", dict) is None
    assert shipped(WEIGHTS, "float16", dict) is None
    assert shipped(WEIGHTS, "float32", dict, tmp_path) is None
    found = shipped(WEIGHTS, "int8", dict)
    assert found is not None
    assert found.file("render").is_file()
    assert len({found.fingerprint(name) for name in found.graphs}) == 4


def test_the_face_finders_belong_to_its_weights(tmp_path: Path) -> None:
    found = shipped_faces()
    assert found is not None, AGAIN
    assert set(found.graphs) == {"detect", "mesh"}
    assert shipped_faces(tmp_path) is None


def test_they_hold_no_weights() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 500_000


def test_a_graph_comes_back_with_its_constants() -> None:
    weights = {"conv": np.arange(54, dtype=np.float32).reshape(2, 3, 3, 3)}
    shape = np.array([7, 8], np.int64).tobytes()
    text = (
        '<data element_type="i64" shape="2" offset="0" size="16" />'
        '<data element_type="f32" shape="2, 3, 3, 3" offset="16" size="216" />'
        '<data element_type="i64" shape="2" offset="0" size="16" />'
    )
    data = packed(Ir(text.encode(), shape + weights["conv"].tobytes()), KnownWeights(weights))
    doubled = {
        "conv": 2 * weights["conv"]
    }  # other weights of the same shapes: the graph holds none of its own
    back = unpacked(data, doubled)
    assert back.text.decode() == text.replace('offset="16"', 'offset="64"')
    assert back.constants[:16] == shape
    assert back.constants[64 : 64 + 216] == doubled["conv"].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "least"), [("float32", 60.0), ("int8-float32", 40.0), ("int8", 40.0)])
def test_they_make_the_pictures_of_torch(
    precision: str, least: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled first, taken from the cache then, and the same in both cases."""
    pytest.importorskip("openvino")
    monkeypatch.setenv("FACEWIRE_CACHE", str(tmp_path))
    model, manifest = load_model()
    reference = TorchEngine(model)
    picture = crop(astronaut(), CropBox(110, 10, 240), 256)
    known = reference.identity(picture)
    motion = known.motion.turned(rotation_from_degrees(12.0, -4.0, 0.0))
    expected = reference.render(known, motion).astype(float)
    pictures = []
    for _ in range(2):
        engine, _ = open_engine(model, manifest.sha256, "openvino", threads=1, precision=precision)
        assert engine.info.precision == (
            precision if has_bfloat16() or precision != "int8" else "int8-float32"
        )
        pictures.append(engine.render(engine.identity(picture), motion))
        error = np.square((pictures[-1] - expected) / 255).mean()
        assert -10 * math.log10(error) >= least
        assert len(list((tmp_path / "compiled").glob("render-*.blob"))) == 1
    assert np.array_equal(pictures[0], pictures[1])
