"""What `facewire web` writes, with graphs of two convolutions and a runtime of small files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facewire.base.errors import ConfigError, OutputError
from facewire.codec.tables.shipped import FOLDER as TABLES
from facewire.engines.artefact import FLOAT32, ONNX, Artefact
from facewire.web import runtime
from facewire.web.folder import POLICY, SITE, write_folder
from facewire.web.light_graphs import ALIGNED, Wanted, write_light

ROOT = Path(__file__).parents[2]
LIVE = ("identity", "find", "read", "render")
WEIGHTS = (np.arange(864, dtype=np.float32).reshape(32, 3, 3, 3) - 400) / 70
"""Of a convolution: halved, although that rounds them."""
EXACT = (np.arange(32 * 36, dtype=np.float32).reshape(1, 32, 6, 6) - 500) / 4
"""Numbers that 16 bits hold, and below, numbers that they do not and that stay as they are."""
FINE = EXACT + np.float32(1e-3)


def write_graph(path: Path) -> None:
    """Write a convolution and two sums (picture), and a convolution of an output that the page does not use."""
    places = [helper.make_tensor_value_info("in", TensorProto.FLOAT, (1, 3, 8, 8))]
    results = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 32, 6, 6)) for name in ("picture", "other")
    ]
    nodes = [
        helper.make_node("Conv", ["in", "weights"], ["seen"]),
        helper.make_node("Add", ["seen", "shift"], ["shifted"]),
        helper.make_node("Constant", [], ["exact"], value=numpy_helper.from_array(EXACT)),
        helper.make_node("Add", ["shifted", "exact"], ["more"]),
        helper.make_node("Add", ["more", "fine"], ["picture"]),
        helper.make_node("Conv", ["in", "unused"], ["other"]),
    ]
    constants = [
        numpy_helper.from_array(WEIGHTS, "weights"),
        numpy_helper.from_array(np.array([0.1], np.float32), "shift"),
        numpy_helper.from_array(FINE, "fine"),
        numpy_helper.from_array(WEIGHTS * 2, "unused"),
    ]
    graph = helper.make_graph(nodes, "graph", places, results, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))


@pytest.fixture
def graphs(tmp_path: Path) -> Artefact:
    folder = tmp_path / "graphs"
    folder.mkdir()
    for name in LIVE:
        write_graph(folder / f"{name}.onnx")
    entries = {name: {"file": f"{name}.onnx"} for name in LIVE}
    return Artefact(folder, ONNX, FLOAT32, "ab" * 32, 256, 20, entries)


@pytest.fixture
def finder(graphs: Artefact) -> dict[str, Path]:
    return {"detect": graphs.file("read"), "mesh": graphs.file("find")}


@pytest.fixture
def runtime_files(tmp_path: Path) -> Path:
    folder = tmp_path / "runtime" / "dist"
    folder.mkdir(parents=True)
    for name in runtime.FILES:
        (folder / name).write_text(name)
    return folder


def test_weights_are_halved_and_shared_and_what_is_not_used_is_gone(tmp_path: Path) -> None:
    write_graph(tmp_path / "full.onnx")
    graphs = {"one": Wanted(tmp_path / "full.onnx", ("picture",)), "two": Wanted(tmp_path / "full.onnx")}
    light = tmp_path / "light"
    light.mkdir()
    halves = write_light(graphs, light)
    alone = onnx.load(str(light / "one.onnx"), load_external_data=False)
    outside = [one for one in alone.graph.initializer if one.data_location == TensorProto.EXTERNAL]
    assert {one.data_type for one in alone.graph.initializer} == {TensorProto.FLOAT}
    assert sorted(tuple(one.dims) for one in outside) == [EXACT.shape, EXACT.shape, WEIGHTS.shape]
    arrays = (2 * WEIGHTS.size, 2 * EXACT.size, 2 * WEIGHTS.size)  # "two" has one of its own, "unused"
    assert sum(arrays) <= halves < sum(arrays) + 3 * ALIGNED
    assert (light / "weights.bin").stat().st_size == halves + 4 * FINE.size
    picture = np.random.default_rng(0).random((1, 3, 8, 8)).astype(np.float32)
    as_page_reads_it(light, halves)
    results = [
        ran(path, ["picture"], picture)[0]
        for path in (tmp_path / "full.onnx", light / "one.onnx", light / "two.onnx")
    ]
    np.testing.assert_allclose(results[0], results[1], atol=0.05)
    np.testing.assert_array_equal(results[1], results[2])
    assert np.abs(results[0]).max() > 100


def as_page_reads_it(folder: Path, halves: int) -> None:
    """Widen the weights, as networks/halves.js does."""
    data = (folder / "weights.bin").read_bytes()
    wide = np.frombuffer(data[:halves], np.float16).astype(np.float32)
    (folder / "weights.bin").write_bytes(wide.tobytes() + data[halves:])


def ran(path: Path, names: list[str], picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    import onnxruntime

    found: list[NDArray[np.float32]] = onnxruntime.InferenceSession(str(path)).run(names, {"in": picture})
    return found


def test_maps_that_are_convolved_on_webgpu_have_a_multiple_of_four_channels(tmp_path: Path) -> None:
    write_graph(tmp_path / "full.onnx")
    halves = write_light({"one": Wanted(tmp_path / "full.onnx", graphics=True)}, tmp_path)
    model = onnx.load(str(tmp_path / "one.onnx"), load_external_data=False)
    arrays = {tensor.name: tensor for tensor in model.graph.initializer}
    channels = [arrays[node.input[1]].dims[1] for node in model.graph.node if node.op_type == "Conv"]
    assert channels == [4, 4]
    as_page_reads_it(tmp_path, halves)
    picture = np.random.default_rng(0).random((1, 3, 8, 8)).astype(np.float32)
    full, filled = (ran(tmp_path / name, ["picture", "other"], picture) for name in ("full.onnx", "one.onnx"))
    for expected, found in zip(full, filled, strict=True):
        np.testing.assert_allclose(found, expected, atol=0.1)


def test_the_folder_has_everything(
    tmp_path: Path, graphs: Artefact, finder: dict[str, Path], runtime_files: Path
) -> None:
    written = write_folder(graphs, finder, runtime_files, tmp_path / "site")
    site = written.folder
    page = (site / "index.html").read_text(encoding="utf-8")
    assert f'content="{POLICY}"' in page
    for module in SITE.rglob("*.js"):
        assert (site / module.relative_to(SITE)).read_bytes() == module.read_bytes()
    for table in TABLES.glob("*.json"):
        assert (site / "tables" / table.name).read_bytes() == table.read_bytes()
    manifest = json.loads((site / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["weights"] == graphs.weights
    sizes = {name: (site / one["file"]).stat().st_size for name, one in manifest["files"].items()}
    on_graphics = {"program_webgpu", "render_webgpu"}
    assert sizes.keys() == {"weights", *LIVE, *finder, "program_wasm", *on_graphics}
    assert written.fetched == sum(size for name, size in sizes.items() if name not in on_graphics)
    assert all((site / one["module"]).is_file() for one in manifest["runtimes"].values())
    assert len(manifest["canonical_face"]["points"]) == 3 * len(manifest["canonical_face"]["indices"])
    assert written.size > written.fetched
    assert "Cross-Origin-Embedder-Policy: require-corp" in (site / "_headers").read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="is there already"):
        write_folder(graphs, finder, runtime_files, site)


def test_a_signalling_server_elsewhere_is_named_and_may_be_reached(
    tmp_path: Path, graphs: Artefact, finder: dict[str, Path], runtime_files: Path
) -> None:
    signal = "https://signal.example.org:8443"
    site = write_folder(graphs, finder, runtime_files, tmp_path / "site", signal).folder
    assert json.loads((site / "manifest.json").read_text(encoding="utf-8"))["signal"] == signal
    allowed = f"connect-src 'self' {signal} wss://signal.example.org:8443;"
    for name in ("call.html", "_headers"):
        assert allowed in (site / name).read_text(encoding="utf-8")
    for wrong in ("signal.example.org", "https://signal.example.org/deep", "https://a; script-src *"):
        with pytest.raises(ConfigError, match="signalling server"):
            write_folder(graphs, finder, runtime_files, tmp_path / "other", wrong)


def test_the_page_names_files_that_are_there_and_no_other_place(
    tmp_path: Path, graphs: Artefact, finder: dict[str, Path], runtime_files: Path
) -> None:
    site = write_folder(graphs, finder, runtime_files, tmp_path / "site").folder
    for path in (*site.glob("*.html"), *site.glob("*.css"), *SITE.rglob("*.js")):
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text
        assert "https://" not in text
    for name in ("icon.svg", "page.css", "player.css", "player.js", "face.js"):
        assert (site / name).is_file()


def test_the_picture_in_a_call_comes_from_the_camera_only() -> None:
    """Nothing in a page tells whether a file shows the person before the camera; so none is taken, and it says so."""
    page = (SITE / "call.html").read_text(encoding="utf-8")
    assert "From the camera only: a file could show somebody else" in page
    assert re.findall(r'<input[^>]*type="file"', page) == []
    of_call = [
        SITE / "call.js",
        *(path for room in ("agent", "person") for path in (SITE / room).glob("*.js")),
    ]
    for path in of_call:
        assert re.findall(r"\.files\b|dataTransfer|clipboardData|FileReader", path.read_text("utf-8")) == []
    taken = [
        (path.name, line.strip())
        for path in of_call
        for line in path.read_text("utf-8").splitlines()
        if "performer.take(" in line
    ]
    assert [(name, "this.camera.picture()" in line) for name, line in taken] == [("agent.js", True)]


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
