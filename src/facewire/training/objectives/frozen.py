"""Finding the frozen networks of the perceptual term.

given files      torchvision's VGG-19, or the stand-ins, told apart by their tensor names
nothing given    torchvision's file where torch keeps such files, else its published address
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from facewire.base.errors import FacewireError, TrainingError, WeightsError
from facewire.base.files import atomic_output
from facewire.losses.feature_taps import (
    VGG19_SHA256_PREFIX,
    VGG19_URL,
    DistilledVgg19,
    FeatureTaps,
    JoinedTaps,
    ShallowVgg19,
    Vgg19,
    VggFace,
)
from facewire.networks.tensor_files import read_safetensors

TIMEOUT_S = 30.0
"""How long a silent server is waited for."""
PIECE = 1 << 20
"""Bytes read at once."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how far, and the end where it is known."""


def picture_network(paths: Sequence[Path], folder: Path, progress: Progress) -> FeatureTaps:
    """Return the network that the perceptual term compares pictures with.

    Args:
        paths: torchvision's VGG-19, one stand-in, or both stand-ins; none looks in `folder`.
        folder: where torch keeps downloaded weights.
        progress: told about a download, in bytes.

    Raises:
        WeightsError: a file is missing or none of these networks.
        TrainingError: none was given and VGG-19 cannot be had.
    """
    if not paths:
        return Vgg19.load(_published(folder, progress))
    taps = [_network(path) for path in paths]
    if len(taps) == 1:
        return taps[0]
    by_kind = {type(tap): tap for tap in taps}
    shallow, distilled = by_kind.get(ShallowVgg19), by_kind.get(DistilledVgg19)
    if len(taps) != 2 or not isinstance(shallow, ShallowVgg19) or not isinstance(distilled, DistilledVgg19):
        raise TrainingError("--perceptual takes one network, or the two stand-ins together")
    return JoinedTaps(shallow, distilled)


def face_network(path: Path) -> FeatureTaps:
    """Return the optional face network of the perceptual term.

    Raises:
        WeightsError: the file is missing or not VGG-Face.
    """
    return VggFace.load(path)


def _network(path: Path) -> FeatureTaps:
    if path.suffix != ".safetensors":
        return Vgg19.load(path)
    tensors = read_safetensors(path)
    if "conv11.weight" in tensors:
        return DistilledVgg19(tensors, path)
    if "features.0.weight" in tensors:
        return ShallowVgg19(tensors, path)
    raise WeightsError(path, "is no perceptual network: give torchvision's VGG-19 or one of the stand-ins")


def _published(folder: Path, progress: Progress) -> Path:
    """Return torchvision's file, downloaded where it is not in `folder` yet."""
    target = folder / VGG19_URL.rsplit("/", 1)[1]
    if target.is_file():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _download(target, progress)
    except (OSError, HTTPException, FacewireError) as problem:
        raise TrainingError(
            f"no perceptual network: {target} is not there and {VGG19_URL} cannot be had ({problem}): "
            "get it and pass it with --perceptual FILE"
        ) from problem
    return target


def _download(target: Path, progress: Progress) -> None:
    """Fetch the published file; it takes its name only when its hash is right."""
    with atomic_output(target) as temporary, temporary.open("wb") as stream:
        digest, done = hashlib.sha256(), 0
        with urlopen(VGG19_URL, timeout=TIMEOUT_S) as answer:
            total = answer.headers.get("Content-Length")
            while piece := answer.read(PIECE):
                stream.write(piece)
                digest.update(piece)
                done += len(piece)
                progress("download", done, int(total) if total else None)
        if not digest.hexdigest().startswith(VGG19_SHA256_PREFIX):
            raise TrainingError("its bytes are not the published ones")
