"""Shared by tests of several folders: small clips with labels, a small network, the shipped model's graphs."""

from __future__ import annotations

import gc
import hashlib
import lzma
import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import settings
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.utils.parametrizations import _SpectralNorm

import facewire
from facewire.engines.artefact import FLOAT32, ONNX, Artefact
from facewire.engines.graphs import exporting, shipping
from facewire.engines.graphs.face_graphs import face_graphs
from facewire.engines.graphs.live_graphs import live_graphs
from facewire.evaluation.reports import plots
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.weights import load_model
from facewire.web import finder_graphs
from tests.silence import silent

_compress = lzma.compress
ClipMaker = Callable[..., Path]
"""(folder, name, *, frames=6, side=64, labels=True) -> the video."""

STAND_IN_WIDTHS = ((2, 16), (2, 32), (4, 64), (4, 128), (1, 128))


def pytest_configure() -> None:
    """Compute in one thread, here and in processes that are started: threads that wait for each other cost more.

    Hypothesis's examples have no time limit: the machine may be busy.
    """
    settings.register_profile("no deadline", deadline=None)
    settings.load_profile("no deadline")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays, and is not looked through for garbage, neither meanwhile nor later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def no_power_iteration_without_numbers() -> Iterator[None]:
    """Spectral norms on the meta device, where each step is Python's, take as long as on the CPU and give nothing."""
    iterate: Callable[..., None] = _SpectralNorm._power_method

    def where_there_are_numbers(norm: _SpectralNorm, weight: Tensor, steps: int) -> None:
        if not weight.is_meta:
            iterate(norm, weight, steps)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_SpectralNorm, "_power_method", where_there_are_numbers)
        yield


def template() -> NDArray[np.float64]:
    """Return 78 places, shares of a picture, roughly as large as a face in a head crop."""
    angle = np.linspace(0, 2 * math.pi, 78, endpoint=False)
    radius = 0.1 + 0.15 * ((np.arange(78) * 7) % 78) / 78
    return np.stack((0.5 + radius * np.cos(angle), 0.53 + radius * np.sin(angle)), axis=1)


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of reports have empty plots: drawing all of a page's takes two seconds."""
    monkeypatch.setattr(plots, "_svg", lambda title, size, draw: "<svg></svg>")


@dataclass(frozen=True)
class Recorded:
    """The shipped model and its fingerprint."""

    model: CompactTalkingHead
    sha256: str


@pytest.fixture(scope="session")
def recorded() -> Recorded:
    model, manifest = load_model()
    assert isinstance(model, CompactTalkingHead)
    return Recorded(model, manifest.sha256)


@dataclass(frozen=True)
class MadeGraphs:
    """What is made of the shipped model's graphs and the face finder's, each recorded once; only read it.

    cache     a user's cache with the model's graphs in ONNX
    finder    the face finder's graphs in ONNX
    shipped   what scripts/ship_graphs.py writes, quickly compressed; empty without OpenVINO
    """

    folder: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def finder(self) -> dict[str, Path]:
        return {path.stem: path for path in (self.folder / "finder").glob("*.onnx")}

    @property
    def shipped(self) -> Path:
        return self.folder / "shipped"


@pytest.fixture(scope="session")
def made_graphs(
    recorded: Recorded, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> MadeGraphs:
    """Recording takes half a minute, so all is made once for all processes and runs, until a source changes."""
    pytest.importorskip("onnx")
    cache = getattr(pytestconfig, "cache", None)  # none with -p no:cacheprovider
    kept = tmp_path_factory.mktemp("graphs") if cache is None else cache.mkdir("graphs")
    made = MadeGraphs(kept / _sources_sha256()[:16])
    with FileLock(kept / "lock"):
        if not (made.folder / "complete").exists():
            for old in kept.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            _make_graphs(recorded, made, tmp_path_factory.mktemp("silent"))
    return made


def _make_graphs(recorded: Recorded, made: MadeGraphs, temporary: Path) -> None:
    for folder in (made.cache, made.folder / "finder", made.shipped):
        folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch, silent(temporary, made.folder):
        graphs, faces = live_graphs(recorded.model), face_graphs()
        patch.setenv("FACEWIRE_CACHE", str(made.cache))
        patch.setattr(exporting, "live_graphs", lambda model: graphs)
        patch.setattr(finder_graphs, "face_graphs", lambda: faces)
        patch.setattr(shipping, "face_graphs", lambda: faces)
        patch.setattr(lzma, "compress", _quickly_compressed)
        exporting.cached(recorded.model, recorded.sha256, ONNX, FLOAT32)
        finder_graphs.write_finder_graphs(made.folder / "finder")
        if find_spec("openvino"):
            shipping.ship(recorded.model, recorded.sha256, graphs, made.shipped)
    (made.folder / "complete").touch()


def _quickly_compressed(data: bytes, preset: int) -> bytes:
    """Take a third of the time: what is in the files counts, not how small they are."""
    return _compress(data, preset=1)


@pytest.fixture(scope="session")
def onnx_graphs(recorded: Recorded, made_graphs: MadeGraphs) -> Artefact:
    """The shipped model's graphs in ONNX; only read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEWIRE_CACHE", str(made_graphs.cache))
        return exporting.cached(recorded.model, recorded.sha256, ONNX, FLOAT32)[0]


def _sources_sha256() -> str:
    """Return the fingerprint of the package's source files."""
    digest = hashlib.sha256()
    for file in sorted(Path(facewire.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="session")
def make_clip() -> ClipMaker:
    def make(folder: Path, name: str, *, frames: int = 6, side: int = 64, labels: bool = True) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        moves = 0.05 * np.sin(np.arange(frames))
        landmarks = template() + np.stack((moves, np.zeros(frames)), axis=1)[:, None]
        video = folder / f"{name}.mp4"
        with VideoWriter(video, (side, side), Fraction(25), crf=10) as writer:
            for number in range(frames):
                writer.write(Frame(_picture(landmarks[number], side), number, Fraction(1, 25)))
        if labels:
            turns = 200 * moves[:, None] * (1.0, 0.5, 0.2)
            place = np.stack((moves * 50 / 1.5, np.zeros(frames), np.full(frames, 50.0)), axis=1)
            np.savez(
                video.with_suffix(".npz"),
                lm=landmarks.astype(np.float16),
                pose=np.concatenate((turns, place), axis=1).astype(np.float32),
                det=np.ones(frames, bool),
            )
        return video

    return make


def _picture(landmarks: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Return a grey picture with a soft bright spot where the face is."""
    y, x = np.mgrid[0:side, 0:side] / side
    centre = landmarks.mean(axis=0)
    spot = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 0.02)
    colour = np.array((200.0, 150.0, 120.0))
    return np.asarray(40 + spot[..., None] * colour, np.uint8)


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A perceptual network of the smallest kind with random numbers, as a file."""
    generator = torch.Generator().manual_seed(0)
    tensors, inputs = {"conv0.weight": torch.eye(3)[:, :, None, None], "conv0.bias": torch.zeros(3)}, 3
    for block, (count, width) in enumerate(STAND_IN_WIDTHS, start=1):
        for index in range(1, count + 1):
            gain = math.sqrt(2 / (9 * inputs))
            weight = gain * torch.randn(width, inputs, 3, 3, generator=generator)
            tensors |= {f"conv{block}{index}.weight": weight, f"conv{block}{index}.bias": torch.zeros(width)}
            inputs = width
    path = tmp_path_factory.mktemp("networks") / "stand-in.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path
