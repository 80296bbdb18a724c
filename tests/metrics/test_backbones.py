"""SqueezeNet, LPIPS and Inception: structure, formulas and refusals, with random numbers for weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from facewire.base.errors import HashMismatch, SchemaMismatch, WeightsError
from facewire.metrics import inception
from facewire.metrics.backbone_file import BackboneFile
from facewire.metrics.inception import INCEPTION, Inception
from facewire.metrics.lpips import ALEX_NET, CONVOLUTIONS, Lpips
from facewire.metrics.squeeze_net import FEATURES, SQUEEZE_NET, WIDTHS, SqueezeNet, pooled_features
from facewire.metrics.squeeze_perceptual import tap_distance

HERE = Path("test")


def squeeze_tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    tensors = {"conv1.weight": torch.randn(64, 3, 3, 3) * 0.01, "conv1.bias": torch.zeros(64)}
    channels = 64
    for number, (small, wide) in WIDTHS.items():
        for part, shape in (
            ("squeeze1x1", (small, channels, 1, 1)),
            ("expand1x1", (wide, small, 1, 1)),
            ("expand3x3", (wide, small, 3, 3)),
        ):
            tensors[f"fire{number}/{part}.weight"] = (
                torch.randn(shape) * (2 / shape[1] / shape[2] ** 2) ** 0.5
            )
            tensors[f"fire{number}/{part}.bias"] = torch.zeros(shape[0])
        channels = 2 * wide
    return tensors | {"conv10.weight": torch.zeros(1000, 512, 1, 1), "conv10.bias": torch.zeros(1000)}


def test_squeeze_net_has_the_published_taps() -> None:
    net = SqueezeNet(squeeze_tensors(), HERE)
    taps = net(torch.rand(2, 3, 227, 227))
    assert [tap.shape[1] for tap in taps] == [64, 128, 256, 384, 384, 512, 512]
    assert [tap.shape[2] for tap in taps] == [113, 56, 28, 14, 14, 14, 14]
    assert pooled_features(taps).shape == (2, FEATURES)
    assert sum(p.numel() for p in net.parameters()) == 1_235_496 - 513_000  # published count without conv10


def test_squeeze_net_reads_bgr_on_the_0_to_255_scale() -> None:
    tensors = squeeze_tensors()
    tensors["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    tensors["conv1.weight"][0, 0, 1, 1] = 1.0  # blue
    tensors["conv1.weight"][1, 2, 1, 1] = 1.0  # red
    taps = SqueezeNet(tensors, HERE)(torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1).expand(1, 3, 64, 64))
    assert taps[0][0, 0, 0, 0].item() == pytest.approx(0.5 * 255 - 104, abs=1e-3)
    assert taps[0][0, 1, 0, 0].item() == pytest.approx(255 - 123, abs=1e-3)


def test_squeeze_net_refuses_other_tensors() -> None:
    tensors = squeeze_tensors()
    del tensors["fire5/squeeze1x1.bias"]
    with pytest.raises(SchemaMismatch):
        SqueezeNet(tensors, HERE)


def test_a_published_file_is_fetched_once_and_only_whole(tmp_path: Path) -> None:
    published = tmp_path / "published.bin"
    published.write_bytes(b"numbers")
    digest = hashlib.sha256(b"numbers").hexdigest()
    file = BackboneFile("own.pth", published.as_uri(), digest[:8])
    (tmp_path / "nets").mkdir()
    file.fetch(tmp_path / "nets")
    assert (tmp_path / "nets" / "own.pth").read_bytes() == b"numbers"
    published.unlink()
    file.fetch(tmp_path / "nets")  # it is there already
    with pytest.raises(WeightsError, match="cannot be had"):
        BackboneFile("other.pth", published.as_uri(), digest[:8]).fetch(tmp_path / "nets")
    published.write_bytes(b"something else")
    with pytest.raises(HashMismatch):
        BackboneFile("other.pth", published.as_uri(), digest[:8]).fetch(tmp_path / "nets")
    assert [path.name for path in (tmp_path / "nets").iterdir()] == ["own.pth"]


def test_tap_distance_by_hand() -> None:
    a = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    b = torch.tensor([0.0, 2.0]).view(1, 2, 1, 1)
    expected = 0.6**2 + 0.2**2  # unit vectors (0.6, 0.8) and (0, 1)
    assert tap_distance([a], [b]).item() == pytest.approx(expected, abs=1e-6)
    assert tap_distance([a, a], [b, a]).item() == pytest.approx(expected, abs=1e-6)
    assert tap_distance([a], [7 * a]).item() == pytest.approx(0.0, abs=1e-9)


def test_tap_distance_of_dead_places_is_finite() -> None:
    dead = torch.zeros(1, 4, 2, 2)
    assert tap_distance([dead], [torch.ones(1, 4, 2, 2)]).item() == pytest.approx(1.0)
    assert tap_distance([dead], [dead]).item() == 0


def lpips() -> Lpips:
    torch.manual_seed(1)
    backbone = {}
    for place, (inputs, outputs, kernel, _, _) in CONVOLUTIONS.items():
        backbone[f"features.{place}.weight"] = torch.randn(outputs, inputs, kernel, kernel) * 0.05
        backbone[f"features.{place}.bias"] = torch.zeros(outputs)
    widths = [sizes[1] for sizes in CONVOLUTIONS.values()]
    heads = {f"lin{i}.model.1.weight": torch.rand(1, width, 1, 1) for i, width in enumerate(widths)}
    return Lpips(backbone | {"classifier.1.weight": torch.zeros(1)}, heads, HERE)


def test_lpips_is_zero_for_equal_pictures_symmetric_and_grows() -> None:
    metric, a = lpips(), torch.rand(1, 3, 64, 64)
    near, far = a + 0.02 * torch.randn_like(a), torch.rand(1, 3, 64, 64)
    assert metric(a, a).item() == 0
    assert metric(a, far).item() == pytest.approx(metric(far, a).item())
    assert 0 < metric(a, near).item() < metric(a, far).item()


def test_lpips_is_the_published_formula() -> None:
    metric, a, b = lpips(), torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    # torchvision's AlexNet as the list of layers it is
    layers = nn.Sequential(
        metric.features["0"], nn.ReLU(), nn.MaxPool2d(3, 2), metric.features["3"], nn.ReLU(), nn.MaxPool2d(3, 2),
        metric.features["6"], nn.ReLU(), metric.features["8"], nn.ReLU(), metric.features["10"], nn.ReLU(),
    )  # fmt: skip
    x, y = ((2 * image - 1 - shift) / scale for image in (a, b))
    total, head = torch.zeros(2), 0
    for layer in layers:
        x, y = layer(x), layer(y)
        if isinstance(layer, nn.ReLU):
            u, v = (t / t.norm(dim=1, keepdim=True).clamp_min(1e-10) for t in (x, y))
            weights = metric.heads.get_parameter(f"{head}.weight").view(1, -1, 1, 1)
            total += ((u - v) ** 2 * weights).sum(dim=1).mean(dim=(1, 2))
            head += 1
    assert head == 5
    assert metric(a, b) == pytest.approx(total.detach(), abs=1e-5)


def test_inception_has_the_published_size_and_rasters() -> None:
    network = Inception().eval()
    # Inception-v3 as published by torchvision, less its auxiliary and its 1000-class heads
    assert sum(p.numel() for p in network.parameters()) == 27_161_264 - 3_326_696 - 2_049_000
    rasters: dict[str, tuple[int, ...]] = {}

    def note(name: str, out: Tensor) -> None:
        rasters[name] = tuple(out.shape[1:])

    for name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c"):
        network.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: note(name, out))
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 40, 40)).shape == (1, 2048)
    assert rasters == {
        "Conv2d_2b_3x3": (64, 147, 147),
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6e": (768, 17, 17),
        "Mixed_7c": (2048, 8, 8),
    }


@pytest.mark.slow
def test_inception_reads_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Inception().state_dict() | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    old = {name: tensor for name, tensor in whole.items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "inception.pth")
    monkeypatch.setattr(inception, "INCEPTION", BackboneFile("inception.pth", "url"))
    network = Inception.load(tmp_path)
    assert not network.training
    name = "Mixed_7c.branch1x1.conv.weight"
    assert torch.equal(network.state_dict()[name], whole[name])


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_absence_says_which_file_and_where_it_is_published(folder: Path | None) -> None:
    for backbone in (SQUEEZE_NET, ALEX_NET, INCEPTION):
        reason = backbone.absence(folder)
        assert backbone.name in reason
        assert "github.com" in reason or "pytorch.org" in reason
    assert ALEX_NET.name in Lpips.absence(folder)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / SQUEEZE_NET.name).write_bytes(b"something else")
    assert SQUEEZE_NET.absence(tmp_path) == ""
    with pytest.raises(HashMismatch):
        SqueezeNet.load(tmp_path)


def test_files_are_read_without_running_code(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "plain.pth")
    assert BackboneFile("plain.pth", "url").read(tmp_path)["a"].tolist() == [1, 1]
    save_file({"a": torch.ones(2).half()}, tmp_path / "half.safetensors")
    assert BackboneFile("half.safetensors", "url").read(tmp_path)["a"].dtype == torch.float32
    torch.save(nn.Linear(1, 1), tmp_path / "object.pth")
    with pytest.raises(WeightsError, match="not a file of tensors"):
        BackboneFile("object.pth", "url").read(tmp_path)
    with pytest.raises(WeightsError, match="get it from url"):
        BackboneFile("missing.pth", "url").read(tmp_path)
