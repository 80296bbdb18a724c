"""Published files on disk: read without running anything that is in them, imported into the user's weight folder.

Torch files are read with `weights_only`, which builds tensors, numbers and plain containers and refuses all else.
Nothing is downloaded.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facewire.base import weight_folder
from facewire.base.errors import ConfigError, OutputError, WeightsError
from facewire.base.files import check_output, sha256_of
from facewire.networks.manifest import Manifest, Provenance, write_manifest
from facewire.networks.published.checkpoints import LIVEPORTRAIT, ZK, ZLH, checked, recognise
from facewire.networks.relatives.families import family_of
from facewire.networks.weights import write_tensors

TORCH = (".pth", ".pt", ".tar", ".ckpt", ".bin")
SAFETENSORS = ".safetensors"
GRAPHS = (".onnx", ".engine", ".trt", ".plan")
"""ONNX graphs and what TensorRT makes of them."""
DECLARED = {"liveportrait": LIVEPORTRAIT, "zlh": ZLH, "sadtalker": ZLH, "zk": ZK}
"""What a user calls a family, and what its files look like."""
DEEPEST = 4
"""Levels of dictionaries in a file."""
DATA_PARALLEL = "module."


@dataclass(frozen=True, slots=True)
class Imported:
    """What was done.

    path      of the weights
    family    as recognised: zlh may turn out to be zlh-beta
    sources   SHA-256 of each file that was used, by name
    left_out  files without a network of this family, and what files hold besides
    """

    path: Path
    family: str
    sources: dict[str, str]
    left_out: tuple[str, ...]
    manifest: Manifest


def bring_in(
    declared: str,
    files: Sequence[Path],
    name: str,
    *,
    side: int | None = None,
    overwrite: bool = False,
    folder: Path | None = None,
) -> Imported:
    """Import published files as weights of the user's own.

    Args:
        declared: one of DECLARED.
        files: the files, or folders that hold them.
        name: what `--weights` will call them.
        side: of the pictures that the networks read; None is the family's own.
        overwrite: replace weights of this name.
        folder: where they go; None is the user's weight folder.

    Raises:
        ConfigError: an unknown family, an impossible name or side, or no home folder.
        WeightsError: the files do not make a model of the family; says what is missing or strange.
        OutputError: they cannot be written, or are there already.
    """
    path = _target(declared, name, side, folder)
    if path.exists():
        check_output(path, overwrite=overwrite)
    parts: dict[str, dict[str, Tensor]] = {}
    owners: dict[str, Path] = {}
    left_out: list[str] = []
    refused: WeightsError | None = None
    alone = len(files) == 1 and files[0].is_dir()
    for file in _every(files):
        try:
            found = recognise(read(file), str(file))
            if found.family != DECLARED[declared]:
                raise WeightsError(file, f"belongs to {found.family}, not to {declared}: leave it out")
        except WeightsError as problem:
            if not alone:
                raise
            left_out.append(str(problem))
            refused = refused or problem
            continue
        if twice := sorted(parts.keys() & found.parts.keys()):
            raise WeightsError(
                file, f"holds {', '.join(twice)} as {owners[twice[0]]} does: name the files to take"
            )
        parts |= found.parts
        owners |= dict.fromkeys(found.parts, file)
        left_out += [f"{file}: {part} is not used" for part in found.ignored]
    if refused is not None and not parts:
        raise refused
    config, tensors = checked(parts, declared, ", ".join(str(file) for file in files), side)
    sources = {file.name: sha256_of(file) for file in dict.fromkeys(owners.values())}
    family = family_of(str(config["family"]))
    _make_folder(path.parent)
    # The family belongs to the file, for others read the same numbers differently: so its hash tells them apart.
    write_tensors(path, tensors, {"family": family.name, "side": str(side or family.picture)})
    manifest = Manifest(
        preset=family.name,
        config={**config, "sources": sources, "conventions": asdict(family)},
        sha256=sha256_of(path),
        provenance=Provenance(
            steps=0, licence=family.licence, notes=f"imported; published at {family.origin}"
        ),
    )
    write_manifest(path, manifest)
    return Imported(path, family.name, sources, tuple(left_out), manifest)


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by key; nested names are joined by dots, data-parallel prefixes are gone.

    Raises:
        WeightsError: it cannot be read, or holds more than tensors and plain containers.
    """
    if path.suffix.lower() in GRAPHS:
        raise WeightsError(
            path,
            "is a graph for one runtime, norms folded into convolutions and most names of tensors lost: give the "
            f"{' or '.join((TORCH[0], SAFETENSORS))} files it was made from (facewire import --help)",
        )
    try:
        if path.suffix == SAFETENSORS:
            return {key.removeprefix(DATA_PARALLEL): tensor for key, tensor in load_file(path).items()}
        held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        said = next((line for line in str(problem).splitlines() if "GLOBAL" in line or "global" in line), "")
        raise WeightsError(
            path, f"holds more than tensors and is not loaded: get it from its origin ({said.strip()[:120]})"
        ) from problem
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, SafetensorError) as problem:
        raise WeightsError(
            path, f"cannot be read as weights ({str(problem).splitlines()[0][:120]})"
        ) from problem
    if not isinstance(held, Mapping):
        raise WeightsError(path, f"holds a {type(held).__name__}, not tensors by name")
    return dict(_flat(held, ""))


def _flat(held: Mapping[object, object], prefix: str, depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    for key, value in held.items():
        name = prefix + str(key).removeprefix(DATA_PARALLEL)
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, Mapping) and depth < DEEPEST and not str(key).startswith("optimizer"):
            yield from _flat(value, f"{name}.", depth + 1)


def _every(files: Sequence[Path]) -> Iterator[Path]:
    for file in files:
        if not file.is_dir():
            yield file
            continue
        known = (*TORCH, SAFETENSORS, *GRAPHS)
        inside = sorted(path for path in file.rglob("*") if path.suffix in known)
        if not inside:
            raise WeightsError(file, f"no {', '.join((*TORCH, SAFETENSORS))} in this folder: check the path")
        yield from inside


def _target(declared: str, name: str, side: int | None, folder: Path | None) -> Path:
    if declared not in DECLARED:
        raise ConfigError("family", declared, f"one of {', '.join(DECLARED)}")
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name) or name.startswith("."):
        raise ConfigError("name", name, "letters, digits, -, _ and .")
    if side is not None and (side % 128 or not 128 <= side <= 1024):
        raise ConfigError("side", side, "a multiple of 128 up to 1024")
    place = folder or weight_folder.folder()
    if place is None:
        raise ConfigError("weights", name, f"a home folder, or set {weight_folder.VARIABLE} to a folder")
    return place / f"{name}.safetensors"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(folder, f"cannot be made ({problem.strerror})") from problem
