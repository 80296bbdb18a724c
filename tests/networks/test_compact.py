"""The compact model: what it promises about geometry, independence, cost and size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from facewire.face.networks.matte import load_person_matte
from facewire.geometry.grid import image_grid
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.keypoints import CanonicalKeypoints, place
from facewire.geometry.pose import rotation_from_degrees
from facewire.geometry.warp import resize_flow, warp_image
from facewire.networks.compact.config import CompactConfig
from facewire.networks.compact.field import SIZE, compose
from facewire.networks.compact.guides import BODY, FREE, GUIDES
from facewire.networks.compact.model import CompactFeatures, CompactSynthesis, CompactTalkingHead
from facewire.networks.compact.openings import CHANNELS, NEW_MOUTH, OPEN_MOUTH
from facewire.networks.composition import Layers
from facewire.networks.sources import PERSON
from facewire.networks.talking_head import TalkingHead
from facewire.networks.types import Identity

RENDER_GMACS = 5.0
MOTION_GMACS = 0.6
STORED_MB = 20.0
"""The limits of the project: per driving frame on the receiver, on the sender, and of the weights file."""


@cache
def _model() -> CompactTalkingHead:
    """Random weights that are all in use: at the start some layers are zero on purpose."""
    torch.manual_seed(0)
    model = CompactTalkingHead()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.01)
    return model.eval()


def _pictures(seed: int, batch: int = 2) -> Tensor:
    """Smooth ones: in white noise a rounding error of the flow is a visible one of the picture."""
    coarse = torch.rand(batch, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, (256, 256), mode="bilinear", align_corners=True)


def _motion(seed: int, batch: int = 2) -> HeadMotion:
    """Plausible heads, so that tests need no faces."""
    generator = torch.Generator().manual_seed(seed)
    angles = 20 * torch.rand(batch, 3, generator=generator) - 10
    rotation = torch.stack([rotation_from_degrees(*row) for row in angles.tolist()])
    translation = 0.1 * torch.randn(batch, 3, generator=generator)
    return HeadMotion(rotation, translation, 0.05 * torch.randn(batch, 20, 3, generator=generator))


@cache
@torch.no_grad()
def _synthesis(kept: int | None = None, *, same: bool = False) -> CompactSynthesis:
    model = _model()
    canonical, _ = model.motion_reader(_pictures(1))
    identity = model.identity_from(_pictures(1), canonical, _motion(3))
    return model.synthesis(identity, _motion(3) if same else _motion(4), kept)


def test_the_model_is_a_talking_head() -> None:
    head: TalkingHead = _model()
    assert head.resolution == 256
    assert head.keypoints == 20 == len(GUIDES) + len(FREE)
    with torch.no_grad():
        identity = head.identity(_pictures(1))
        image = head.render(identity, head.motion(_pictures(2)))
    assert image.shape == (2, 3, 256, 256)
    assert image.min() >= 0
    assert image.max() <= 1


def test_lips_and_lids_come_first_because_the_tail_may_be_dropped() -> None:
    first = [guide.name for guide in GUIDES[:4]]
    assert all("lip" in name or "lid" in name for name in first)


@pytest.mark.slow
def test_masks_share_out_every_pixel() -> None:
    for kept in (None, 7, 0):
        masks = _synthesis(kept).field.masks
        assert masks.shape == (2, 21, SIZE, SIZE)
        torch.testing.assert_close(masks.sum(dim=1), torch.ones(2, SIZE, SIZE))
    assert (_synthesis(7).field.masks[:, 8:] == 0).all()


@pytest.mark.slow
def test_the_source_in_its_own_motion_does_not_move() -> None:
    made = _synthesis(same=True)
    still = image_grid(SIZE, SIZE).expand(2, SIZE, SIZE, 2)
    torch.testing.assert_close(made.field.surface(), still, atol=3e-6, rtol=0)
    torch.testing.assert_close(made.warped, _pictures(1), atol=1e-3, rtol=0)
    assert (_synthesis().field.surface() - still).abs().max() > 0.01


@torch.no_grad()
def test_the_head_s_flow_follows_the_head_and_nothing_else() -> None:
    model, canonical = _model(), CanonicalKeypoints(_model().motion_reader.mean_head.expand(2, -1, 3))
    still = image_grid(SIZE, SIZE).expand(2, SIZE, SIZE, 2)
    compressed, source = torch.zeros(2, 4, SIZE, SIZE), _motion(3)
    shift = torch.tensor([0.2, -0.1, 0.0])
    moved = HeadMotion(source.rotation, source.translation + shift, source.expression)
    keypoints = [place(canonical, motion) for motion in (source, moved)]
    field = model.field(compressed, *keypoints, torch.tensor([20, 5]))
    torch.testing.assert_close(field.head, still - shift[:2], atol=1e-5, rtol=0)

    expression = source.expression.clone()
    expression[:, list(BODY)] += 0.3
    shrugged = place(canonical, source.with_expression(expression))
    field = model.field(compressed, keypoints[0], shrugged, torch.tensor([20, 20]))
    torch.testing.assert_close(field.head, still, atol=1e-5, rtol=0)


@torch.no_grad()
def test_shoulders_move_and_do_not_turn_with_the_head() -> None:
    field, still = _model().field, image_grid(SIZE, SIZE)
    linear, offset = rotation_from_degrees(0, 0, 30)[None], torch.zeros(1, 20, 3)
    offset[:, :, 0] = 0.25
    for keypoint, turned in ((0, True), (BODY[0], False), (BODY[1], False), (19, True)):
        masks = torch.zeros(1, 21, SIZE, SIZE)
        masks[:, 1 + keypoint] = 1
        constant, slope = compose(masks, still, linear, offset, field.turns)
        rows = linear[0] if turned else torch.eye(3)
        expected = still @ rows[:2, :2].T + torch.tensor([0.25, 0.0])
        torch.testing.assert_close(constant[0, ..., :2], expected)
        torch.testing.assert_close(slope[0, 0, 0], rows[:, 2])


def test_the_volume_s_flow_is_the_surface_s_at_its_depth() -> None:
    field = _synthesis().field
    planes = field.volume(8, SIZE)
    z = torch.linspace(-1, 1, 8)
    for plane in (0, 5):
        expected = field.constant + z[plane] * field.slope
        torch.testing.assert_close(planes[:, plane], expected)


@pytest.mark.slow
@torch.no_grad()
def test_what_opens_is_painted_and_not_taken_from_the_source() -> None:
    torch.manual_seed(0)
    model = CompactTalkingHead().eval()
    image = _pictures(3, batch=1) * 0.5 + 0.5
    identity = model.identity_from(
        image, CanonicalKeypoints(_model().motion_reader.mean_head[None]), _motion(1, 1)
    )
    made = model.synthesis(identity, _motion(1, 1))
    features = identity.features[1:4]
    openings = torch.zeros(1, CHANNELS, 128, 128)
    openings[:, [OPEN_MOUTH, NEW_MOUTH], 40:60, 40:60] = 1
    opened = model.generator(image, features, made.field, openings).frame()
    closed = model.generator(image, features, made.field, torch.zeros_like(openings)).frame()
    inside = slice(84, 116)
    shown, painted, other = (part[..., inside, inside] for part in (made.warped, opened, closed))
    assert shown.mean() > 0.6
    assert painted.abs().mean() < 0.15  # what an untrained network paints
    assert (other - shown).abs().mean() < 0.25
    torch.testing.assert_close(opened[..., 160:, 160:], closed[..., 160:, 160:])


@torch.no_grad()
def test_a_frame_can_be_put_together_from_its_composition() -> None:
    made = _synthesis()
    composition, photo = made.composition(), _pictures(1)
    frame = composition.repair
    for number, candidate in enumerate(composition.candidates):
        read = photo if candidate.flow is None else warp_image(photo, resize_flow(candidate.flow, 256, 256))
        frame = frame + composition.shares[:, number : number + 1] * read
    torch.testing.assert_close(frame, made.image, atol=1e-5, rtol=0)


def _turned_pair(yaw: float, asked: float) -> tuple[Identity, HeadMotion]:
    """Return an identity whose photo shows the mean head at `yaw`, and the motion that turns it to `asked`."""
    nowhere, calm = torch.zeros(1, 3), torch.zeros(1, 20, 3)
    own, wanted = (HeadMotion(rotation_from_degrees(a, 0, 0)[None], nowhere, calm) for a in (yaw, asked))
    canonical = CanonicalKeypoints(_model().motion_reader.mean_head[None])
    return _mirroring().identity_from(_pictures(5, batch=1), canonical, own), wanted


@cache
def _mirroring() -> CompactTalkingHead:
    model = CompactTalkingHead(CompactConfig(layers=True, mirror=True))
    model.load_state_dict(
        _model().state_dict()
        | {f"matte.{name}": part for name, part in load_person_matte().state_dict().items()}
    )
    return model.eval()


@pytest.mark.slow
@torch.no_grad()
def test_the_mirrored_photo_is_shown_where_a_turn_uncovers_what_the_photo_hides() -> None:
    model = _mirroring()
    for yaw, asked in ((0, 0), (0, 30), (40, 40)):
        field = model.synthesis(*_turned_pair(yaw, asked)).field
        assert field.mirror.max() < 0.05, (yaw, asked)
    field = model.synthesis(
        *_turned_pair(40, 0)
    ).field  # its nose points to the right and hides the right cheek
    cells = field.mirror[0, ..., 0]
    assert cells[24:48, 38:46].mean() > 0.5
    assert cells[:, :30].max() < 0.05
    # What a cell there reads is what the other cheek shows: mirrored at the head's own middle plane.
    row, column = 32, 42
    other = field.head[0, row, 63 - column]
    torch.testing.assert_close(field.mirrored[0, row, column], other, atol=0.02, rtol=0)


@torch.no_grad()
def test_a_frame_with_layers_and_mirror_is_its_composition() -> None:
    identity, motion = _turned_pair(40, 0)
    made = _mirroring().synthesis(identity, motion)
    features, composition = CompactFeatures(*identity.features), made.composition()
    assert features.matte is not None
    assert features.background is not None
    layers = Layers.of(features.image, features.matte, features.background)
    frame = composition.repair
    for number, (of, flow) in enumerate((c.of, c.flow) for c in composition.candidates):
        assert (of == PERSON) == (flow is not None)
        read = features.image if flow is None else layers.read(flow)[0]
        frame = frame + composition.shares[:, number : number + 1] * read
    torch.testing.assert_close(frame, made.image, atol=1e-5, rtol=0)


@pytest.mark.slow
@torch.no_grad()
def test_dropped_keypoints_cannot_change_the_picture() -> None:
    model = _model()
    canonical, _ = model.motion_reader(_pictures(1))
    identity = model.identity_from(_pictures(1), canonical, _motion(3))
    expression = _motion(4).expression.clone()
    expression[:, 6:] = 1e3
    other = _motion(4).with_expression(expression)
    assert torch.equal(model.render(identity, other, 6), model.render(identity, _motion(4), 6))
    assert not torch.equal(model.render(identity, other, 7), model.render(identity, _motion(4), 7))


@pytest.mark.slow
@torch.no_grad()
def test_keypoints_may_be_dropped_per_head() -> None:
    model = _model()
    canonical, _ = model.motion_reader(_pictures(1))
    identity = model.identity_from(_pictures(1), canonical, _motion(3))
    mixed = model.render(identity, _motion(4), torch.tensor([5, 20]))
    for row, kept in enumerate((5, 20)):
        alone = model.render(identity, _motion(4), kept)[row]
        torch.testing.assert_close(mixed[row], alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_picture_s_own_keypoints_are_those_seen_in_it() -> None:
    identity = _model().identity(_pictures(1))
    _, motion = _model().motion_reader(_pictures(1))
    torch.testing.assert_close(motion.expression, identity.motion.expression)
    eye = torch.eye(3).expand(2, 3, 3)
    rotation = identity.motion.rotation
    torch.testing.assert_close(rotation @ rotation.transpose(1, 2), eye, atol=1e-5, rtol=0)


@pytest.mark.slow
@torch.no_grad()
def test_free_view_turns_the_head_and_no_turn_changes_nothing() -> None:
    model = _model()
    canonical, _ = model.motion_reader(_pictures(1))
    identity, motion = model.identity_from(_pictures(1), canonical, _motion(3)), _motion(4)
    same = model.render(identity, motion.turned(torch.eye(3), torch.zeros(3)))
    assert torch.equal(same, model.render(identity, motion))
    turned = model.render(identity, motion.turned(rotation_from_degrees(20, 0, 0)))
    assert (turned - same).abs().mean() > 1e-3


@pytest.mark.slow
@torch.no_grad()
def test_heads_of_a_batch_do_not_see_each_other() -> None:
    model = _model()
    source, driving = _pictures(1, 3), _pictures(2, 3)
    identity, motion = model.identity(source), model.motion(driving)
    together = model.render(identity, motion)
    for row in range(3):
        rows = slice(row, row + 1)
        # In noise the face mesh makes rounding a hundred times larger, so what it reads is compared by itself.
        read = model.motion(driving[rows])
        torch.testing.assert_close(read.translation[0], motion.translation[row], atol=1e-3, rtol=0)
        torch.testing.assert_close(read.expression[0], motion.expression[row], atol=1e-3, rtol=0)
        canonical = CanonicalKeypoints(identity.canonical.points[rows])
        own = model.identity_from(source[rows], canonical, identity.motion[rows])
        alone = model.render(own, motion[rows])
        torch.testing.assert_close(alone[0], together[row], atol=1e-4, rtol=0)


@pytest.mark.slow
@torch.no_grad()
def test_one_source_serves_many_frames() -> None:
    model = _model()
    one, motion = model.identity(_pictures(1, 1)), _motion(4, 3)
    together = model.render(one, motion)
    for row in range(3):
        alone = model.render(one, motion[row : row + 1])[0]
        torch.testing.assert_close(together[row], alone, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_every_parameter_that_is_trained_gets_a_gradient() -> None:
    model = _model()
    landmarks = 0.5 * torch.randn(2, 78, 2, generator=torch.Generator().manual_seed(5))
    canonical, own = model.motion_reader.from_landmarks(_pictures(1), landmarks)
    made = model.synthesis(model.identity_from(_pictures(1), canonical, own), _motion(4))
    weighted = [
        (part * torch.randn(part.shape, generator=torch.Generator().manual_seed(6))).sum()
        for part in (made.image, made.field.depth, own.rotation, own.translation, own.expression)
    ]
    torch.stack(weighted).sum().backward()
    for name, parameter in model.named_parameters():
        if name.startswith("motion_reader.reader."):
            assert not parameter.requires_grad, name  # published networks, kept as they are
        else:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0, name
    model.zero_grad(set_to_none=True)


@torch.no_grad()
def test_coordinates_stay_float32_under_autocast() -> None:
    model = _model()
    canonical, _ = model.motion_reader(_pictures(1))
    with torch.autocast("cpu", torch.bfloat16):
        identity = model.identity_from(_pictures(1), canonical, _motion(3))
        made = model.synthesis(identity, _motion(3))
    still = image_grid(SIZE, SIZE).expand(2, SIZE, SIZE, 2)
    assert made.field.surface().dtype == torch.float32
    torch.testing.assert_close(made.field.surface(), still, atol=3e-6, rtol=0)


def _gmacs(work: Callable[[], object]) -> float:
    """Return the multiply-accumulates of convolutions and matrix products, in billions."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / 2e9


def test_a_driving_frame_costs_less_than_the_limits() -> None:
    model = _model()
    with torch.no_grad():
        identity = model.identity(_pictures(1, 1))
    render = _gmacs(lambda: model.render(identity, _motion(4, 1)))
    motion = _gmacs(lambda: model.motion(_pictures(2, 1)))
    assert 1.0 < render <= RENDER_GMACS
    assert 0.05 < motion <= MOTION_GMACS


def test_the_weights_fit() -> None:
    stored = sum(2 * tensor.numel() for tensor in _model().state_dict().values())
    assert 1.0 < stored / 1e6 <= STORED_MB


@pytest.mark.parametrize("size", [192, 256, 300])
@torch.no_grad()
def test_motion_is_read_from_any_size(size: int) -> None:
    motion = _model().motion(torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1)))
    assert motion.expression.shape == (1, 20, 3)
    assert torch.isfinite(motion.expression).all()
