"""Face messages: golden bytes, every field, any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import BitstreamError, CorruptPacket, TruncatedStream, UnsupportedVersion
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO, Acknowledgement, FaceMessage

GOLDEN = [
    (FaceMessage(), "01"),
    (FaceMessage(VIDEO, True), "13"),
    (FaceMessage(PAUSED, ack=Acknowledgement(0x1FF, 0)), "25ff01"),
    (FaceMessage(ack=Acknowledgement(5, 127), age=10, face=b"\xaa\xbb"), "0d05fe0aaabb"),
    (FaceMessage(age=1, face=b"\xaa", earlier=(11, b"\xbb\xcc")), "490b02bbcc01aa"),
]


@pytest.mark.parametrize(("message", "data"), GOLDEN)
def test_golden(message: FaceMessage, data: str) -> None:
    assert message.to_bytes().hex() == data
    assert FaceMessage.parse(bytes.fromhex(data)) == message


acks = st.none() | st.builds(Acknowledgement, st.integers(0, 511), st.integers(0, 127))
modes = st.sampled_from((SYNTHESIS, VIDEO, PAUSED))


ages, faces = st.integers(0, 255), st.binary(min_size=1, max_size=120)


@given(modes, st.booleans(), acks, ages, faces, st.none() | st.tuples(ages, faces))
def test_there_and_back(
    mode: int,
    avatar: bool,
    ack: Acknowledgement | None,
    age: int,
    face: bytes,
    earlier: tuple[int, bytes] | None,
) -> None:
    message = FaceMessage(mode, avatar, ack, age, face, earlier)
    assert FaceMessage.parse(message.to_bytes()) == message


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    try:
        message = FaceMessage.parse(data)
    except BitstreamError:
        return
    assert message.to_bytes() == data


def test_what_is_not_marked_as_synthesised_is_refused() -> None:
    for message, data in GOLDEN:
        unmarked = bytes((bytes.fromhex(data)[0] & ~1,)) + bytes.fromhex(data)[1:]
        with pytest.raises(CorruptPacket, match="synthesised"):
            FaceMessage.parse(unmarked)
        assert message.to_bytes()[0] & 1


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("", TruncatedStream),
        ("81", UnsupportedVersion),
        ("31", CorruptPacket),
        ("05ff", TruncatedStream),
        ("0901", TruncatedStream),
        ("0100", CorruptPacket),
        ("41", CorruptPacket),
        ("490b03bbcc", CorruptPacket),
        ("490b00aa01", CorruptPacket),
        ("490b01aa01", TruncatedStream),
    ],
)
def test_refused(data: str, error: type[BitstreamError]) -> None:
    with pytest.raises(error):
        FaceMessage.parse(bytes.fromhex(data))


def test_what_does_not_fit_is_cut_to_what_does() -> None:
    message = FaceMessage(ack=Acknowledgement(700, 9999), age=-3, face=b"x")
    assert FaceMessage.parse(message.to_bytes()) == FaceMessage(
        ack=Acknowledgement(188, 127), age=0, face=b"x"
    )
