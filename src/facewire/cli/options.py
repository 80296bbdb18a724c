"""Options that several commands share, and how results and progress are shown."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from facewire.base import processors
from facewire.cli.arguments import whole
from facewire.cli.progress import Lines, bar

if TYPE_CHECKING:
    from tqdm import tqdm

    from facewire.animation.animator import Animator
    from facewire.animation.driving import RecordedMotion
    from facewire.animation.view import ViewPath
    from facewire.engines.choice import Choice


CRF, MOST_CRF = 18, 51
"""Quality of videos as x264 counts it, 0 is best: usual and worst."""


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add --weights, --device and the output options."""
    add_weights_options(parser)
    add_report_options(parser)


def add_weights_options(parser: argparse.ArgumentParser) -> None:
    """Add --weights, --device and --threads, for commands whose networks compute."""
    parser.add_argument(
        "--weights",
        default="compact-256",
        metavar="NAME|FILE",
        help="published name or file (default: compact-256)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    add_thread_option(parser)


def add_thread_option(parser: argparse.ArgumentParser) -> None:
    """Add --threads, for commands that compute."""
    parser.add_argument(
        "--threads", type=int, metavar="N", help="processors to compute with (default: all that it may use)"
    )


def use_threads(given: argparse.Namespace) -> None:
    """Compute with as many threads as were asked for, here and in processes that are started.

    Raises:
        ConfigError: fewer than one.
    """
    count: int | None = getattr(given, "threads", None)
    processors.use(count)
    if count is None:
        return
    from facewire.base.errors import ConfigError

    if count < 1:
        raise ConfigError("threads", count, "a whole number of 1 or more")
    processors.limit_torch(count)


def add_engine_option(parser: argparse.ArgumentParser) -> None:
    """Add --engine."""
    parser.add_argument(
        "--engine",
        default=os.environ.get("FACEWIRE_ENGINE", "auto"),
        metavar="auto|torch|openvino|onnxruntime",
        help="what computes; auto takes the fastest one here, facewire doctor tells which and why "
        "(default: FACEWIRE_ENGINE, else auto)",
    )


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add --json and --quiet."""
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing of progress")


def add_source_options(parser: argparse.ArgumentParser, *, everyone: bool = False) -> None:
    """Add how the head of a photo is found; `everyone` lets --face take all of them."""
    add_crop_option(parser)
    parser.add_argument(
        "--face",
        type=_face if everyone else whole("face", 0),
        default=0,
        metavar="N[,N...]|all" if everyone else "N",
        help="which face of the photo, 0 is the most prominent: large, whole, from the front (default: 0)"
        + ("; several, or all, move alike" if everyone else ""),
    )


def _face(text: str) -> int | str | tuple[int, ...]:
    if text == "all":
        return text
    numbers = tuple(whole("face", 0)(part) for part in text.split(","))
    return numbers[0] if len(numbers) == 1 else tuple(dict.fromkeys(numbers))


def add_crop_option(parser: argparse.ArgumentParser) -> None:
    """Add --crop."""
    parser.add_argument(
        "--crop",
        choices=("auto", "none"),
        default="auto",
        help="auto finds the head and cuts a square; none takes square head crops as they are (default: auto)",
    )


def add_driving_face(parser: argparse.ArgumentParser, *more: str) -> None:
    """Add --driving-face, under further names too."""
    parser.add_argument(
        "--driving-face",
        *more,
        dest="driving_face",
        type=whole("driving face", 0),
        default=0,
        metavar="N",
        help="which person of the video, 0 is the most prominent; where a shot has fewer people, its last "
        "(default: 0)",
    )


def add_quality_option(parser: argparse.ArgumentParser) -> None:
    """Add --crf."""
    parser.add_argument(
        "--crf",
        type=whole("crf", 0, MOST_CRF),
        metavar="N",
        help=f"quality of the output, 0 best to {MOST_CRF}; .gif has none (default: {CRF})",
    )


def add_colour_option(parser: argparse.ArgumentParser) -> None:
    """Add --full-colour."""
    parser.add_argument(
        "--full-colour",
        action="store_true",
        help="the colours of all pixels (4:4:4) in .mp4, .mov, .mkv and .webm; not every player shows it",
    )


def quality_of(given: argparse.Namespace) -> int:
    """Return the quality of the output; say so where it changes nothing."""
    if given.crf is not None and given.output.lower().endswith(".gif"):
        note(f"{given.output}: --crf changes nothing, a GIF has no quality to choose")
    crf: int = CRF if given.crf is None else given.crf
    return crf


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """Add the free-view angles."""
    for axis, positive in (("yaw", "nose to the right"), ("pitch", "nose up"), ("roll", "clockwise")):
        parser.add_argument(
            f"--{axis}",
            default="0",
            metavar="DEG[:DEG...]",
            help=f"turn the head, {positive} is positive; -30:30 sweeps along the clip",
        )


def view_of(given: argparse.Namespace) -> ViewPath:
    """Return the free view that was asked for."""
    from facewire.animation.view import ViewPath, parse_angles

    return ViewPath(*(parse_angles(getattr(given, axis)) for axis in ("yaw", "pitch", "roll")))


def animator_of(given: argparse.Namespace) -> Animator:
    """Load the weights that were asked for.

    Raises:
        ConfigError: the device is not there.
    """
    from facewire.animation.animator import Animator

    if given.device != "cpu":
        _check_device(given.device)
    animator = Animator.named(given.weights, given.device)
    if animator.foreign is not None and not getattr(given, "quiet", False):
        from facewire.engines.pace import frame_seconds, said

        note(f"{animator.manifest.preset} on {given.device}: {said(frame_seconds(animator.foreign))}")
    return animator


def _check_device(name: str) -> None:
    """Raise ConfigError unless torch computes on a device."""
    import torch

    from facewire.base.errors import ConfigError

    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as problem:
        raise ConfigError("device", name, "a device that this machine has, such as cpu") from problem


def open_ahead(given: argparse.Namespace) -> None:
    """Begin to open the engine that will be asked for, beside all that has to be imported until then."""
    from facewire.engines.ahead import begin

    if given.device == "cpu":
        begin(given.weights, given.engine)


def use_engine(given: argparse.Namespace, animator: Animator) -> None:
    """Let the engine compute that was asked for; auto takes torch where graphs would have to be exported first."""
    if given.engine == "auto" and not animator.opens_at_once(given.engine):
        return
    choice = animator.use(given.engine)
    if choice.remark:
        note(choice.remark)


def tell_engine(choice: Choice, quiet: bool = False) -> None:
    """Say which engine computes, and what a user should know of it in any case."""
    if not quiet:
        note(f"engine {choice.name}: {choice.reason}")
    if choice.remark:
        note(choice.remark)


def check_keypoints(count: int | str | None, animator: Animator) -> None:
    """Raise ConfigError if more keypoints are asked for than the model has."""
    from facewire.base.errors import ConfigError

    if isinstance(count, int) and not 1 <= count <= animator.keypoints:
        raise ConfigError("keypoints", count, f"1 to {animator.keypoints}")


def check_engine(wanted: str, animator: Animator) -> None:
    """Raise ConfigError if an engine is unknown or cannot run these networks here; nothing is exported yet."""
    from facewire.engines.choice import choose

    choose(wanted, animator.device.partition(":")[0], animator.compact)


def relative_of(asked: bool | None, frames: int | None, driving: str, *, rests: bool = False) -> bool:
    """Return whether motion is carried over as changes: a single picture has none, and is taken as it is.

    Args:
        asked: True or False if a person said so, None if nobody did.
        frames: of the driver; None if not known.
        driving: its name.
        rests: the model knows a face at rest, from which a single picture's expression is counted.
    """
    if frames != 1:
        return asked is not False
    if asked and rests:
        note(
            f"{driving}: a single picture; its expression is counted from a face at rest, its pose is left out"
        )
    elif asked:
        note(f"{driving}: a single picture has no changes to carry over: the result is as the source is")
    elif asked is None:
        note(f"{driving}: a single picture; its pose and expression are taken as they are (--absolute)")
    return bool(asked)


class Bars:
    """Progress with time left, one stage after the other, on standard error."""

    def __init__(self, quiet: bool, unit: str = "frame") -> None:
        self.quiet = quiet
        self.unit = unit
        self._bar: tqdm[Any] | Lines | None = None
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Show how many units of a stage are done."""
        if self.quiet:
            return
        if self._bar is None or stage != self._stage:
            self.close()
            self._bar = bar(stage, self.unit, total)
            self._stage = stage
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the current bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def show(report: Any, as_json: bool, lines: Callable[[], list[str]]) -> None:
    """Print a report (a dataclass) as JSON, or as lines for people."""
    if as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        for line in lines():
            print(line)


def note_driving(video: str, recorded: RecordedMotion, face: int) -> None:
    """Tell how many people and shots a driving video shows, where that is more than one."""
    if recorded.people > 1:
        note(f"{video}: {recorded.people} people, number {face} taken; --driving-face N picks another")
    if recorded.shots > 1:
        note(f"{video}: {recorded.shots} shots, each with its own square and its own reference")


def note(text: str) -> None:
    """Tell a person something on standard error."""
    print(f"facewire: {text}", file=sys.stderr)
