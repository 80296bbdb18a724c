"""Photos beside sound: every byte once, no faster than allowed, in pieces that do not keep the line busy for long."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from facewire.call.conversation.photo_pacer import PIECE_SECONDS, PhotoPacer
from facewire.transport.overhead import acknowledgement_bytes, channel_bytes
from facewire.transport.pieces import Assembly, digest

PHOTO = bytes(range(256)) * 12


def test_a_line_of_which_nothing_is_known_takes_all_at_once() -> None:
    pacer = PhotoPacer()
    pacer.begin(3, PHOTO, 0.0)
    pieces = pacer.take(0.0, math.inf, math.inf)
    assert [len(piece) for piece in pieces] == [1007] * 3 + [79]
    assert not pacer.busy


@given(st.floats(0, 40), st.floats(8, 200), st.lists(st.floats(0.02, 0.3), min_size=150, max_size=150))
def test_whole_in_order_and_no_faster_than_allowed(spare: float, line: float, pauses: list[float]) -> None:
    pacer, now, came = PhotoPacer(), 0.0, None
    pacer.begin(1, PHOTO, now)
    assembly, spent = Assembly(1, len(PHOTO), digest(PHOTO)), 0
    for pause in pauses:
        now += pause
        for piece in pacer.take(now, spare, line):
            came = assembly.add(piece) or came
            spent += channel_bytes(len(piece)) + acknowledgement_bytes()
            assert channel_bytes(len(piece)) <= max(line * 125 * PIECE_SECONDS + 4, channel_bytes(7 + 64))
    assert spent <= 125 * max(0.5, spare) * now + 4 * (len(PHOTO) / 64)
    assert pacer.busy == (came is None)
    assert came in (None, PHOTO)


def test_a_new_photo_takes_the_place_of_the_one_under_way() -> None:
    pacer = PhotoPacer()
    pacer.begin(1, PHOTO, 0.0)
    first = pacer.take(1.0, 8.0, 16.0)
    assert first
    pacer.begin(2, b"x" * 100, 1.0)
    (piece,) = pacer.take(2.0, 8.0, 16.0)
    assert piece[1:3] == b"\x02\x00"
    assert piece[7:] == b"x" * 100
