"""Two ranks are one: real processes, started by torchrun, joined by gloo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.training import several_ranks
from tests.training.several_ranks import END, MIDDLE, PAIRS, clips_of, norm_step, paper_step, small_run
from torch import Tensor, nn

from facewire.base.errors import ConfigError
from facewire.training.checkpoint import load_tensors, step_folder, stored_steps
from facewire.training.machine.ranks import ALONE, Ranks
from facewire.training.machine.synchronised_norm import SynchronisedNorm, synchronise_norms

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def work(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one rank and two ranks leave behind."""
    work = tmp_path_factory.mktemp("ranks")
    for name in ("a", "b", "c"):
        make_clip(work / "clips", name)
    clips = clips_of(work / "clips")
    small_run(clips, work / "straight", ALONE)
    small_run(clips, work / "ended-on-two", ALONE, stop_after=MIDDLE)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*launcher, several_ranks.__file__, str(work / "clips"), str(work)],
        check=True,
        timeout=500,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    small_run(clips, work / "began-on-two", ALONE)
    return work


@pytest.mark.slow
@pytest.mark.parametrize("name", ["began-on-two", "ended-on-two"])
def test_a_run_is_the_same_on_one_rank_on_two_and_on_both_in_turn(work: Path, name: str) -> None:
    assert stored_steps(work / name) == [END, MIDDLE]
    straight, other = (load_tensors(step_folder(work / run, END)) for run in ("straight", name))
    assert straight.keys() == other.keys()
    for tensor in straight:
        torch.testing.assert_close(other[tensor], straight[tensor], rtol=1e-5, atol=1e-7)
    lines = [(work / run / "scalars.jsonl").read_text().splitlines() for run in ("straight", name)]
    assert len(lines[0]) == len(lines[1]) == END
    for one, two in zip(*(map(json.loads, part) for part in lines), strict=True):
        assert two == pytest.approx(one, rel=1e-5)


@pytest.mark.slow
def test_two_ranks_share_the_writing_of_a_checkpoint(work: Path) -> None:
    shares = sorted(path.name for path in step_folder(work / "began-on-two", MIDDLE).glob("*.safetensors"))
    assert [name[:11] for name in shares] == ["shard-00001", "shard-00002"]
    names = [set(load_file(step_folder(work / "began-on-two", MIDDLE) / share)) for share in shares]
    assert all(names)
    assert not names[0] & names[1]


@pytest.mark.slow
def test_norms_of_two_ranks_are_those_of_the_whole_batch(work: Path) -> None:
    ranks = [load_file(work / f"paper-{rank}") for rank in range(2)]
    for name, value in norm_step(ALONE).items():
        for rank in ranks:
            torch.testing.assert_close(rank[f"norm.{name}"], value, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_the_paper_s_networks_learn_the_same_on_two_ranks(work: Path) -> None:
    """Only roughly: 50 norms over a handful of values each magnify the last bit a thousand times."""
    alone, two, other = paper_step(ALONE), load_file(work / "paper-0"), load_file(work / "paper-1")
    assert alone.keys() <= two.keys()
    for name in two:
        assert torch.equal(two[name], other[name]), name
    numbers = [name for name in alone if name.startswith("number")]
    assert {"number.critic", "number.gradient_norm", "number.critic_gradient_norm"} <= set(numbers)
    for name in numbers:
        assert float(two[name]) == pytest.approx(float(alone[name]), rel=0.01), name
    for part in ("gradient.critic", "gradient."):
        names = [name for name in alone if name.startswith(part)]
        one, both = (torch.cat([results[name].flatten() for name in names]) for results in (alone, two))
        assert torch.cosine_similarity(one, both, dim=0) > 0.998
    for name in (name for name in alone if name.endswith("running_var")):
        torch.testing.assert_close(two[name], alone[name], rtol=1e-3, atol=1e-5)


def test_slices_are_shared_out_evenly() -> None:
    assert ALONE.slices(4) == range(4)
    assert [Ranks(rank, 2).slices(PAIRS) for rank in range(2)] == [range(2), range(2, 4)]
    with pytest.raises(ConfigError, match="divides the 4 slices"):
        Ranks(0, 3).slices(4)


def test_synchronised_norms_of_one_rank_are_batch_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(value: Tensor) -> Tensor:
        return value

    module = "facewire.training.machine.synchronised_norm"
    monkeypatch.setattr(f"{module}.all_reduce", alone)
    monkeypatch.setattr(f"{module}.dist.get_world_size", lambda: 1)
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv3d(2, 3, 1), nn.BatchNorm3d(3), nn.Sequential(nn.BatchNorm3d(3)))
    own = nn.Sequential(nn.Conv3d(2, 3, 1), nn.BatchNorm3d(3), nn.Sequential(nn.BatchNorm3d(3)))
    own.load_state_dict(plain.state_dict())
    synchronise_norms(own, CPU)
    assert isinstance(own[1], SynchronisedNorm)
    assert own.state_dict().keys() == plain.state_dict().keys()
    image = torch.randn(4, 2, 2, 3, 3)
    for _ in range(2):
        torch.testing.assert_close(own(image), plain(image))
    (own(image) ** 3).sum().backward()
    (plain(image) ** 3).sum().backward()
    for mine, theirs in zip(own.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(dict(own.state_dict()), dict(plain.state_dict()))
    torch.testing.assert_close(own.eval()(image), plain.eval()(image))
