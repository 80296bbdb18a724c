"""What this machine has for running Facewire; the answer of `facewire doctor`. Nothing here raises."""

from __future__ import annotations

import importlib.util
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from facewire import __version__
from facewire.base import cache
from facewire.base.errors import FacewireError
from facewire.base.processors import processors
from facewire.engines.choice import AUTO, OPENVINO, TORCH, Finding, choose, findings
from facewire.engines.fastest import chosen, compared, known
from facewire.engines.pace import frame_seconds
from facewire.engines.pace import said as said_pace
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.manifest import resolve
from facewire.networks.weights import load_model

EXTRAS = (
    ("call", "aiortc", "live calls"),
    ("train", "tensorboard", "curves while training"),
    ("demo", "skimage", "the picture of make demo and of facewire bench"),
    ("eval", "matplotlib", "the pages of facewire evaluate, compare and curves"),
    ("eval", "dlib", "the measure of identity"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Everything that `facewire doctor` tells."""

    facewire: str
    python: str
    system: str
    processor: str
    processors: int
    memory_gb: float
    engines: tuple[Finding, ...]
    extras: tuple[Finding, ...]
    weights: str
    engine: str
    reason: str
    formats: str
    """The receiver's number format, and what a convolution reaches in those that were compared at first use."""
    costs: str
    cache: str
    usable: bool
    """True if pictures can be made with these weights."""


def examine(weights: str | Path) -> Health:
    """Return what was found."""
    said, compact, usable = _weights(weights)
    choice = choose(AUTO, compact=compact)
    return Health(
        facewire=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        processors=processors(),
        memory_gb=_memory_gb(),
        engines=findings(),
        extras=tuple(_extra(*extra) for extra in EXTRAS),
        weights=said,
        engine=choice.name,
        reason=choice.reason,
        formats=_formats() if choice.name == OPENVINO else "float32",
        costs=_costs(choice.name),
        cache=_cache(),
        usable=usable,
    )


def _weights(weights: str | Path) -> tuple[str, bool, bool]:
    """Return what to say about weights, whether they are compact, whether they can be used."""
    try:
        model, manifest = load_model(weights)
        file = resolve(weights)
    except FacewireError as problem:
        return str(problem), True, False
    compact = isinstance(model, CompactTalkingHead)
    said = f"{manifest.preset}, SHA-256 {manifest.sha256[:16]}, {file.stat().st_size / 1e6:.1f} MB"
    if not compact:
        said += f"; {said_pace(frame_seconds(model))} on this processor"
    return said, compact, True


def _formats() -> str:
    reached = known()
    if reached is None:
        return f"measured at first use: {' or '.join(compared())}"
    said = ", ".join(f"{name} {value:g} GFLOP/s" for name, value in reached.items())
    return f"{chosen(reached)}; a convolution reaches {said}, measured at first use"


def _costs(engine: str) -> str:
    if engine == TORCH:
        return "nothing beforehand; several times slower per frame than OpenVINO on an x86 processor"
    if engine == OPENVINO:
        return (
            "a few seconds once for compiling, 26 MB in the cache, no torch (half a minute, 30 MB more for weights "
            "of your own, then no torch per frame)"
        )
    return "half a minute once per set of weights for converting, 30 MB in the cache; then no torch per frame"


def _cache() -> str:
    place = cache.folder()
    problem = cache.obstacle(place)
    if place is None or problem is not None:
        return f"{place or 'none'}, nothing can be kept there ({problem}); {cache.ADVICE}"
    held = sum(_size(Path(folder, name)) for folder, _, names in os.walk(place) for name in names)
    return f"{place}, {held / 1e6:.0f} MB (delete it at any time)"


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:  # removed meanwhile
        return 0


def _extra(name: str, package: str, purpose: str) -> Finding:
    found = importlib.util.find_spec(package) is not None
    return Finding(name, found, purpose if found else f"{purpose}; pip install 'facewire[{name}]'")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 0.0
