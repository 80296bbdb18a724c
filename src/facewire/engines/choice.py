"""Which engine runs, and why: what is installed, what the processor can do, what was asked for."""

from __future__ import annotations

import importlib.util
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from facewire.base import cache
from facewire.base.errors import ConfigError, OutputError
from facewire.base.processors import processors
from facewire.engines import artefact
from facewire.engines.engine import Engine
from facewire.engines.fastest import fastest
from facewire.engines.graph_engine import GraphEngine
from facewire.engines.graphs.names import BY_FIRST_USE
from facewire.engines.openvino_runner import OpenVinoRunner, has_bfloat16
from facewire.engines.shipped_graphs import ShippedGraphs, shipped, shipped_faces
from facewire.face.backend import FaceNetworks
from facewire.networks.manifest import WeightsFile

if TYPE_CHECKING:
    from facewire.networks.presets import Model

AUTO, TORCH, OPENVINO, ONNXRUNTIME = "auto", "torch", "openvino", "onnxruntime"
ENGINES = (AUTO, TORCH, OPENVINO, ONNXRUNTIME)
X86 = ("x86_64", "amd64", "i686")


@dataclass(frozen=True, slots=True)
class Finding:
    """One engine on this machine.

    name    of the engine
    usable  True if it can run
    detail  its version and number format, or what is missing and how to get it
    """

    name: str
    usable: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine to use, why, and what a user should know besides, such as that nothing is kept in the cache."""

    name: str
    reason: str
    remark: str = ""


def findings() -> tuple[Finding, ...]:
    """Return every engine with what was found of it."""
    return tuple(finding(name) for name in ENGINES if name != AUTO)


def finding(name: str) -> Finding:
    """Return what was found of one engine; looking at one takes its library's time to load."""
    return {TORCH: _torch, OPENVINO: _openvino, ONNXRUNTIME: _onnxruntime}[name]()


def choose(wanted: str, device: str = "cpu", compact: bool = True) -> Choice:
    """Return which engine runs.

    Args:
        wanted: one of ENGINES.
        device: where pictures are made; anything but "cpu" is torch.
        compact: False for the paper's networks, which only torch runs.

    Raises:
        ConfigError: the wanted engine is unknown or cannot run here; the text says what to do.
    """
    if wanted not in ENGINES:
        raise ConfigError("engine", wanted, ", ".join(ENGINES))
    if wanted != AUTO:
        if wanted != TORCH and device != "cpu":
            raise ConfigError("engine", wanted, f"torch with --device {device}")
        if wanted != TORCH and not compact:
            raise ConfigError("engine", wanted, "torch: the paper's networks are too large for the others")
        if not (found := finding(wanted)).usable:
            raise ConfigError("engine", wanted, f"auto or torch, or install it: {found.detail}")
        return Choice(wanted, "asked for")
    if device != "cpu":
        return Choice(TORCH, f"--device {device}: only torch computes there")
    if not compact:
        return Choice(TORCH, "these networks run in torch only")
    openvino = finding(OPENVINO)
    if platform.machine().lower() in X86 and openvino.usable:
        return Choice(OPENVINO, f"fastest on x86 processors ({openvino.detail})")
    onnxruntime = finding(ONNXRUNTIME)
    if onnxruntime.usable:
        return Choice(ONNXRUNTIME, f"this processor is {platform.machine()}, OpenVINO is for x86")
    return Choice(TORCH, f"OpenVINO: {openvino.detail}; ONNX Runtime: {onnxruntime.detail}")


def open_engine(
    model: Model,
    weights_sha256: str,
    wanted: str = AUTO,
    *,
    threads: int | None = None,
    precision: str | None = None,
    compiled: bool = False,
    folder: Path | None = None,
) -> tuple[Engine, Choice]:
    """Return an engine for a loaded model, and why it is this one.

    Args:
        model: in evaluation mode, on its device.
        weights_sha256: its weights' fingerprint, from the manifest.
        wanted: one of ENGINES.
        threads: processors per call; None means all that this process may use.
        precision: of the receiver's convolutions, one of artefact.PRECISIONS; None takes what was measured to be
            the fastest with OpenVINO, float32 otherwise. "int8" is "int8-float32" where there is no bfloat16.
        compiled: with torch, compile the renderer at its first call.
        folder: a folder of `facewire export` to use instead of the cache.

    Raises:
        ConfigError: see `choose`; or the processor would have to emulate the number format.
        WeightsError: the folder is not an export of these weights.
        OutputError: graphs can be kept neither in the cache nor in a temporary folder; `auto` then takes torch.
    """
    from facewire.engines.graphs.exporting import cached
    from facewire.engines.torch_engine import TorchEngine
    from facewire.networks.compact.model import CompactTalkingHead

    device = next(model.parameters()).device.type
    choice = choose(wanted, device, isinstance(model, CompactTalkingHead))
    count = threads or processors()
    if choice.name == TORCH:
        return TorchEngine(
            model, reduced=precision not in (None, artefact.FLOAT32), compiled=compiled
        ), choice
    form = artefact.ONNX if choice.name == ONNXRUNTIME else artefact.OPENVINO
    number_format = _format(form, precision, count)
    given = None
    if folder is None and form == artefact.OPENVINO:
        given = shipped(weights_sha256, number_format, lambda: _arrays(model))
    if given is not None:
        return _on_shipped(given, choice, count)
    if folder is not None:
        exported = _matching(artefact.read(folder), form, weights_sha256)
    else:
        try:
            exported, remark = cached(model, weights_sha256, form, number_format)
        except OutputError as problem:
            if wanted != AUTO:
                raise
            return TorchEngine(model, compiled=compiled), Choice(TORCH, f"no room for graphs: {problem}")
        choice = replace(choice, remark=remark)
    if choice.name == ONNXRUNTIME:
        from facewire.engines.onnx_runner import OnnxRunner

        return GraphEngine(exported, OnnxRunner(exported, count), count), choice
    return _in_openvino(exported, count), choice


