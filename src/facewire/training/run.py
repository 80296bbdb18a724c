"""Putting a run together: settings, clips and frozen networks become a `Trainer`, new or going on.

stored_run(folder, config)   is there a run already, and is it this one?   before anything takes time
open_run(...)                model, losses, critic, averaged weights; restored where there was one
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from facewire.base.errors import ConfigError, OutputError, TrainingError
from facewire.base.files import write_advice
from facewire.data.clips import ClipSet
from facewire.face.networks.attention import load_attention_mesh
from facewire.face.networks.matte import load_person_matte
from facewire.face.networks.mesh import load_face_mesh
from facewire.losses.feature_taps import FeatureTaps, pad_with_zeros
from facewire.losses.perceptual import PerceptualLoss
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.manifest import COMPACT, resolve
from facewire.networks.paper import config as paper
from facewire.networks.paper.discriminator import Discriminator
from facewire.networks.presets import Model, build_preset, preset_config
from facewire.networks.weights import check_fit, fill, load_model
from facewire.training.checkpoint import Checkpoint, load_record, load_tensors, step_folder, stored_steps
from facewire.training.config import PerceptualConfig, TrainConfig
from facewire.training.learner import Learner
from facewire.training.machine.ranks import ALONE, Ranks
from facewire.training.objectives.compact import CRITIC_BASE, JUDGED_CHANNELS, CompactObjective
from facewire.training.objectives.critic import Critic
from facewire.training.objectives.objective import Objective
from facewire.training.objectives.paper import PaperObjective
from facewire.training.precision import compute_type
from facewire.training.trainer import Trainer

FACE_SCALES = PerceptualConfig(scales=1)
"""The face network sees full pictures only (spec section 4, term 1)."""
LEAST_DEPTH = 8
"""Cells along z that bfloat16 training on a CPU needs, see `_precision`."""


@dataclass(frozen=True, slots=True)
class FrozenNetworks:
    """What the perceptual term compares features of: a picture network, and a face network where there is one."""

    picture: FeatureTaps
    face: FeatureTaps | None = None

    @property
    def name(self) -> str:
        """Which networks they are, for logs, checkpoints and manifests."""
        return self.picture.name if self.face is None else f"{self.picture.name} + {self.face.name}"


def stored_run(folder: Path, config: TrainConfig) -> Checkpoint | None:
    """Return the checkpoint of a folder, None where there is none yet; the folder is made.

    Raises:
        OutputError: the folder cannot be made.
        WeightsError: its checkpoint is not one of this version.
        TrainingError: it holds a run with other settings.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(folder, write_advice(problem)) from problem
    steps = stored_steps(folder)
    if not steps:
        return None
    checkpoint = load_record(step_folder(folder, steps[0]))
    differences = config.differences(checkpoint.config)
    if differences:
        raise TrainingError(
            f"{folder} holds a run with other settings ({'; '.join(differences)}): "
            "repeat its command, or give another folder with -o"
        )
    return replace(checkpoint, tensors=load_tensors(step_folder(folder, steps[0])))


def stored_slices(folder: Path) -> int | None:
    """Return into how many slices the run in a folder cuts its batches; None where there is no run.

    Raises:
        WeightsError: its checkpoint is not one of this version.
    """
    steps = stored_steps(folder)
    return load_record(step_folder(folder, steps[0])).config.slices if steps else None


def check_run(
    config: TrainConfig, device: torch.device, ranks: Ranks, *, faces: bool, init: str | None
) -> None:
    """Refuse what `open_run` would refuse whatever the clips are; labelling them takes long.

    Args:
        config: the run's settings.
        device: where it computes.
        ranks: who else trains.
        faces: whether faces are to be compared as well.
        init: weights to start from; None looks at none.

    Raises:
        ConfigError, TrainingError, WeightsError: as `open_run`.
    """
    _precision(config, device)
    ranks.slices(config.slices)
    if faces:
        _refuse_faces(config)
    if init is not None:
        with torch.random.fork_rng(devices=[]):
            model = build_preset(
                config.preset, preset_config(config.preset, jacobians=config.jacobians) or None
            )
        check_fit(model, load_model(init)[0].state_dict(), resolve(init))


