"""Trailers: bytes by hand, every length, and nothing that breaks them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import BitstreamError, CorruptPacket
from facewire.transport.trailer import LONGEST_TRAILER, join, split


def test_by_hand() -> None:
    assert join(b"opus", b"ab") == b"opusab\x02"
    assert split(b"opusab\x02") == (b"opus", b"ab")
    assert split(b"o\x00") == (b"o", b"")


@given(st.binary(min_size=1, max_size=1275), st.binary(max_size=LONGEST_TRAILER))
def test_there_and_back(sound: bytes, trailer: bytes) -> None:
    packet = join(sound, trailer)
    assert len(packet) == len(sound) + len(trailer) + 1
    assert split(packet) == (sound, trailer)


@given(st.binary(max_size=1600))
def test_any_bytes(data: bytes) -> None:
    try:
        sound, trailer = split(data)
    except BitstreamError:
        return
    assert join(sound, trailer) == data


@pytest.mark.parametrize("data", [b"", b"x", b"x\x01", b"abc\xff", b"x" * 1600])
def test_refused(data: bytes) -> None:
    with pytest.raises(CorruptPacket):
        split(data)


def test_too_long_a_trailer_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="too long"):
        join(b"x", bytes(256))
