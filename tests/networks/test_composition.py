"""Two layers: what moves, what stands still, and that both together are the photo."""

from __future__ import annotations

import torch

from facewire.geometry.grid import image_grid
from facewire.networks.compact.background import REACH, complete
from facewire.networks.composition import Layers


def _scene() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a striped wall with a light square before it, and the square's matte."""
    rows = torch.arange(64)[:, None].expand(64, 64)
    wall = ((rows // 4) % 2).float() * 0.5
    matte = torch.zeros(1, 1, 64, 64)
    matte[..., 20:44, 20:44] = 1
    return torch.where(matte > 0, torch.tensor(0.9), wall).expand(1, 3, -1, -1), matte


def test_what_is_background_is_kept_and_what_a_person_hides_is_filled_from_it() -> None:
    image, matte = _scene()
    found = complete(image, matte)
    far = torch.nn.functional.max_pool2d(matte, REACH, 1, REACH // 2) == 0
    assert torch.equal(found[far.expand_as(found)], image[far.expand_as(found)])
    assert found.max() <= 0.5  # nothing of the person
    assert 0.1 < found[..., 30:34, 30:34].mean() < 0.4
    nobody = torch.zeros_like(matte)
    torch.testing.assert_close(complete(image, nobody), image)
    assert torch.isfinite(complete(image, torch.ones_like(matte))).all()


def test_layers_at_rest_are_the_photo_and_a_moved_person_leaves_the_background_alone() -> None:
    image, matte = _scene()
    soft = torch.nn.functional.avg_pool2d(matte, 3, 1, 1)
    layers = Layers.of(image, soft, complete(image, soft))
    still = image_grid(16, 16)[None]
    picture, share = layers.read(still)
    torch.testing.assert_close(picture, image, atol=1e-5, rtol=0)
    torch.testing.assert_close(share, soft, atol=1e-5, rtol=0)
    moved, share = layers.read(still - torch.tensor([16 / 63 * 2, 0.0]))  # 16 pixels to the right
    assert share[..., 30, 20:30].max() < 0.01
    assert share[..., 30, 40:56].min() > 0.99
    torch.testing.assert_close(moved[..., :10, :], image[..., :10, :], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[..., 24:40, 38:58], torch.full((1, 3, 16, 20), 0.9), atol=1e-5, rtol=0)
    assert moved[..., 30, 20:30].max() <= 0.5  # where the person was, the wall
