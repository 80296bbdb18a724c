"""Shared by tests of several folders: small clips with labels, a small network, the shipped model's graphs."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import settings
from numpy.typing import NDArray
from safetensors.torch import save_file

import facewire
from facewire.engines.artefact import FLOAT32, ONNX, Artefact
from facewire.engines.graphs import exporting
from facewire.engines.graphs.live_graphs import LiveGraph, live_graphs
from facewire.evaluation.reports import plots
from facewire.media.frame import Frame
from facewire.media.video import VideoWriter
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.weights import load_model
from tests.silence import silent

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
    """The shipped model, its fingerprint, and its graphs, recorded when they are asked for: half a minute."""

    model: CompactTalkingHead
    sha256: str
    temporary: Path

    @cached_property
    def graphs(self) -> Mapping[str, LiveGraph]:
        with silent(self.temporary):
            return live_graphs(self.model)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    model, manifest = load_model()
    assert isinstance(model, CompactTalkingHead)
    return Recorded(model, manifest.sha256, tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="session")
def onnx_graphs(
    recorded: Recorded, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Artefact:
    """The shipped model's graphs in the cache of a user, in ONNX; only read them.

    Making them takes most of a minute, so they are made once for all processes and all runs, until a source changes.
    """
    pytest.importorskip("onnx")
    cache = getattr(pytestconfig, "cache", None)  # none with -p no:cacheprovider
    kept = tmp_path_factory.mktemp("graphs") if cache is None else cache.mkdir("graphs")
    place = kept / _sources_sha256()[:16]
    with FileLock(kept / "lock"), pytest.MonkeyPatch.context() as patch:
        for old in kept.iterdir():
            if old.is_dir() and old != place:
                shutil.rmtree(old)
        patch.setenv("FACEWIRE_CACHE", str(place))
        patch.setattr(exporting, "live_graphs", lambda model: recorded.graphs)
        with silent(recorded.temporary, kept):
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