def open_run(
    config: TrainConfig,
    clips: ClipSet,
    networks: FrozenNetworks,
    folder: Path,
    device: torch.device,
    *,
    init: str | None = None,
    stored: Checkpoint | None = None,
    ranks: Ranks = ALONE,
    workers: int | None = None,
    compiled: bool = False,
) -> Trainer:
    """Return a run, ready to train.

    Args:
        config: its settings.
        clips: its data, at the model's resolution.
        networks: of the perceptual term, on the CPU.
        folder: where it writes.
        device: where it computes.
        init: weights to start from, a published name or a file; None starts as `start` does.
        stored: the checkpoint to go on from; `init` is not looked at then.
        ranks: who else trains this model.
        workers: threads that prepare batches; None chooses.
        compiled: whether torch.compile makes the networks faster, after minutes of work.

    Raises:
        ConfigError: the precision is not possible for this model on this device, or the slices of a batch cannot
            be shared out among the ranks.
        WeightsError: `init` cannot be used, or is of another model (SchemaMismatch).
        TrainingError: `stored` was made with other clips or networks.
    """
    precision = _precision(config, device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_preset(config.preset, preset_config(config.preset, jacobians=config.jacobians) or None)
        objective = _objective(config, networks, device)
    if stored is None and init is None:
        start(model)
    elif stored is None and init is not None:
        start(model)
        fill(model, _published(model) | load_model(init)[0].state_dict(), resolve(init))
    learner = Learner(config, model, objective, device, precision, ranks)
    if compiled:
        learner.compile()
    trainer = Trainer(learner, clips, folder, networks.name, workers)
    if stored is not None:
        trainer.restore(stored)
    return trainer


def start(model: Model) -> None:
    """Give the compact model's frozen networks the published numbers; other models start at random."""
    if isinstance(model, CompactTalkingHead):
        reader = model.motion_reader.reader
        reader.coarse.load_state_dict(load_face_mesh().state_dict())
        reader.fine.load_state_dict(load_attention_mesh().state_dict())
        if model.matte is not None:
            model.matte.load_state_dict(load_person_matte().state_dict())


def _published(model: Model) -> dict[str, Tensor]:
    """Return what older weights of the compact model do not hold: its matte network."""
    return {name: tensor for name, tensor in model.state_dict().items() if name.startswith("matte.")}


def resolution(config: TrainConfig) -> int:
    """Return the side of the pictures that a run trains on, in pixels."""
    settings = preset_config(config.preset, jacobians=config.jacobians)
    if config.preset == COMPACT:
        return CompactTalkingHead.resolution
    return paper.from_dict(settings).resolution


def _precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """Return the type of convolutions.

    On a CPU oneDNN's bfloat16 7x7x7 convolutions of shallow volumes write beyond their memory in the backward
    pass (seen in torch 2.13 at depth 4, not from 6 on), so such models compute in float32 there.

    Raises:
        ConfigError: bfloat16 was asked for where it crashes.
    """
    wanted = compute_type(config.precision, device)
    if config.preset == COMPACT or device.type != "cpu" or wanted == torch.float32:
        return wanted
    depth = paper.from_dict(preset_config(config.preset, jacobians=config.jacobians)).depth
    if depth >= LEAST_DEPTH:
        return wanted
    if config.precision != "auto":
        text = f"fp32; volumes {depth} deep crash in {config.precision} on a CPU"
        raise ConfigError("precision", config.precision, text)
    return torch.float32


def _objective(config: TrainConfig, networks: FrozenNetworks, device: torch.device) -> Objective:
    settings = config.perceptual
    picture = _compared(networks.picture, settings, device)
    if networks.face is not None:
        _refuse_faces(config)
    if config.preset == COMPACT:
        if config.motion_first:
            raise ConfigError(
                "motion_first", config.motion_first, "0 with compact-256, which has no H of its own"
            )
        critic = Critic(Discriminator(CRITIC_BASE, channels=JUDGED_CHANNELS))
        return CompactObjective(picture, config.compact_weights, config.drop_tail, critic)
    face = None if networks.face is None else _compared(networks.face, FACE_SCALES, device)
    model = paper.from_dict(preset_config(config.preset, jacobians=config.jacobians))
    critic = Critic(Discriminator(model.base, model.discriminator_scales))
    return PaperObjective(picture, config.paper_weights, critic, face=face, drop_tail=config.drop_tail)


def _refuse_faces(config: TrainConfig) -> None:
    if config.preset == COMPACT:
        raise TrainingError("compact-256 compares no faces: leave --face-perceptual out")


def _compared(taps: FeatureTaps, settings: PerceptualConfig, device: torch.device) -> PerceptualLoss:
    """Return the distance in a frozen network's features, on a device."""
    if isinstance(taps, nn.Module):
        taps.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if settings.padding == "zeros":
        pad_with_zeros(taps)
    weights = settings.tap_weights[: len(taps.divisors)]
    return PerceptualLoss(taps, weights=weights, scales=settings.scales, first_scale=settings.first_scale)
