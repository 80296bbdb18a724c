"""facewire train: train a preset on a folder of clips."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.base import cache
from facewire.base.endings import ENDINGS, handled, once
from facewire.base.errors import OutputError
from facewire.cli import options, places
from facewire.cli.arguments import whole
from facewire.cli.progress import Lines, bar

if TYPE_CHECKING:
    import torch
    from tqdm import tqdm

    from facewire.data.clips import ClipSet
    from facewire.training.config import TrainConfig
    from facewire.training.machine.ranks import Ranks
    from facewire.training.run import FrozenNetworks
    from facewire.training.trainer import Progress, Trainer

PRESETS = (
    *("compact-256", "paper-256", "paper-512", "paper-128", "tiny"),
    *("ablation-full", "ablation-15-keypoints", "ablation-10-keypoints", "ablation-5-keypoints"),
    *("ablation-jacobians", "ablation-direct", "ablation-2d-warp", "ablation-fomm"),
)
INTERRUPTED = 130
DECODED = {"auto": None, "first": True, "live": False}

EXAMPLES = """examples:
  facewire train compact-256 --data clips/ -o run/ --fetch         again: goes on where it stopped
  facewire train compact-256 --data clips/ -o run/ --steps 30000
  facewire train paper-256 --data clips/ -o run/ --batch 16 --precision bf16
  facewire train paper-256 --data clips/ -o run/ --no-jacobians
  facewire train paper-512 --data shards512/ -o run512/ --init run/weights.safetensors
  facewire train compact-256 --data shards/ -o run/ --ranks 2      two CPU cores, or two GPUs
  torchrun --nnodes 4 --nproc-per-node 8 ... -m facewire.cli.main train paper-256 --data shards/ -o run/

