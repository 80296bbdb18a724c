"""Finding the perceptual networks: by their tensors, in torch's folder, or at the published address."""

from __future__ import annotations

import hashlib
import io
from email.message import Message
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from facewire.base.errors import HashMismatch, TrainingError, WeightsError
from facewire.losses import feature_taps
from facewire.losses.feature_taps import DistilledVgg19, JoinedTaps, ShallowVgg19
from facewire.training.objectives import frozen
from facewire.training.objectives.frozen import face_network, picture_network

SHALLOW = {0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128)}
DATA = b"what is published"
ADDRESS = feature_taps.VGG19_URL.rsplit("/", 1)[1]


def silent(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""


@pytest.fixture
def shallow(tmp_path: Path) -> Path:
    tensors = {f"features.{at}.weight": torch.zeros(a, b, 3, 3) for at, (a, b) in SHALLOW.items()}
    tensors |= {f"features.{at}.bias": torch.zeros(a) for at, (a, _) in SHALLOW.items()}
    save_file(tensors, tmp_path / "shallow.safetensors")
    return tmp_path / "shallow.safetensors"


def test_stand_ins_are_told_apart_by_their_tensors(shallow: Path, stand_in: Path, tmp_path: Path) -> None:
    assert isinstance(picture_network([stand_in], tmp_path, silent), DistilledVgg19)
    assert isinstance(picture_network([shallow], tmp_path, silent), ShallowVgg19)
    for order in ([shallow, stand_in], [stand_in, shallow]):
        joined = picture_network(order, tmp_path, silent)
        assert isinstance(joined, JoinedTaps)
        assert joined.name == "vgg19-shallow-and-distilled-stand-in"


def test_other_files_are_refused(shallow: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, other)
    with pytest.raises(WeightsError, match="no perceptual network"):
        picture_network([other], tmp_path, silent)
    with pytest.raises(WeightsError, match=r"check the path|get it from"):
        picture_network([tmp_path / "none.safetensors"], tmp_path, silent)
    with pytest.raises(TrainingError, match="two stand-ins"):
        picture_network([shallow, shallow], tmp_path, silent)
    pickled = tmp_path / "vgg.pth"
    torch.save({"features.0.weight": torch.zeros(2)}, pickled)
    with pytest.raises(HashMismatch):
        picture_network([pickled], tmp_path, silent)
    with pytest.raises(WeightsError):
        face_network(tmp_path / "none.pth")


class _Answer(io.BytesIO):
    """What a server sends."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.headers = Message()
        self.headers["Content-Length"] = str(len(data))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A server with DATA under the published address; the addresses that were asked for."""
    asked: list[str] = []

    def urlopen(address: str, timeout: float) -> _Answer:
        assert timeout > 0
        asked.append(address)
        return _Answer(DATA)

    monkeypatch.setattr(frozen, "urlopen", urlopen)
    monkeypatch.setattr(frozen, "VGG19_SHA256_PREFIX", hashlib.sha256(DATA).hexdigest()[:8])
    monkeypatch.setattr(feature_taps.Vgg19, "load", lambda path: path)
    return asked


def test_the_published_file_is_fetched_once(published: list[str], tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    hub = tmp_path / "hub"
    for _ in range(2):
        found = picture_network([], hub, lambda *now: seen.append(now))
        assert found == hub / ADDRESS  # type: ignore[comparison-overlap]
    assert (hub / ADDRESS).read_bytes() == DATA
    assert published == [feature_taps.VGG19_URL]
    assert seen == [("download", len(DATA), len(DATA))]


def test_other_bytes_are_thrown_away(
    published: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "VGG19_SHA256_PREFIX", "00000000")
    with pytest.raises(TrainingError, match=r"not the published ones.*--perceptual"):
        picture_network([], tmp_path, silent)
    assert list(tmp_path.iterdir()) == []
    assert published


def test_without_a_connection_one_line_says_what_to_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urlopen(address: str, timeout: float) -> _Answer:
        raise URLError("no connection")

    monkeypatch.setattr(frozen, "urlopen", urlopen)
    with pytest.raises(TrainingError, match=r"vgg19-dcbb9e9d\.pth.*no connection.*--perceptual") as caught:
        picture_network([], tmp_path, silent)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
