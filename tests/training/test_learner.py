"""One step: what moves, what must not move, what is averaged."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facewire.base.errors import NonFiniteLoss
from facewire.data.pairs import FrameBatch, PairBatch
from facewire.geometry.pose import rotation_from_degrees
from facewire.losses.perceptual import PerceptualLoss
from facewire.losses.total import LossWeights
from facewire.networks.memory_layout import channels_last
from facewire.networks.paper.config import PAPER_PRESETS
from facewire.networks.paper.discriminator import Discriminator
from facewire.networks.paper.face_vid2vid import build
from facewire.training.config import TrainConfig
from facewire.training.learner import Learner
from facewire.training.objectives.critic import Critic
from facewire.training.objectives.paper import PaperObjective
from facewire.training.precision import compute_type, flushed_denormals
from facewire.training.recipes import recipe

CPU = torch.device("cpu")
TINY = PAPER_PRESETS["tiny"]


class FaultyTaps:
    """A network that sees the picture itself, and NaN when told to; or passes NaN backward."""

    name = "faulty"
    divisors = (1.0,)

    def __init__(self) -> None:
        self.forward_fault = self.backward_fault = False

    def __call__(self, image: Tensor) -> list[Tensor]:
        if self.backward_fault and image.requires_grad:
            image = image * 1.0
            image.register_hook(lambda gradient: gradient * float("nan"))
        return [image * float("nan") if self.forward_fault else image]


def _learner(config: TrainConfig, taps: FaultyTaps | None = None) -> Learner:
    torch.manual_seed(0)
    perceptual = PerceptualLoss(taps or FaultyTaps(), weights=(1.0,), scales=1)
    objective = PaperObjective(perceptual, LossWeights(), Critic(Discriminator(TINY.base)))
    return Learner(config, build(TINY), objective, CPU)


@cache
def _pair() -> PairBatch:
    generator = torch.Generator().manual_seed(0)

    def frames() -> FrameBatch:
        return FrameBatch(
            torch.rand(2, 3, 64, 64, generator=generator),
            torch.rand(2, 78, 2, generator=generator) - 0.5,
            torch.stack([rotation_from_degrees(4.0, 3.0, 2.0)] * 2),
            torch.zeros(2, 3),
        )

    return PairBatch(frames(), frames(), ("zoe", "ann"))


def _advance(learner: Learner, step: int = 0) -> dict[str, float]:
    return learner.advance(step, [(_pair(), torch.Generator().manual_seed(step))])[0]


def _copy(learner: Learner) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in learner.tensors().items()}


def test_steps_move_model_and_critic() -> None:
    learner = _learner(recipe("tiny"))
    before = _copy(learner)
    numbers = _advance(learner)
    _advance(learner, 1)  # bottlenecks start silent: what is inside them moves from the second step on
    after = learner.tensors()
    for name, _ in learner.model.named_parameters():
        if not name.endswith("bias"):  # before a batch norm a bias has no effect
            assert not torch.equal(after[f"model.{name}"], before[f"model.{name}"]), name
    moved = [
        name for name in before if name.startswith("critic.") and not torch.equal(after[name], before[name])
    ]
    assert any(name.endswith("original") for name in moved)
    assert set(numbers) >= {"total", "perceptual", "critic", "gradient_norm", "critic_gradient_norm", "rate"}
    assert numbers["rate"] == pytest.approx(2e-4 / 200)


def _untouched(name: str) -> bool:
    """What a forward pass may change before its loss is known: statistics and singular vectors."""
    return not name.endswith(("running_mean", "running_var", "num_batches_tracked", "._u", "._v"))


@pytest.mark.parametrize("fault", ["forward", "backward"])
def test_what_is_not_finite_changes_no_weight(fault: str) -> None:
    taps = FaultyTaps()
    learner = _learner(recipe("tiny"), taps)
    _advance(learner)
    before = _copy(learner)
    setattr(taps, f"{fault}_fault", True)
    with pytest.raises(NonFiniteLoss, match="ann, zoe") as caught:
        _advance(learner, 1)
    assert caught.value.step == 1
    assert caught.value.exit_code == 7
    assert ("perceptual = nan" if fault == "forward" else "gradient_norm = nan") in str(caught.value)
    after = learner.tensors()
    assert after.keys() == before.keys()
    for name in filter(_untouched, before):
        assert torch.equal(after[name], before[name]), name


def test_a_critic_that_is_not_finite_changes_no_weight_either() -> None:
    learner = _learner(recipe("tiny"))
    _advance(learner)
    critic = learner.objective.critic
    assert critic is not None

    def infinite(made: Tensor, real: Tensor) -> Tensor:
        return critic.network(real)[0].score.mean() * float("inf")  # type: ignore[no-any-return]

    critic.own_loss = infinite  # type: ignore[method-assign]
    before = _copy(learner)
    with pytest.raises(NonFiniteLoss, match="critic"):
        _advance(learner, 1)
    after = learner.tensors()
    for name in filter(_untouched, before):
        assert torch.equal(after[name], before[name]), name


def test_averaged_weights_follow_fast_at_first() -> None:
    learner = _learner(recipe("tiny"))
    name = next(name for name, _ in learner.model.named_parameters())
    start = learner.average[name].clone()
    _advance(learner)
    now = learner.model.state_dict()[name]
    torch.testing.assert_close(learner.average[name], start + (now - start) * (1 - 1 / 20))
    before = learner.average[name].clone()
    _advance(learner, 10**6)
    now = learner.model.state_dict()[name]
    torch.testing.assert_close(learner.average[name], before.lerp(now, 1 - 0.999))


def test_every_average_follows_its_own_tensor() -> None:
    learner = _learner(recipe("tiny"))
    before = {name: tensor.clone() for name, tensor in learner.average.items()}
    _advance(learner)
    for name, now in learner.model.state_dict().items():
        copied = not now.is_floating_point() or name.endswith(("._u", "._v"))
        expected = now if copied else before[name].lerp(now, 1 - 1 / 20)
        torch.testing.assert_close(learner.average[name], expected, rtol=0, atol=0)


@pytest.mark.slow
def test_unit_vectors_and_counters_are_copied_not_averaged() -> None:
    learner = _learner(recipe("tiny"))
    for step in range(3):
        _advance(learner, step)
    state = learner.model.state_dict()
    copied = [name for name in state if name.endswith(("._u", "._v", "num_batches_tracked"))]
    assert len(copied) > 10
    for name in copied:
        assert torch.equal(learner.average[name], state[name]), name


@pytest.mark.slow
def test_a_restored_learner_is_the_same() -> None:
    learner = _learner(recipe("tiny"))
    _advance(learner)
    saved = {name: tensor.clone().contiguous() for name, tensor in learner.tensors().items()}
    torch.manual_seed(5)
    other = _learner(recipe("tiny"))
    other.restore(saved)
    _advance(learner, 1)
    _advance(other, 1)
    restored = other.tensors()
    for name, tensor in learner.tensors().items():
        assert torch.equal(restored[name], tensor), name


@pytest.mark.slow
def test_the_critic_begins_at_its_step_also_after_a_restart() -> None:
    config = replace(recipe("tiny"), critic_from=1)
    learner = _learner(config)
    before = _copy(learner)
    numbers = _advance(learner)
    assert not {"adversarial", "feature_matching", "critic"} & numbers.keys()
    after = _copy(learner)
    assert all(torch.equal(after[name], before[name]) for name in before if name.startswith("critic."))
    other = _learner(config)
    other.restore(after)
    for each in (learner, other):
        assert {"adversarial", "feature_matching", "critic"} <= _advance(each, 1).keys()
    restored, moved = other.tensors(), learner.tensors()
    assert all(torch.equal(restored[name], moved[name]) for name in moved)
    assert any(not torch.equal(moved[name], after[name]) for name in after if name.startswith("critic."))


def test_motion_may_be_learned_first_and_without_pictures() -> None:
    learner = _learner(replace(recipe("tiny"), motion_first=1))
    before = _copy(learner)
    numbers = _advance(learner)
    assert {"head_pose", "equivariance", "keypoint_prior", "deformation_prior"} <= numbers.keys()
    assert "perceptual" not in numbers
    after = _copy(learner)
    moved = {
        name for name in before if name.startswith("model.") and not torch.equal(before[name], after[name])
    }
    assert all(name.startswith(("model.head.", "model.canonical.")) for name in moved)
    assert {"model.head.translation.weight", "model.head.yaw.weight"} <= moved
    assert "perceptual" in _advance(learner, 1)


def test_frozen_parameters_are_left_out() -> None:
    torch.manual_seed(0)
    model = build(TINY)
    model.appearance.requires_grad_(False)
    perceptual = PerceptualLoss(FaultyTaps(), weights=(1.0,), scales=1)
    objective = PaperObjective(perceptual, LossWeights(), Critic(Discriminator(TINY.base)))
    learner = Learner(recipe("tiny"), model, objective, CPU)
    before = [parameter.clone() for parameter in model.appearance.parameters()]
    _advance(learner)
    for parameter, own in zip(model.appearance.parameters(), before, strict=True):
        assert torch.equal(parameter, own)
    for name, parameter in model.appearance.named_parameters(prefix="appearance"):
        assert torch.equal(learner.average[name], parameter), name


def test_half_precision_computes_but_never_stores() -> None:
    torch.manual_seed(0)
    objective = PaperObjective(
        PerceptualLoss(FaultyTaps(), weights=(1.0,), scales=1),
        LossWeights(),
        Critic(Discriminator(TINY.base)),
    )
    model = build(replace(TINY, depth=8))
    learner = Learner(recipe("tiny"), model, objective, CPU, torch.bfloat16)
    assert all(abs(value) < float("inf") for value in _advance(learner).values())
    floating = [tensor for tensor in learner.tensors().values() if tensor.is_floating_point()]
    assert {tensor.dtype for tensor in floating} == {torch.float32}


def _scaled_learner() -> Learner:
    torch.manual_seed(0)
    perceptual = PerceptualLoss(FaultyTaps(), weights=(1.0,), scales=1)
    objective = PaperObjective(perceptual, LossWeights(), Critic(Discriminator(TINY.base)))
    learner = Learner(recipe("tiny"), build(TINY), objective, CPU, torch.float16)
    learner.precision = torch.float32  # the scaler is what is tested; float16 itself is slow here
    return learner


def test_scaled_gradients_are_those_of_float32() -> None:
    plain, scaled = _learner(recipe("tiny")), _scaled_learner()
    expected, numbers = _advance(plain), _advance(scaled)
    assert numbers["skipped"] == 0
    assert numbers["loss_scale"] == 65536
    assert {name: numbers[name] for name in expected} == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_an_overflow_skips_the_step_and_lowers_the_scale() -> None:
    learner = _scaled_learner()
    _advance(learner)
    before = _copy(learner)
    taps: Any = learner.objective.perceptual.taps  # type: ignore[attr-defined]
    taps.backward_fault = True
    numbers = _advance(learner, 1)
    assert numbers["skipped"] == 1
    assert numbers["loss_scale"] == 32768
    for name, _ in learner.model.named_parameters():
        assert torch.equal(learner.tensors()[f"model.{name}"], before[f"model.{name}"]), name
    again = _scaled_learner()
    again.restore({name: tensor.clone() for name, tensor in learner.tensors().items()})
    assert again.scaler.get_scale() == 32768
    taps.backward_fault, taps.forward_fault = False, True
    with pytest.raises(NonFiniteLoss):
        _advance(learner, 2)


def test_precision_is_what_the_processor_has(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu: Any = torch.cpu
    for has, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        assert compute_type("auto", CPU) == expected
    assert compute_type("bf16", CPU) == torch.bfloat16
    assert compute_type("fp16", CPU) == torch.float16
    assert compute_type("fp32", CPU) == torch.float32
    assert compute_type("auto", torch.device("mps")) == torch.float32


def test_denormals_are_zero_inside_and_back_outside() -> None:
    tiny = torch.tensor([1e-40])
    with flushed_denormals():
        assert (tiny * 0.5 == 0).item()
    assert (tiny * 0.5 != 0).item()


def test_convolutions_have_channels_last() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv3d(4, 4, 3), nn.Linear(4, 4))
    values = [parameter.clone() for parameter in module.parameters()]
    channels_last(module)
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)  # type: ignore[operator]
    for parameter, value in zip(module.parameters(), values, strict=True):
        assert torch.equal(parameter, value)
