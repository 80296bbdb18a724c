"""Photos in pieces: whole ones arrive, everything else is refused without taking memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import CorruptPacket
from facewire.transport.pieces import LARGEST_PHOTO, PIECE_BYTES, Assembly, digest, pieces

PHOTO = bytes(range(256)) * 10


def whole(data: bytes, epoch: int = 3) -> bytes | None:
    assembly = Assembly(epoch, len(data), digest(data))
    out = None
    for piece in pieces(epoch, data):
        assert out is None
        out = assembly.add(piece)
    return out


@given(st.binary(min_size=1, max_size=4 * PIECE_BYTES))
def test_there_and_back(data: bytes) -> None:
    assert whole(data) == data


def test_progress() -> None:
    assembly = Assembly(0, len(PHOTO), digest(PHOTO))
    seen = []
    for piece in pieces(0, PHOTO):
        assembly.add(piece)
        seen.append(assembly.progress)
    assert seen == pytest.approx([1000 / 2560, 2000 / 2560, 1.0])


@pytest.mark.parametrize("length", [0, -1, LARGEST_PHOTO + 1])
def test_impossible_lengths(length: int) -> None:
    with pytest.raises(CorruptPacket):
        Assembly(0, length, digest(b""))


def test_wrong_pieces() -> None:
    first, second, third = pieces(3, PHOTO)
    for wrong in (second, first[:7], b"", b"\x00" + first[1:], first + b"x", next(pieces(4, PHOTO))):
        with pytest.raises(CorruptPacket):
            Assembly(3, len(PHOTO), digest(PHOTO)).add(wrong)
    assembly = Assembly(3, len(PHOTO), bytes(32))
    assembly.add(first)
    assembly.add(second)
    with pytest.raises(CorruptPacket, match="hash"):
        assembly.add(third)


@given(st.lists(st.binary(max_size=1200), max_size=6))
def test_any_bytes(data: list[bytes]) -> None:
    assembly = Assembly(0, 5000, bytes(32))
    for piece in data:
        try:
            assembly.add(piece)
        except CorruptPacket:
            continue
    assert assembly.progress <= 1
