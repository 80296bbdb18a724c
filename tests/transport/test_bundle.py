"""Messages with many faces, a report or a copy of sound: golden bytes, every field, any bytes, the older version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import BitstreamError, CorruptPacket, TruncatedStream, UnsupportedVersion
from facewire.transport.bundle import Bundle
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO, Acknowledgement
from facewire.transport.line_report import LineReport

A, B, C = (30, b"\xaa\xaa"), (20, b"\xbb"), (10, b"\xcc\xcc")
GOLDEN = [
    (Bundle(faces=(A, B, C)), "8103" + "1e02aaaa" + "1401bb" + "0a02cccc"),
    (
        Bundle(ack=Acknowledgement(5, 127), report=LineReport(loss=0.2, kbit_per_s=16.0), faces=(B,)),
        "8d" + "05fe" + "33000020" + "01" + "1401bb",
    ),
    (Bundle(PAUSED, True, copy=(12, b"\x58\x01")), "e3" + "00" + "0c5801"),
    (Bundle(faces=(C,), thinned=True), "81" + "09" + "0a02cccc"),
]
OLD = [(Bundle(), "01"), (Bundle(faces=(B,)), "0914bb"), (Bundle(faces=(A, B)), "49" + "1e02aaaa" + "14bb")]


@pytest.mark.parametrize(("message", "data"), GOLDEN + OLD)
def test_golden(message: Bundle, data: str) -> None:
    assert message.to_bytes().hex() == data
    assert Bundle.parse(bytes.fromhex(data)) == message


faces = st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=60))
reports = st.none() | st.binary(min_size=4, max_size=4).map(LineReport.parse)
messages = st.builds(
    Bundle,
    st.sampled_from((SYNTHESIS, VIDEO, PAUSED)),
    st.booleans(),
    st.none() | st.builds(Acknowledgement, st.integers(0, 511), st.integers(0, 127)),
    st.lists(faces, max_size=7).map(tuple),
    reports,
    st.none() | st.tuples(st.integers(1, 255), st.binary(min_size=1, max_size=90)),
    st.booleans(),
)


@given(messages)
def test_there_and_back(message: Bundle) -> None:
    assert Bundle.parse(message.to_bytes()) == message


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    try:
        message = Bundle.parse(data)
    except BitstreamError:
        return
    assert Bundle.parse(message.to_bytes()) == message


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("", TruncatedStream),
        ("8000", CorruptPacket),
        ("b100", CorruptPacket),
        ("81", TruncatedStream),
        ("8500", TruncatedStream),
        ("89000000", TruncatedStream),
        ("8110", UnsupportedVersion),
        ("81010a00", CorruptPacket),
        ("81010a02cc", TruncatedStream),
        ("810000", CorruptPacket),
        ("c100", TruncatedStream),
        ("c10005", CorruptPacket),
        ("c1000058", CorruptPacket),
    ],
)
def test_refused(data: str, error: type[BitstreamError]) -> None:
    with pytest.raises(error):
        Bundle.parse(bytes.fromhex(data))
