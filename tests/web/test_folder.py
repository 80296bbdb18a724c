"""What `facewire web` writes, with graphs of one convolution and a runtime of three small files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facewire.base.errors import ConfigError, OutputError
from facewire.codec.tables.shipped import FOLDER as TABLES
from facewire.engines.artefact import FLOAT32, ONNX, Artefact
from facewire.web import runtime
from facewire.web.folder import POLICY, SITE, write_folder
from facewire.web.light_graphs import write_light

ROOT = Path(__file__).parents[2]
WEIGHTS = (np.arange(54, dtype=np.float32).reshape(2, 3, 3, 3) - 20) / 7


def write_graph(path: Path) -> None:
    """Write a convolution (picture), and another one for an output that the page does not use."""
    places = [helper.make_tensor_value_info("in", TensorProto.FLOAT, (1, 3, 8, 8))]
    results = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 2, 6, 6)) for name in ("picture", "other")
    ]
    nodes = [
        helper.make_node("Conv", ["in", "weights"], ["seen"]),
        helper.make_node("Add", ["seen", "shift"], ["picture"]),
        helper.make_node("Conv", ["in", "more"], ["other"]),
    ]
    constants = [
        numpy_helper.from_array(WEIGHTS, "weights"),
        numpy_helper.from_array(np.array([0.1], np.float32), "shift"),
        numpy_helper.from_array(WEIGHTS * 2, "more"),
    ]
    graph = helper.make_graph(nodes, "graph", places, results, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))


@pytest.fixture
def graphs(tmp_path: Path) -> Artefact:
    folder = tmp_path / "graphs"
    folder.mkdir()
    for name in ("identity", "render"):
        write_graph(folder / f"{name}.onnx")
    entries = {name: {"file": f"{name}.onnx"} for name in ("identity", "render")}
    return Artefact(folder, ONNX, FLOAT32, "ab" * 32, 256, 20, entries)


@pytest.fixture
def runtime_files(tmp_path: Path) -> Path:
    folder = tmp_path / "runtime" / "dist"
    folder.mkdir(parents=True)
    for name in runtime.FILES:
        (folder / name).write_text(name)
    return folder


def test_weights_are_halved_and_what_is_not_used_is_gone(tmp_path: Path) -> None:
    import onnxruntime

    write_graph(tmp_path / "full.onnx")
    write_light(tmp_path / "full.onnx", tmp_path / "light.onnx", ("picture",))
    light = onnx.load(str(tmp_path / "light.onnx"))
    onnx.checker.check_model(light)
    kept = {weights.name: numpy_helper.to_array(weights) for weights in light.graph.initializer}
    assert set(kept) == {"weights_half", "shift"}
    assert kept["weights_half"].dtype == np.float16
    assert kept["shift"].dtype == np.float32
    picture = np.random.default_rng(0).random((1, 3, 8, 8)).astype(np.float32)
    results = [
        onnxruntime.InferenceSession(str(tmp_path / name)).run(["picture"], {"in": picture})[0]
        for name in ("full.onnx", "light.onnx")
    ]
    np.testing.assert_allclose(results[0], results[1], atol=0.02)
    assert np.abs(results[0]).max() > 1


def test_the_folder_has_everything(tmp_path: Path, graphs: Artefact, runtime_files: Path) -> None:
    written = write_folder(graphs, runtime_files, tmp_path / "site")
    site = written.folder
    page = (site / "index.html").read_text(encoding="utf-8")
    assert f'content="{POLICY}"' in page
    for module in SITE.rglob("*.js"):
        assert (site / module.relative_to(SITE)).read_bytes() == module.read_bytes()
    for table in TABLES.glob("*.json"):
        assert (site / "tables" / table.name).read_bytes() == table.read_bytes()
    manifest = json.loads((site / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["weights"] == graphs.weights
    assert written.fetched == sum((site / one["file"]).stat().st_size for one in manifest["files"].values())
    assert written.size > written.fetched
    assert "Cross-Origin-Embedder-Policy: require-corp" in (site / "_headers").read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="is there already"):
        write_folder(graphs, runtime_files, site)


def test_the_page_names_files_that_are_there_and_no_other_place(
    tmp_path: Path, graphs: Artefact, runtime_files: Path
) -> None:
    site = write_folder(graphs, runtime_files, tmp_path / "site").folder
    for path in (*site.glob("*.html"), *site.glob("*.css"), *SITE.rglob("*.js")):
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text
        assert "https://" not in text
    for name in ("icon.svg", "page.css", "player.css", "player.js", "face.js"):
        assert (site / name).is_file()


def test_the_runtime_is_the_one_that_the_package_for_node_has() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    locked = lock["packages"][f"node_modules/{runtime.PACKAGE}"]
    assert (locked["version"], locked["integrity"]) == (runtime.VERSION, runtime.INTEGRITY)


def test_another_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.tgz").write_bytes(b"other")
    with pytest.raises(OutputError, match="as it was published"):
        runtime.unpack(tmp_path / "other.tgz", tmp_path / "place")
    assert not (tmp_path / "place").exists()


def test_the_runtime_is_found_with_and_without_dist(tmp_path: Path, runtime_files: Path) -> None:
    assert runtime.found_in(runtime_files) == runtime.found_in(runtime_files.parent) == runtime_files
    with pytest.raises(ConfigError, match=r"onnxruntime-web 1\.30\.0"):
        runtime.found_in(tmp_path)
