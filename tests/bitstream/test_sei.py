"""Bits, NAL units and generative face video messages: hand values, round trips, any bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import BitstreamError, CorruptPacket, MissingReference, TruncatedStream
from facewire.bitstream.sei.bits import BitReader, BitWriter
from facewire.bitstream.sei.message import (
    AFFINE,
    FEATURES,
    ROTATION,
    TRANSLATION,
    ChromaKey,
    Coordinates,
    GfvMessage,
    Matrices,
    Matrix,
)
from facewire.bitstream.sei.nal import (
    H264,
    H265,
    Codec,
    Message,
    access_unit,
    message_unit,
    messages_of,
    units_of,
    with_messages,
)
from facewire.bitstream.sei.reader import GfvReader
from facewire.bitstream.sei.writer import GfvWriter


def row(*elements: int, precision: int = 1) -> Matrices:
    return Matrices(precision, (Matrix(FEATURES, 1, 1, len(elements), elements),))


def bits_of(payload: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in payload)


def test_exp_golomb_is_that_of_the_standard() -> None:
    writer = BitWriter()
    for value in (0, 1, 2, 3, 4, 7):
        writer.golomb(value)
    assert bits_of(writer.payload()).startswith("101001100100001010001000")
    reader = BitReader(writer.payload())
    assert [reader.golomb("a number", 9) for _ in range(6)] == [0, 1, 2, 3, 4, 7]
    reader.end("six numbers")


def test_a_first_message_bit_by_bit() -> None:
    message = GfvMessage(id=0, count=0, base=True, matrices=row(2, -3))
    expected = (
        "1 1 1"  # gfv_id 0, gfv_cnt 0, base picture
        "0 0 0 0"  # no network, no chroma key, not of low confidence, no coordinates
        "1 1 1"  # matrices; precision 1, one type
        "000111 1 010 1"  # type 7, one matrix, width 2, height 1
        "010 0 0"  # 2 halves: whole 1, rest 0, positive
        "010 1 1"  # -3 halves: whole 1, rest 1, negative
    ).replace(" ", "")
    assert bits_of(GfvWriter().write(message)).rstrip("0") == expected + "1"


def test_a_predicted_message_bit_by_bit() -> None:
    writer = GfvWriter()
    writer.write(GfvMessage(id=0, count=0, base=True, matrices=row(2, -3)))
    later = GfvMessage(id=0, count=1, matrices=row(2, -2), predict_matrices=True)
    expected = "1 010 0 0 0 1 1  1 1  1 010 0".replace(" ", "")  # differences 0 and 1 half
    assert bits_of(writer.write(later)) == expected  # two whole bytes: nothing is filled up


MESSAGES = (
    GfvMessage(
        id=3,
        count=0,
        base=True,
        network=("tag:example.invalid,2026:x", "data:,"),
        chroma_key=ChromaKey(values=(1, None, 255), thresholds=(None, 9)),
        coordinates=Coordinates(8, ((1, -2, 3), (-200, 255, 0)), 7),
        predict_coordinates=True,
        matrices=Matrices(
            4, (Matrix(AFFINE, 2, 3, 3, tuple(range(-9, 9))), Matrix(ROTATION, 1, 3, 3, tuple(range(9))))
        ),
    ),
    GfvMessage(id=3, count=1, matrices=row(1, 2, 3, precision=32), low_confidence=True),
    GfvMessage(
        id=3, count=2, coordinates=Coordinates(8, ((0, 0, 0), (1, 1, 1)), 7), predict_coordinates=True, fusion=True
    ),
    GfvMessage(id=3, count=3, matrices=row(-9, 2, 4, precision=32), predict_matrices=True),
    GfvMessage(id=3, count=0, matrices=Matrices(2, (Matrix(TRANSLATION, 1, 2, 1, (5, -5)),))),
    GfvMessage(id=4, count=0, base=True, network=b"\0\3weights", matrices=row(0)),
)  # fmt: skip


def test_every_kind_of_message_comes_back() -> None:
    writer, reader = GfvWriter(), GfvReader()
    assert [reader.read(writer.write(message)) for message in MESSAGES] == list(MESSAGES)


@given(st.lists(st.lists(st.integers(-40000, 40000), min_size=3, max_size=3), min_size=2, max_size=9))
def test_any_levels_come_back(frames: list[list[int]]) -> None:
    writer, reader = GfvWriter(), GfvReader()
    for count, levels in enumerate(frames):
        message = GfvMessage(
            id=1, count=count, base=count == 0, matrices=row(*levels), predict_matrices=count > 0
        )
        assert reader.read(writer.write(message)) == message


def test_with_count_0_the_base_picture_is_what_is_predicted_from() -> None:
    writer, reader = GfvWriter(), GfvReader()
    for count, level in ((0, 10), (1, 90), (0, 11)):
        message = GfvMessage(
            id=0,
            count=count,
            base=level == 10,
            matrices=row(2 * level),
            predict_matrices=level != 10,
        )
        payload = writer.write(message)
        assert reader.read(payload) == message
    assert len(payload) == 2  # 1 away from the base picture, 79 from the message before


def test_what_a_message_builds_on_must_be_there() -> None:
    writer = GfvWriter()
    writer.write(MESSAGES[0])
    with pytest.raises(MissingReference):
        GfvReader().read(writer.write(MESSAGES[2]))
    with pytest.raises(ValueError, match="predicted from"):
        GfvWriter().write(MESSAGES[3])


def test_a_message_of_giant_matrices_is_refused_before_room_is_made() -> None:
    bits = BitWriter()
    for value in (0, 0):
        bits.golomb(value)
    bits.fixed(0b1_0000_1, 6)
    for value in (0, 0):
        bits.golomb(value)
    bits.fixed(FEATURES, 6)
    for value in (1023, 1023, 1023):
        bits.golomb(value)
    with pytest.raises(CorruptPacket, match="4096"):
        GfvReader().read(bits.payload())


@given(st.binary(max_size=200))
def test_any_payload_gives_a_message_or_an_error_of_ours(data: bytes) -> None:
    reader = GfvReader()
    try:
        message = reader.read(data)
    except BitstreamError:
        return
    assert message.coordinates is not None or message.matrices is not None


@given(st.integers(0, len(MESSAGES) - 1), st.integers(0, 400), st.booleans())
def test_damaged_messages_give_messages_or_errors_of_ours(which: int, place: int, cut: bool) -> None:
    writer, reader = GfvWriter(), GfvReader()
    payloads = [writer.write(message) for message in MESSAGES]
    damaged = bytearray(payloads[which])
    at = place % (8 * len(damaged))
    if cut:
        del damaged[at // 8 :]
    else:
        damaged[at // 8] ^= 128 >> at % 8
    payloads[which] = bytes(damaged)
    for payload in payloads:
        with suppress(BitstreamError):
            assert reader.read(payload).count < 1 << 32


@pytest.mark.parametrize(("codec", "picture"), [(H264, b"\x65\x88"), (H265, b"\x26\x01\xaf")])
@given(payloads=st.lists(st.binary(max_size=600), max_size=4), kind=st.integers(0, 600))
def test_messages_go_before_the_picture_and_come_back(
    codec: Codec, picture: bytes, payloads: list[bytes], kind: int
) -> None:
    head = b"\x67\x42" if codec is H264 else b"\x42\x01"
    messages = [Message(kind, payload) for payload in payloads]
    stream = with_messages(access_unit([head, picture]), messages, codec)
    units = units_of(stream)
    assert units[0] == head
    assert units[-1] == picture
    assert all(b"\0\0" + bytes((low,)) not in unit for unit in units for low in range(3))
    assert list(messages_of(stream, codec)) == messages
    assert units_of(with_messages(stream, [], codec)) == [head, picture]


@given(st.binary(max_size=100))
def test_any_access_unit_gives_messages_or_errors_of_ours(data: bytes) -> None:
    for codec in (H264, H265):
        try:
            found = list(messages_of(b"\0\0\1" + codec.head + data, codec))
        except (TruncatedStream, CorruptPacket):
            continue
        assert sum(len(message.payload) for message in found) <= len(data)


def test_the_message_unit_of_h264_byte_by_byte() -> None:
    unit = message_unit([Message(5, b"\0\0\0"), Message(300, b"")], H264)
    assert unit == bytes.fromhex("06 0503 0000 0300 ff2d00 80")
