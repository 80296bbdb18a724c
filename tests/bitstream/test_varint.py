"""LEB128: hand values, round trips, and every malformed shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import CorruptPacket, TruncatedStream
from facewire.bitstream.reader import ByteReader
from facewire.bitstream.varint import LARGEST, read_varint, write_varint


@pytest.mark.parametrize(
    ("value", "coded"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (LARGEST, "ffffffffffffff7f")],
)
def test_hand_values(value: int, coded: str) -> None:
    assert write_varint(value).hex() == coded
    assert read_varint(bytes.fromhex(coded), 0) == (value, len(coded) // 2)


@given(st.integers(0, LARGEST), st.binary(max_size=4), st.binary(max_size=4))
def test_round_trip_inside_other_bytes(value: int, before: bytes, after: bytes) -> None:
    coded = write_varint(value)
    assert read_varint(before + coded + after, len(before)) == (value, len(before) + len(coded))


@pytest.mark.parametrize("value", [-1, LARGEST + 1])
def test_values_that_do_not_fit(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        write_varint(value)


def test_cut_number_names_the_end() -> None:
    with pytest.raises(TruncatedStream) as caught:
        read_varint(b"\x80\x80", 0, base=100)
    assert caught.value.offset == 102


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\x80\x00", b"\x80" * 9, b"\xff" * 8 + b"\x01"])
def test_longer_than_needed_or_allowed(data: bytes) -> None:
    with pytest.raises(CorruptPacket) as caught:
        read_varint(b"\0" + data, 1, base=10)
    assert caught.value.offset == 11


@given(st.binary(max_size=12))
def test_any_bytes_give_the_shortest_encoding_or_an_error(data: bytes) -> None:
    try:
        value, end = read_varint(data, 0)
    except (CorruptPacket, TruncatedStream):
        return
    assert write_varint(value) == data[:end]


def test_reader_checks_ranges_and_remainders() -> None:
    reader = ByteReader(b"\x05\x01\x02rest", base=50)
    with pytest.raises(CorruptPacket, match="the count is 5, allowed are 1 to 4"):
        ByteReader(b"\x05").varint("the count", 1, 4)
    assert reader.varint("the count", 0, 9) == 5
    assert reader.uint(2) == 0x0201
    with pytest.raises(CorruptPacket, match="4 bytes too many"):
        reader.finish("a test")
    with pytest.raises(TruncatedStream) as caught:
        reader.take(5)
    assert caught.value.offset == 57
    assert reader.rest() == b"rest"
    reader.finish("a test")
