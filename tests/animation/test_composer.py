"""The whole picture: reference against today's square, OpenCV against the reference, borders, odd squares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import Tensor

from facewire.animation.composition.composer import Composer
from facewire.animation.composition.plates import Separated
from facewire.animation.composition.turned_composer import TurnedComposer, together
from facewire.engines.parts import Layer, Parts
from facewire.engines.torch_batches import parts_of
from facewire.face.crop import CropBox, crop
from facewire.face.region import SquareRegion
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.frame import Pixels
from facewire.media.image import resize
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.fading import FADED_SHARE, NARROW_SHARE, Fading
from facewire.networks.large_picture import BEHIND, MATTE, put_together
from facewire.networks.sources import PERSON, PHOTO
from facewire.networks.types import Identity
from facewire.networks.weights import load_model

NEVER = Fading(False, False, False, False)
BOXES = (
    CropBox(110, 10, 240),  # smaller than the fields
    CropBox(90, 0, 300),
    CropBox(-40, -30, 330),  # beyond the photo
    CropBox(230, 300, 330),
)


@pytest.fixture(scope="module")
def model() -> CompactTalkingHead:
    """The shipped numbers without layers: every candidate is read from the photo."""
    shipped, _ = load_model()
    assert isinstance(shipped, CompactTalkingHead)
    plain = CompactTalkingHead(replace(shipped.config, layers=False, mirror=False)).eval()
    own = plain.state_dict()
    plain.load_state_dict({name: part for name, part in shipped.state_dict().items() if name in own})
    return plain


@pytest.fixture(scope="module")
def identity(model: CompactTalkingHead) -> Identity:
    with torch.inference_mode():
        return model.identity(image(crop(astronaut(), CropBox(110, 10, 240), 256)))


@pytest.fixture(scope="module")
def motion(identity: Identity) -> HeadMotion:
    return identity.motion.turned_at_neck(rotation_from_degrees(15, 5, 4))


@pytest.fixture(scope="module")
def parts(model: CompactTalkingHead, identity: Identity, motion: HeadMotion) -> Parts:
    return parts_of(model, identity, motion)[0]


def image(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def levels(frame: Tensor) -> np.ndarray:
    return frame[0].permute(1, 2, 0).numpy() * 255


@pytest.mark.slow
@torch.inference_mode()
def test_at_256_without_a_window_it_is_todays_picture(
    model: CompactTalkingHead, identity: Identity, motion: HeadMotion, parts: Parts
) -> None:
    square = crop(astronaut(), CropBox(110, 10, 240), 256)
    today = levels(model.render(identity, motion))
    composition = model.composition(identity, motion)
    reference = put_together(
        composition, {PHOTO: image(square)}, (0, 0, 256), torch.from_numpy(NEVER.window(256))
    )
    assert np.abs(levels(reference) - today).max() < 0.01
    fast = Composer(square, CropBox(0, 0, 256)).square(parts)
    assert np.abs(fast - today).max() < 2
    assert np.abs(fast - today).mean() < 0.3


@pytest.mark.parametrize("box", BOXES)
@torch.inference_mode()
def test_opencv_gives_what_the_reference_gives(
    box: CropBox, model: CompactTalkingHead, identity: Identity, motion: HeadMotion, parts: Parts
) -> None:
    photo = astronaut()
    window = Fading.within(box.left, box.top, box.side, *photo.shape[:2]).window(256)
    known = put_together(
        model.composition(identity, motion),
        {PHOTO: image(photo)},
        (box.left, box.top, box.side),
        torch.from_numpy(window),
    )
    for threads in (1, 2):
        error = np.abs(Composer(photo, box, threads=threads).square(parts) - levels(known))
        assert error.mean() < 0.3
        assert error.max() < 8


def test_a_head_that_the_photo_cuts_off_ends_above_as_a_head_does() -> None:
    """A dark head of 100 pixels width before a grey wall, cut by the photo's upper border, goes 60 pixels down."""
    photo, matte = np.full((400, 400, 3), 128, np.uint8), np.zeros((256, 256), np.float32)
    photo[:250, 150:250] = 20
    matte[:213, round(50 * 256 / 300) : round(150 * 256 / 300)] = 1  # the square begins at column 100
    grid = np.stack(np.meshgrid(*2 * (np.linspace(-1, 1, 64, dtype=np.float32),)), axis=-1)
    grid[..., 1] -= 2 * 60 / 300 * 256 / 255
    shares = np.full((256, 256, 1), 0.8, np.float32)
    paint = np.full((256, 256, 3), 0.3, np.float32)  # of a head that goes on above for ever
    moved = Parts((Layer(PERSON, grid),), shares, paint)
    shown = {}
    for capped in (False, True):
        composer = Composer(photo, CropBox(100, 0, 300), fading=NEVER, capped=capped)
        composer.separate(matte, np.full((256, 256, 3), 128, np.uint8))
        shown[capped] = composer.whole(moved)[:, 200, 0].astype(int)
    assert shown[False][10] < 110 + 0.3 * 255  # streaks, and the paint on them
    assert np.abs(shown[True][2:30] - 128).max() <= 2  # the wall, unpainted
    assert shown[True][59] < 60  # the cap is about 12 pixels high
    np.testing.assert_array_equal(shown[True][90:], shown[False][90:])


