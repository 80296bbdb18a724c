"""Which engine runs, and why: what is installed, what the processor can do, what was asked for."""

from __future__ import annotations

import importlib.util
import platform
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from facewire.base.errors import ConfigError, OutputError
from facewire.base.processors import processors
from facewire.engines import artefact
from facewire.engines.engine import Engine
from facewire.engines.graph_engine import GraphEngine
from facewire.engines.torch_engine import TorchEngine
from facewire.networks.compact.model import CompactTalkingHead
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
    return (_torch(), _openvino(), _onnxruntime())


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
    found = {finding.name: finding for finding in findings()}
    if wanted != AUTO:
        if wanted != TORCH and device != "cpu":
            raise ConfigError("engine", wanted, f"torch with --device {device}")
        if wanted != TORCH and not compact:
            raise ConfigError("engine", wanted, "torch: the paper's networks are too large for the others")
        if not found[wanted].usable:
            raise ConfigError("engine", wanted, f"auto or torch, or install it: {found[wanted].detail}")
        return Choice(wanted, "asked for")
    if device != "cpu":
        return Choice(TORCH, f"--device {device}: only torch computes there")
    if not compact:
        return Choice(TORCH, "the paper's networks run in torch only")
    if platform.machine().lower() in X86 and found[OPENVINO].usable:
        return Choice(OPENVINO, f"fastest on x86 processors ({found[OPENVINO].detail})")
    if found[ONNXRUNTIME].usable:
        return Choice(ONNXRUNTIME, f"this processor is {platform.machine()}, OpenVINO is for x86")
    return Choice(TORCH, f"OpenVINO: {found[OPENVINO].detail}; ONNX Runtime: {found[ONNXRUNTIME].detail}")


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
        precision: of the receiver's convolutions, "float32", "bfloat16" or "int8"; None takes what the
            processor does best with OpenVINO, float32 otherwise.
        compiled: with torch, compile the renderer at its first call.
        folder: a folder of `facewire export` to use instead of the cache.

    Raises:
        ConfigError: see `choose`.
        WeightsError: the folder is not an export of these weights.
        OutputError: graphs can be kept neither in the cache nor in a temporary folder; `auto` then takes torch.
    """
    device = next(model.parameters()).device.type
    choice = choose(wanted, device, isinstance(model, CompactTalkingHead))
    count = threads or processors()
    if choice.name == TORCH:
        return TorchEngine(model, reduced=precision not in (None, "float32"), compiled=compiled), choice
    form = artefact.ONNX if choice.name == ONNXRUNTIME else artefact.OPENVINO
    if folder is not None:
        exported = _matching(artefact.read(folder), form, weights_sha256)
    else:
        try:
            exported, remark = artefact.cached(
                model, weights_sha256, form, precision or _best_precision(choice.name)
            )
        except OutputError as problem:
            if wanted != AUTO:
                raise
            return TorchEngine(model, compiled=compiled), Choice(TORCH, f"no room for graphs: {problem}")
        choice = replace(choice, remark=remark)
    if choice.name == ONNXRUNTIME:
        from facewire.engines.onnx_runner import OnnxRunner

        return GraphEngine(exported, OnnxRunner(exported, count), count), choice
    from facewire.engines.openvino_runner import OpenVinoRunner

    return GraphEngine(exported, OpenVinoRunner(exported, count), count), choice


def _best_precision(engine: str) -> str:
    if engine != OPENVINO:
        return "float32"
    from facewire.engines.openvino_runner import has_bfloat16

    return artefact.INT8 if has_bfloat16() else "float32"  # who has the one multiplies bytes as well


def _matching(exported: artefact.Artefact, form: str, weights_sha256: str) -> artefact.Artefact:
    if exported.format != form:
        raise ConfigError("engine folder", str(exported.folder), f"an export in the format {form}")
    if exported.weights != weights_sha256:
        raise ConfigError(
            "engine folder", str(exported.folder), "an export of the same weights; export again"
        )
    return exported


def _torch() -> Finding:
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
        from facewire.engines.openvino_format import version
        from facewire.engines.openvino_runner import has_bfloat16

        native = (
            "bfloat16 and 8-bit integers in hardware"
            if has_bfloat16()
            else "float32; no bfloat16 in this processor"
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