def open_shipped(
    weights: WeightsFile, wanted: str = AUTO, *, threads: int | None = None, precision: str | None = None
) -> tuple[Engine, Choice]:
    """Return OpenVINO on the graphs that come with the package for some weights (`comes_with_graphs`); no model is
    built for it. Arguments as for `open_engine`.

    Raises:
        ConfigError: see `choose`; or the processor would have to emulate the number format.
        WeightsError, HashMismatch: the weights are not those of their manifest.
    """
    choice, count, sha256 = choose(wanted), threads or processors(), weights.manifest.sha256
    weights.check()
    given = shipped(sha256, _format(artefact.OPENVINO, precision, count), weights.arrays)
    assert given is not None
    return _on_shipped(given, choice, count)


def face_networks(engine: Engine | None) -> FaceNetworks | None:
    """Return the face finder's networks beside an engine, in OpenVINO if that is what runs; None for torch."""
    return open_faces(engine.info.threads) if engine is not None and engine.info.name == OPENVINO else None


def open_faces(threads: int) -> FaceNetworks | None:
    """Return the face finder's networks in OpenVINO; None where no graphs come with the package."""
    if (graphs := shipped_faces()) is None:
        return None
    from facewire.engines.openvino_faces import OpenVinoFaces

    return OpenVinoFaces(graphs, threads)


def _on_shipped(given: ShippedGraphs, choice: Choice, threads: int) -> tuple[Engine, Choice]:
    place = cache.folder()
    problem = cache.obstacle(place)
    remark = "" if problem is None else artefact.not_kept(place, problem)
    return _in_openvino(given, threads), replace(choice, remark=remark)


def _in_openvino(graphs: artefact.Artefact, threads: int) -> Engine:
    runner = OpenVinoRunner(graphs, threads)
    runner.start(*(name for name in BY_FIRST_USE if name in graphs.graphs))
    return GraphEngine(graphs, runner, threads)


def _arrays(model: Model) -> dict[str, NDArray[Any]]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def _format(form: str, precision: str | None, threads: int) -> str:
    """Return the receiver's number format; see `open_engine`."""
    if form == artefact.ONNX:
        return precision or artefact.FLOAT32
    return _possible(precision) if precision else fastest(threads)


def _possible(precision: str) -> str:
    """Return a number format that OpenVINO computes well on this processor.

    Raises:
        ConfigError: it would emulate it, and take many times as long.
    """
    if has_bfloat16() or precision not in (artefact.BFLOAT16, artefact.INT8):
        return precision
    if precision == artefact.BFLOAT16:
        raise ConfigError("precision", precision, "float32 or int8; this processor has no bfloat16")
    return artefact.INT8_FLOAT32


def _matching(exported: artefact.Artefact, form: str, weights_sha256: str) -> artefact.Artefact:
    if exported.format != form:
        raise ConfigError("engine folder", str(exported.folder), f"an export in the format {form}")
    if exported.weights != weights_sha256:
        raise ConfigError(
            "engine folder", str(exported.folder), "an export of the same weights; export again"
        )
    return exported


def _torch() -> Finding:
    import torch

    devices = ["cpu"]
    if torch.cuda.is_available():
        devices.append(f"cuda ({torch.cuda.get_device_name()})")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return Finding(TORCH, True, f"{torch.__version__}, {', '.join(devices)}")


def _openvino() -> Finding:
    if importlib.util.find_spec("openvino") is None:
        return Finding(OPENVINO, False, "missing; pip install openvino")
    try:
        from facewire.engines.processor.openvino_format import version

        native = (
            "bfloat16 and 8-bit integers in hardware"
            if has_bfloat16()
            else "8-bit integers and float32; no bfloat16 in this processor"
        )
        return Finding(OPENVINO, True, f"{version()}, {native}")
    except (ImportError, RuntimeError, OSError) as problem:  # its libraries refuse this system
        return Finding(OPENVINO, False, f"installed but does not load ({problem}); pip install -U openvino")


def _onnxruntime() -> Finding:
    missing = [name for name in ("onnxruntime", "onnx") if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(ONNXRUNTIME, False, f"{' and '.join(missing)} missing; pip install 'facewire[onnx]'")
    try:
        from facewire.engines.onnx_runner import version

        return Finding(ONNXRUNTIME, True, f"{version()}, float32")
    except (ImportError, OSError) as problem:
        return Finding(ONNXRUNTIME, False, f"installed but does not load ({problem})")