@pytest.mark.parametrize("box", BOXES)
def test_outside_the_square_and_at_its_border_stands_the_photo(box: CropBox, parts: Parts) -> None:
    photo = astronaut()
    composer = Composer(photo, box)
    whole = composer.whole(parts)
    _, (rows, columns) = composer.inside()
    changed = whole[rows, columns] != photo[rows, columns]
    assert changed[60:-60, 60:-60].any()
    outside = np.ones(photo.shape[:2], bool)
    outside[rows, columns] = False
    assert np.array_equal(whole[outside], photo[outside])
    # Where the photo goes on, the step over the border is the photo's own.
    edges = (rows.start > 0, rows.stop < 512, columns.start > 0, columns.stop < 512)
    lines = (changed[0], changed[-1], changed[:, 0], changed[:, -1])
    for goes_on, line in zip(edges, lines, strict=True):
        assert not (goes_on and line.any())


def test_nobody_moves_nothing_changes_but_the_repair() -> None:
    photo = astronaut()
    still = Parts(
        (Layer(PHOTO, None),), np.ones((256, 256, 1), np.float32), np.zeros((256, 256, 3), np.float32)
    )
    assert np.array_equal(Composer(photo, CropBox(90, 0, 300)).whole(still), photo)
    grid = np.stack(np.meshgrid(*2 * (np.linspace(-1, 1, 64, dtype=np.float32),)), axis=-1)
    same = Parts((Layer(PHOTO, grid),), still.shares, still.repair)
    assert np.abs(Composer(photo, CropBox(90, 0, 300)).whole(same).astype(int) - photo).max() <= 1


def test_a_displacement_reads_the_photo_beyond_the_square() -> None:
    photo = resize(astronaut(), (600, 600))
    grid = np.stack(np.meshgrid(*2 * (np.linspace(-1, 1, 64, dtype=np.float32),)), axis=-1)
    grid[..., 1] += 2 * 100 / 300 * 256 / 255  # 100 of 300 pixels further down
    down = Parts(
        (Layer(PHOTO, grid),), np.ones((256, 256, 1), np.float32), np.zeros((256, 256, 3), np.float32)
    )
    square = Composer(photo, CropBox(150, 150, 300), fading=NEVER).square(down)
    assert np.abs(square.astype(int) - photo[250:550, 150:450]).max() <= 1