data: shards made by facewire prepare, or square crops of one head each, DIR/train/*.mp4 or DIR/*.mp4; their labels
are read from ID.npz beside ID.mp4, or made by the built-in face finder. Ctrl-C saves and stops; the same command goes
on, also with another number of ranks. docs/training.md has the rest.

perceptual network: torchvision's vgg19-dcbb9e9d.pth, looked for in torch's own download folder; --fetch puts it
there (548 MB, once); --perceptual takes the file, or one or both of the small stand-ins."""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What was done."""

    weights: str
    preset: str
    steps: int
    finished: bool
    clips: int
    frames: int
    skipped: int
    perceptual: str
    precision: str
    ranks: int
    samples_per_s: float
    data_wait_share: float


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a model on a folder of clips",
        description="Train a model on a folder of clips. Repeating the command goes on with a stopped run.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("preset", metavar="PRESET", help=", ".join(PRESETS))
    parser.add_argument("--data", required=True, metavar="SHARDS|DIR", help="folder of shards or clips")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="RUN",
        help="folder for weights, checkpoint, previews, numbers",
    )
    parser.add_argument(
        "--steps", type=whole("steps", 1), metavar="N", help="steps in all (default: the preset's)"
    )
    parser.add_argument(
        "--batch", type=whole("batch", 1), metavar="N", help="pairs in a step (default: the preset's)"
    )
    parser.add_argument(
        "--seed", type=whole("seed", 0), metavar="N", help="of everything random (default: 1)"
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "bf16", "fp16", "fp32"),
        help="auto is bf16 where the processor computes in it (default: auto; tiny: fp32)",
    )
    parser.add_argument(
        "--perceptual",
        nargs="+",
        default=[],
        metavar="FILE",
        help="network of the perceptual loss (see below)",
    )
    parser.add_argument(
        "--fetch", action="store_true", help="download the network of the perceptual loss if it is not here"
    )
    parser.add_argument(
        "--face-perceptual", metavar="FILE", help="VGG-Face, compared as well (paper presets)"
    )
    parser.add_argument(
        "--init", metavar="NAME|FILE", help="weights to start from (not looked at when going on)"
    )
    parser.add_argument(
        "--no-jacobians", action="store_true", help="paper presets: the later revision, without Jacobians"
    )
    parser.add_argument(
        "--cache",
        metavar="DIR",
        help="folder for decoded clips (default: clips in the cache, see facewire doctor)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    options.add_thread_option(parser)
    _add_machine_options(parser)
    options.add_report_options(parser)
    places.declare(
        parser,
        places.Input("data", places.any_folder),
        places.Input("perceptual", places.network),
        places.Input("face_perceptual", places.network),
        places.Output("output", folder=True),
        places.Output("cache", folder=True),
    )
    parser.set_defaults(run=run)


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how a run is computed, not what."""
    parser.add_argument(
        "--ranks",
        type=whole("ranks", 1),
        default=1,
        metavar="N",
        help="processes on this machine that train together (default: 1)",
    )
    parser.add_argument(
        "--slices",
        type=whole("slices", 1),
        metavar="N",
        help="equal parts of a batch, shared out among the ranks; more than ranks adds up gradients one after the "
        "other (default: one for each rank)",
    )
    parser.add_argument(
        "--workers",
        type=whole("workers", 1),
        metavar="N",
        help="threads that prepare batches (default: 1 on a CPU, up to 16 on a GPU)",
    )
    parser.add_argument(
        "--decode",
        choices=tuple(DECODED),
        default="auto",
        help="shards: first decodes all clips into the cache, live decodes frames when they are drawn; auto is first "
        "up to 32 GB (default: auto)",
    )
    parser.add_argument("--compile", action="store_true", help="torch.compile the networks: minutes, once")


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.training.machine.ranks import joined_ranks, launched_ranks, local_device

    if given.ranks > 1 and launched_ranks() == 1:
        return launch(given.ranks)
    device = local_device(device_of(given.device))
    with joined_ranks(device) as ranks:
        return _run(given, device, ranks)


def launch(count: int) -> int:
    """Run this command once more, as `count` processes under torchrun."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    process = subprocess.Popen([*launcher, "-m", "facewire.cli.main", *sys.argv[1:]])
    with _passed_on(process) as came:
        code = process.wait()
    return INTERRUPTED if came else code


def _run(given: argparse.Namespace, device: torch.device, ranks: Ranks) -> int:
    """Train on this rank."""
    from facewire.training.run import check_run, open_run, resolution, stored_run

    given.quiet |= not ranks.first
    config = _config(given, ranks)
    side, folder = resolution(config), Path(given.output)
    stored = stored_run(folder, config)
    if stored is not None and stored.step >= config.steps:
        options.note(
            f"{folder} holds a finished run of {stored.step} steps, its weights are in weights.safetensors; "
            f"--steps N with N above {stored.step} goes on"
        )
        return 0
    init, faces = (given.init if stored is None else None), given.face_perceptual is not None
    check_run(config, device, ranks, faces=faces, init=init)
    bars = TrainBars(given.quiet)
    networks = networks_of(given, bars)
    with ranks.first_before_others():
        clips = clips_of(given, side, bars)
    for problem in clips.skipped if ranks.first else ():
        options.note(f"left out: {problem}")
    trainer = open_run(
        config,
        clips,
        networks,
        folder,
        device,
        init=given.init,
        stored=stored,
        ranks=ranks,
        workers=given.workers,
        compiled=given.compile,
    )
    if not given.quiet:
        _tell(trainer, device)
    with _gentle_stop() as stopped:
        finished = trainer.run(bars.steps(trainer), stopped)
    bars.close()
    if not ranks.first:
        return 0 if finished else INTERRUPTED
    if not finished:
        options.note(f"stopped after step {trainer.step} of {config.steps}; the same command goes on")
    report = _report(trainer, finished)
    options.show(report, given.json, lambda: [f"{report.weights}: {report.steps} of {config.steps} steps"])
    return 0 if finished else INTERRUPTED


def _config(given: argparse.Namespace, ranks: Ranks) -> TrainConfig:
    """Return the preset's recipe with what was asked for; a run keeps the slices that it was started with."""
    from facewire.training.recipes import recipe
    from facewire.training.run import stored_slices

    wanted = {name: getattr(given, name) for name in ("steps", "batch", "seed", "precision", "slices")}
    if wanted["slices"] is None:
        wanted["slices"] = stored_slices(Path(given.output)) or ranks.count
    wanted["jacobians"] = False if given.no_jacobians else None
    return replace(
        recipe(given.preset), **{name: value for name, value in wanted.items() if value is not None}
    )


def device_of(name: str) -> torch.device:
    """Return the device; auto is a GPU where there is one.

    Raises:
        ConfigError: this machine has no such device.
    """
    import torch

    from facewire.base.errors import ConfigError

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as problem:
        raise ConfigError("device", name, "a device that this machine has, such as cpu") from problem


def networks_of(given: argparse.Namespace, bars: TrainBars) -> FrozenNetworks:
    """Return the frozen networks of the loss.

    Raises:
        TrainingError: none was given, the published one is not here, and fetching it was not asked for.
    """
    import torch

    from facewire.base.errors import TrainingError
    from facewire.losses.feature_taps import VGG19_URL
    from facewire.training.objectives.frozen import face_network, picture_network
    from facewire.training.run import FrozenNetworks

    hub = Path(torch.hub.get_dir()).absolute() / "checkpoints"
    published = hub / VGG19_URL.rsplit("/", 1)[1]
    if not (given.perceptual or given.fetch or published.is_file()):
        raise TrainingError(
            f"no perceptual network: {published} is not there; --fetch gets it from {VGG19_URL} (548 MB), "
            "--perceptual FILE takes another"
        )
    picture = picture_network([Path(path) for path in given.perceptual], hub, bars)
    face = None if given.face_perceptual is None else face_network(Path(given.face_perceptual))
    return FrozenNetworks(picture, face)


def clips_of(given: argparse.Namespace, side: int, bars: TrainBars) -> ClipSet:
    """Return the clips of shards or of a folder, labelled; without a cache, decoded into a temporary folder."""
    if given.cache is not None:
        return _opened(given, side, bars, Path(given.cache))
    problems = []
    for place in dict.fromkeys((cache.of_user(), cache.folder())):
        problem = cache.obstacle(place)
        if place is not None and problem is None:
            try:
                return _opened(given, side, bars, place / "clips")
            except OutputError as error:  # such as a disk that became full
                problem = error.problem
        problems.append(f"{place or 'no cache'}: {problem}")
    options.note(f"{'; '.join(problems)}; clips are decoded anew each time, or choose a --cache")
    return _opened(given, side, bars, cache.temporary() / "clips")


def _opened(given: argparse.Namespace, side: int, bars: TrainBars, place: Path) -> ClipSet:
    """Return the clips, with a folder for what is decoded."""
    from facewire.data.clips import find_clips, open_clips
    from facewire.data.shard_clips import is_shards, open_shards

    folder = Path(given.data)
    if is_shards(folder):
        clips = open_shards(folder, place, side, decoded=DECODED[given.decode], progress=bars)
    else:
        clips = open_clips(find_clips(folder), place, side, bars)
    bars.close()
    return clips


def _tell(trainer: Trainer, device: torch.device) -> None:
    """Say what is about to happen."""
    from facewire.networks.presets import parameter_count

    model, config, clips = trainer.learner.model, trainer.config, trainer.clips
    free = sum(part.numel() for part in model.parameters() if part.requires_grad)
    kind = str(trainer.learner.precision).removeprefix("torch.")
    options.note(
        f"{config.preset}: {parameter_count(model):,} parameters, {free:,} of them trained, on {device} in {kind}"
    )
    skipped = f", {len(clips.skipped)} left out" if clips.skipped else ""
    options.note(f"{len(clips.clips)} clips, {clips.frames} frames, people unknown{skipped}")
    options.note(f"perceptual network: {trainer.perceptual}")
    if trainer.ranks.count > 1:
        options.note(f"{trainer.ranks.count} ranks share the {config.slices} slices of a batch")
    begin = f"going on after step {trainer.step}" if trainer.step else "starting"
    options.note(f"{begin}, {config.steps} steps of {config.batch} pairs, into {trainer.folder}")


def _report(trainer: Trainer, finished: bool) -> TrainReport:
    clips = trainer.clips
    return TrainReport(
        weights=str(trainer.weights),
        preset=trainer.config.preset,
        steps=trainer.step,
        finished=finished,
        clips=len(clips.clips),
        frames=clips.frames,
        skipped=len(clips.skipped),
        perceptual=trainer.perceptual,
        precision=str(trainer.learner.precision).removeprefix("torch."),
        ranks=trainer.ranks.count,
        samples_per_s=round(trainer.pace.samples_per_s, 3),
        data_wait_share=round(trainer.pace.data_wait_share, 4),
    )


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Leave it to the ranks to stop: Ctrl-C reaches them as well, other signals are passed on; yield which came."""
    came: list[int] = []

    def note(number: int) -> None:
        came.append(number)
        if number != signal.SIGINT:
            process.terminate()

    with handled((signal.SIGINT, *ENDINGS), note):
        yield came


@contextmanager
def _gentle_stop() -> Iterator[Callable[[], bool]]:
    """Yield a question whether Ctrl-C (or SIGTERM, or SIGHUP) came; the second one stops at once.

    Ranks may get one Ctrl-C twice, from the terminal and from torchrun: what comes soon after is the same.
    """
    came: list[int] = []

    def note(number: int) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        options.note("stopping after this step; press Ctrl-C again to stop without saving")

    with handled((signal.SIGINT, *ENDINGS), once(note)):
        yield lambda: bool(came)


class TrainBars:
    """Progress with time left, on standard error."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._open: dict[str, tqdm[Any] | Lines] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Show how far a stage is: clips, frames of a clip, or bytes of a download."""
        if self._quiet:
            return
        if stage not in self._open:
            unit = {"clips": "clip", "download": "B"}.get(stage, "frame")
            self._open[stage] = bar(stage, unit, total, leave=False)
        shown = self._open[stage]
        shown.update(done - shown.n)
        if done == total:
            self._open.pop(stage).close()

    def steps(self, trainer: Trainer) -> Progress | None:
        """Return what shows the steps of a run."""
        if self._quiet:
            return None
        config = trainer.config
        shown = self._open["steps"] = bar(config.preset, "step", config.steps, trainer.step)

        def show(step: int, numbers: dict[str, float]) -> None:
            shown.set_postfix(loss=f"{numbers['total']:.3f}", refresh=False)
            shown.update(step - shown.n)

        return show

    def close(self) -> None:
        """End what is open."""
        while self._open:
            self._open.popitem()[1].close()
