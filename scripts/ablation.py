"""Train and measure every variant of the ablation (paper Table 5) and the paper's rival, all on equal pairs.

    python scripts/ablation.py --data clips/ --nets nets/ -o ablation/

DIR has `train/` and `val/`. All variants are trained for the same number of steps by their recipes (facewire train
ablation-full ...) into OUT/NAME/, the full model once more with another seed. Where a variant has H, it begins with
the H of --pose, but for delta: the paper's learns from a pose network that is trained already, and a variant that
does not yet know R and t learns nothing else. After each round all are looked at:
only when every one of them has an L1 at least --margin under that of the source picture repeated is the training
over, else all go on for another round. Then `facewire evaluate ablation` measures them into OUT/report/.

Stopped at any moment, the same command goes on; what is finished is not done again. OUT/rounds.json has what every
round found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from facewire.animation.animator import Animator
from facewire.base.files import read_json, write_json
from facewire.cli.main import main as facewire
from facewire.evaluation.measuring.clips import find_clips
from facewire.evaluation.measuring.gain import gain_of
from facewire.networks.manifest import Provenance, read_manifest
from facewire.networks.paper.ablation import ABLATION_PRESETS
from facewire.networks.presets import build_preset, preset_config
from facewire.networks.weights import load_model, save_weights

WEIGHTS = "weights.safetensors"
BEGINNING = "beginning.safetensors"


@dataclass(frozen=True, slots=True)
class Run:
    """One training: its folder's name, its preset, its seed."""

    name: str
    preset: str
    seed: int = 1


RUNS = (*(Run(name, name) for name in ABLATION_PRESETS), Run("ablation-full-seed-2", "ablation-full", 2))
"""Two seeds of the full model say what is noise."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train in rounds until all variants have learned to move, then measure."""
    given = _parser().parse_args(arguments)
    output = Path(given.output)
    output.mkdir(parents=True, exist_ok=True)
    runs = [run for run in RUNS if not given.only or run.name in given.only]
    for steps in _rounds(given.round, given.most, _begun(runs, output)):
        for run in runs:
            beginning(run, output / run.name, given.pose)
            code = _train(run, steps, output, given)
            if code:
                return code
        if _look(runs, steps, output, given) >= given.margin:
            break
    else:
        print(f"not all variants are {given.margin:.0%} under the source repeated after {given.most} steps")
    return 0 if given.train_only else _measure(runs, output, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="folder with train/ and val/")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder of runs and report")
    parser.add_argument("--nets", metavar="DIR", help="folder of the networks that some metrics need")
    parser.add_argument("--perceptual", nargs="+", default=[], metavar="FILE", help="as in facewire train")
    parser.add_argument("--cache", metavar="DIR", help="as in facewire train")
    parser.add_argument(
        "--pose", metavar="WEIGHTS", default="paper-128", help="whose H all begin with (default: paper-128)"
    )
    parser.add_argument(
        "--round", type=int, default=2500, metavar="N", help="steps of a round, 8 pairs each (default: 2500)"
    )
    parser.add_argument(
        "--most",
        type=int,
        default=20_000,
        metavar="N",
        help="steps after which nobody goes on (default: 20000)",
    )
    parser.add_argument(
        "--margin", type=float, default=0.2, metavar="SHARE", help="wanted of every variant (default: 0.2)"
    )
    names = [run.name for run in RUNS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="of the runs only these")
    parser.add_argument("--stride", metavar="S", default="4", help="as in facewire evaluate (default: 4)")
    parser.add_argument("--clips", metavar="N", help="as in facewire evaluate (default: all)")
    parser.add_argument("--train-only", action="store_true", help="leave the measuring out")
    return parser


def _begun(runs: Sequence[Run], output: Path) -> int:
    """Return the steps of the run that is furthest: nobody may stop before the others are there too."""
    weights = [output / run.name / WEIGHTS for run in runs]
    return max((read_manifest(path).provenance.steps for path in weights if path.is_file()), default=0)


def _rounds(length: int, most: int, begun: int) -> range:
    """Return the steps at the ends of the rounds still to be done, the one that was begun first."""
    first = max(length, -(-begun // length) * length)
    return range(first, max(most, first) + 1, length)


def beginning(run: Run, folder: Path, pose: str) -> None:
    """Write the weights that a run begins with, once: random ones of its seed, and what H knows of R and t."""
    path = folder / BEGINNING
    if path.is_file():
        return
    torch.manual_seed(run.seed)
    state = build_preset(run.preset).state_dict()
    donor = load_model(pose)[0].state_dict()
    for prefix in ("head.", "head.head."):
        known = {
            prefix + name.removeprefix("head."): tensor for name, tensor in donor.items() if _tells_pose(name)
        }
        if known.keys() <= state.keys():
            state |= known
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(path, state, run.preset, preset_config(run.preset), Provenance(steps=0))


def _tells_pose(name: str) -> bool:
    return name.startswith("head.") and not name.startswith("head.expression.")


def _train(run: Run, steps: int, output: Path, given: argparse.Namespace) -> int:
    asked = ["--steps", str(steps), "--seed", str(run.seed), "--init", str(output / run.name / BEGINNING)]
    asked += ["--cache", given.cache] if given.cache else []
    asked += ["--perceptual", *given.perceptual] if given.perceptual else []
    return facewire(["train", run.preset, "--data", given.data, "-o", str(output / run.name), *asked])


def _look(runs: Sequence[Run], steps: int, output: Path, given: argparse.Namespace) -> float:
    """Write down how far each run is under the source repeated; return the least."""
    clips = find_clips(Path(given.data), None if given.clips is None else int(given.clips))
    gains = {run.name: gain_of(Animator.load(output / run.name / WEIGHTS), clips).share for run in runs}
    for name, share in gains.items():
        print(f"{steps} steps, {name}: L1 {share:.1%} under the source repeated", flush=True)
    record = output / "rounds.json"
    rounds = read_json(record) if record.is_file() else {}
    write_json(record, {**rounds, str(steps): gains})
    return min(gains.values())


def _measure(runs: Sequence[Run], output: Path, given: argparse.Namespace) -> int:
    weights = [str(output / run.name / WEIGHTS) for run in runs]
    options = ["--nets", given.nets] if given.nets else []
    options += ["--clips", given.clips] if given.clips else []
    # One look each: the second one knows models of two steps only, and would not judge the networks alone.
    where = ["--data", given.data, "-o", str(output / "report"), "--stride", given.stride, "--looks", "1"]
    return facewire(["evaluate", "ablation", "--weights", *weights, *where, *options])


if __name__ == "__main__":
    sys.exit(main())
