"""Published files, by their keys and shapes alone: recognised, and strict against full-size networks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facewire.base.errors import WeightsError
from facewire.networks.published.checkpoints import checked, recognise
from facewire.networks.relatives.families import FAMILIES

Keys = dict[str, list[tuple[str, list[int], str]]]
LIVEPORTRAIT = [f"liveportrait_{part}" for part in "FMWG"]
STITCHING = ["official_pth", "kj_safetensors", "aemotion_safetensors"]
TYPES = {"float32": torch.float32, "int64": torch.int64}


def tensors(keys: Keys, name: str) -> dict[str, Tensor]:
    """Return a published file as tensors without numbers."""
    rows = keys[name]
    return {_flat(key): torch.empty(shape, dtype=TYPES[kind], device="meta") for key, shape, kind in rows}


def _flat(key: str) -> str:
    outer, _, inner = key.rpartition(" / ")
    inner = inner.removeprefix("module.")
    return f"{outer}.{inner}" if outer else inner


def parts(keys: Keys, names: list[str]) -> dict[str, dict[str, Tensor]]:
    found: dict[str, dict[str, Tensor]] = {}
    for name in names:
        found |= recognise(tensors(keys, name), name).parts
    return found


@pytest.mark.parametrize("packing", STITCHING)
def test_liveportrait_in_every_packing(published_keys: Keys, packing: str) -> None:
    names = [*LIVEPORTRAIT, f"liveportrait_stitching_{packing}"]
    config, state = checked(parts(published_keys, names), "liveportrait", "files")
    assert config["sizes"]["head"] == {
        "keypoints": 21,
        "depths": [3, 3, 9, 3],
        "widths": [96, 192, 384, 768],
    }
    assert config["sizes"]["decoder"]["upscale"] == 2
    assert config["sizes"]["eye"]["widths"] == [66, 256, 256, 128, 128, 64, 63]
    assert len(state) == sum(len(published_keys[name]) for name in names)


def test_liveportrait_without_its_small_networks(published_keys: Keys) -> None:
    config, _ = checked(parts(published_keys, LIVEPORTRAIT), "liveportrait", "files")
    assert "stitching" not in config["sizes"]


def test_zlh_and_sadtalker_are_told_apart_by_what_is_declared(published_keys: Keys) -> None:
    found = parts(published_keys, ["zlh_checkpoint_spade"])
    for family in ("zlh", "sadtalker"):
        assert checked(found, family, "file")[0]["family"] == family


def test_older_zlh_is_known_by_its_keypoint_network(published_keys: Keys) -> None:
    found = parts(published_keys, ["zlh_checkpoint_spade"])
    del found["decoder"], found["appearance"], found["warping"], found["canonical"]["down.weight"]
    found |= parts(published_keys, ["zlh_generator_original"])
    config, _ = checked(found, "zlh", "file")
    assert config["family"] == "zlh-beta"
    assert config["sizes"]["appearance"]["kernel"] == 7
    assert config["sizes"]["decoder"] == {"widths": [256, 128, 64], "blocks": 6}


def test_sadtalkers_safetensors_lack_the_reader_of_pictures(published_keys: Keys) -> None:
    found = parts(published_keys, ["sadtalker_safetensors"])
    assert set(found) == {"appearance", "warping", "decoder", "canonical"}
    with pytest.raises(WeightsError, match=r"he_estimator.*facevid2vid_00189"):
        checked(found, "sadtalker", "file")


def test_zk(published_keys: Keys) -> None:
    found = recognise(tensors(published_keys, "zk_checkpoint"), "file")
    assert found.ignored == ("discriminator",)
    config, _ = checked(found.parts, "zk", "file")
    assert config["sizes"]["head"]["repeats"] == [4, 4, 6, 3]


def test_mapping_is_refused_with_the_way_out(published_keys: Keys) -> None:
    with pytest.raises(WeightsError, match="from sound to motion"):
        recognise(tensors(published_keys, "sadtalker_mapping_00229"), "mapping.pth.tar")


def test_unknown_files_are_refused() -> None:
    with pytest.raises(WeightsError, match="no network known here"):
        recognise({"layer.weight": torch.zeros(1)}, "other.pth")


@pytest.mark.parametrize("fault", ["missing", "strange", "of another shape", "not finite"])
def test_every_fault_is_named(published_keys: Keys, fault: str) -> None:
    found = parts(published_keys, LIVEPORTRAIT)
    head = found["head"]
    if fault == "missing":
        del head["detector.norm.bias"]
    elif fault == "strange":
        head["detector.norm.bias2"] = torch.zeros(1)
    elif fault == "of another shape":
        head["detector.norm.bias"] = torch.zeros(5)
    else:
        head["detector.norm.bias"] = torch.full((768,), float("nan"))
    with pytest.raises(WeightsError, match=f"1 {fault}: head.detector.norm.bias"):
        checked(found, "liveportrait", "files")


def test_a_missing_network_is_named(published_keys: Keys) -> None:
    found = parts(published_keys, LIVEPORTRAIT[1:])
    with pytest.raises(WeightsError, match="appearance_feature_extractor"):
        checked(found, "liveportrait", "files")


def test_counts_of_batches_may_be_left_out(published_keys: Keys) -> None:
    found = parts(published_keys, LIVEPORTRAIT)
    del found["appearance"]["first.norm.num_batches_tracked"]
    _, state = checked(found, "liveportrait", "files")
    assert int(state["appearance.first.norm.num_batches_tracked"]) == 0


def test_every_family_has_a_licence_and_an_origin() -> None:
    for family in FAMILIES.values():
        assert family.licence
        assert "github.com" in family.origin