@pytest.fixture(scope="module")
def separated() -> Separated:
    """The astronaut before a made-up background, with a soft matte."""
    y, x = np.mgrid[0:512, 0:512]
    matte = np.clip((120 - np.hypot(x - 225, (y - 120) * 0.8)) / 15 + 0.5, 0, 1).astype(np.float32)
    behind = np.stack((x // 3, y // 3, np.full_like(x, 60)), axis=-1).astype(np.uint8)
    return Separated.of(astronaut(), matte, behind)


@pytest.mark.parametrize("box", BOXES)
@torch.inference_mode()
def test_a_person_moves_before_a_background_that_stands_still(
    box: CropBox, separated: Separated, model: CompactTalkingHead, identity: Identity, motion: HeadMotion
) -> None:
    photo, made = astronaut(), model.composition(identity, motion)
    person = replace(made, candidates=(replace(made.candidates[0], of=PERSON), *made.candidates[1:]))
    composer = Composer(photo, box, separated=separated)
    own = crop(np.repeat((255 * separated.matte).astype(np.uint8)[..., None], 3, axis=2), box, 256)[..., 0]
    fading = Fading.within(box.left, box.top, box.side, *photo.shape[:2])
    window = fading.window(256, own.astype(np.float32) / np.float32(255))
    pictures = {
        PHOTO: image(photo),
        MATTE: torch.from_numpy(separated.matte)[None, None],
        BEHIND: image(separated.background),
    }
    known = put_together(person, pictures, (box.left, box.top, box.side), torch.from_numpy(window))
    plain = parts_of(model, identity, motion)[0]
    layers = (Layer(PERSON, plain.candidates[0].flow), *plain.candidates[1:])
    fast = composer.square(Parts(layers, plain.shares, plain.repair))
    error = np.abs(fast - levels(known))
    assert error.mean() < 0.4
    assert error.max() < 8


def test_where_the_photo_fades_in_nobody_who_has_moved_away_is_left() -> None:
    """A dark stripe before a grey wall, in the fading fifth of the square, goes 40 pixels to the left."""
    photo, matte = np.full((500, 500, 3), 128, np.uint8), np.zeros((500, 500), np.float32)
    photo[:, 340:375], matte[:, 340:375] = 20, 1
    grid = np.stack(np.meshgrid(*2 * (np.linspace(-1, 1, 64, dtype=np.float32),)), axis=-1)
    grid[..., 0] += 2 * 40 / 300 * 256 / 255
    moved = Parts(
        (Layer(PERSON, grid),), np.ones((256, 256, 1), np.float32), np.zeros((256, 256, 3), np.float32)
    )
    composer = Composer(photo, CropBox(100, 100, 300), separated=Separated(matte, np.full_like(photo, 128)))
    line = composer.whole(moved)[250, :, 0]
    assert np.abs(line[345:].astype(int) - 128).max() <= 16
    assert line[305:325].max() <= 30


def test_a_person_that_stands_still_is_the_photo(separated: Separated) -> None:
    photo = astronaut()
    still = Parts(
        (Layer(PERSON, None),), np.ones((256, 256, 1), np.float32), np.zeros((256, 256, 3), np.float32)
    )
    whole = Composer(photo, CropBox(90, 60, 300), separated=separated).whole(still)
    assert np.abs(whole.astype(int) - photo).max() <= 1


def test_two_heads_in_one_photo(parts: Parts) -> None:
    photo = np.concatenate((astronaut(), astronaut()), axis=1)
    left, right = Composer(photo, CropBox(90, 0, 300)), Composer(photo, CropBox(602, 0, 300))
    both = together([(left, parts), (right, parts)])
    assert np.array_equal(both[:, :512], left.whole(parts)[:, :512])
    assert np.array_equal(both[:, 512:], right.whole(parts)[:, 512:])


def test_the_window_falls_smoothly_and_only_where_the_photo_goes_on() -> None:
    window = Fading.within(0, 5, 100, 400, 100).window(256)
    assert (window[128] == 1).all()  # as wide as the photo
    down = window[:, 128]
    assert (down[:3] == 0).all()
    assert (down[52:204] == 1).all()
    assert np.abs(np.diff(down)).max() < 0.04
    np.testing.assert_allclose(down, down[::-1], atol=1e-6)


def test_the_window_falls_slowly_only_where_the_person_crosses_the_border() -> None:
    person = np.zeros((256, 256), np.float32)
    person[128:, 100:140] = 1  # crosses the lower border, and comes near no other
    window = Fading().window(256, person)
    fast, slow = round(NARROW_SHARE * 256), round(FADED_SHARE * 256)
    assert window[128, fast] == 1
    assert window[fast, 128] == 1
    assert window[255 - fast, 120] < 0.4
    assert window[255 - slow, 120] == 1
    assert np.abs(np.diff(window, axis=0)).max() < 0.15
    for border in (window[:3], window[-3:], window[:, :3], window[:, -3:]):
        assert (border == 0).all()


def test_a_tilted_square_is_the_upright_one_turned(parts: Parts) -> None:
    photo = astronaut()
    upright = Composer(photo, CropBox(90, 10, 300)).whole(parts)
    same = TurnedComposer(photo, SquareRegion(240.0, 160.0, 300.0, 0.0)).whole(parts)
    assert np.abs(upright.astype(int) - same).max() <= 1
    # A quarter turn of photo and square turns the result, pixel for pixel.
    quarter = np.ascontiguousarray(np.rot90(photo, -1))  # clockwise: (x, y) goes to (512 - y, x)
    turned = TurnedComposer(quarter, SquareRegion(352.0, 240.0, 300.0, np.pi / 2)).whole(parts)
    assert np.abs(np.rot90(turned, 1).astype(int) - same).mean() < 0.05


def test_a_tilted_square_leaves_what_does_not_move_exactly() -> None:
    photo = astronaut()
    still = Parts(
        (Layer(PHOTO, None),), np.ones((256, 256, 1), np.float32), np.zeros((256, 256, 3), np.float32)
    )
    for region in (SquareRegion(240.0, 160.0, 300.3, 0.5), SquareRegion(10.0, 500.0, 90.0, -2.0)):
        assert np.array_equal(TurnedComposer(photo, region).whole(still), photo)
