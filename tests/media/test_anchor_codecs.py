"""Ordinary codecs as elementary streams: all pictures come back, sizes are honest, rate follows quality."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from facewire.media.anchor_codecs import (
    ANCHORS,
    LOW_DELAY,
    Anchor,
    absence,
    decode_pictures,
    encode_pictures,
)
from facewire.media.frame import Pixels

FRAMES = 8
LABELS = [anchor.label for anchor in ANCHORS]


def moving() -> list[Pixels]:
    """Return a soft blob that wanders over a gradient, 64x64."""
    y, x = np.mgrid[0:64, 0:64]
    pictures = []
    for k in range(FRAMES):
        blob = 120 * np.exp(-((x - 20 - 3 * k) ** 2 + (y - 32) ** 2) / 60)
        pictures.append(np.clip(np.stack((blob + x, blob + y, 60 + blob), axis=2), 0, 255).astype(np.uint8))
    return pictures


@pytest.mark.parametrize("anchor", ANCHORS, ids=LABELS)
def test_pictures_come_back_in_order(anchor: Anchor) -> None:
    if absence(anchor):
        pytest.skip(absence(anchor))
    pictures = moving()
    fine = encode_pictures(pictures, Fraction(25), anchor, anchor.qualities[0])
    coarse = encode_pictures(pictures, Fraction(25), anchor, anchor.qualities[-1])
    shown = list(decode_pictures(fine, anchor))
    assert len(shown) == FRAMES == len(list(decode_pictures(coarse, anchor)))
    errors = [[np.abs(a.astype(int) - b).mean() for b in pictures] for a in shown]
    assert [int(np.argmin(row)) for row in errors] == list(range(FRAMES))
    assert sum(coarse.sizes) < sum(fine.sizes)
    assert max(fine.sizes) == fine.sizes[0]


@pytest.mark.parametrize("anchor", [a for a in ANCHORS if a.name == "x264"], ids=lambda a: a.label)
def test_what_the_encoder_says_about_itself_is_not_charged(anchor: Anchor) -> None:
    coded = encode_pictures(moving(), Fraction(25), anchor, 40)
    written = sum(len(packet) for packet in coded.packets)
    assert any(b"x264 - core" in packet for packet in coded.packets)
    assert 400 < written - sum(coded.sizes) < 1000


@pytest.mark.parametrize("anchor", [a for a in ANCHORS if a.mode == LOW_DELAY], ids=lambda a: a.label)
def test_low_delay_sends_each_picture_at_once_and_knows_no_later_one(anchor: Anchor) -> None:
    if absence(anchor):
        pytest.skip(absence(anchor))
    coded = encode_pictures(moving(), Fraction(25), anchor, anchor.qualities[2])
    shown = list(decode_pictures(coded, anchor))
    partial = type(coded)(coded.packets[:4], coded.sizes[:4])
    early = list(decode_pictures(partial, anchor))
    assert len(early) == 4
    for one, other in zip(early, shown):
        assert np.array_equal(one, other)
    otherwise = encode_pictures([*moving()[:5], *moving()[4::-1]], Fraction(25), anchor, anchor.qualities[2])
    assert otherwise.packets[:5] == coded.packets[:5]
    assert otherwise.packets[5] != coded.packets[5]


def test_every_anchor_has_several_rates_from_good_to_bad() -> None:
    for anchor in ANCHORS:
        assert len(anchor.qualities) >= 5
        assert list(anchor.qualities) == sorted(anchor.qualities)
