"""How long an Opus packet is, told from its head: RFC 6716's table, and what the encoder makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import CorruptPacket
from facewire.media.sound.opus import PACKET_MS, OpusDecoder, OpusEncoder
from facewire.transport.opus_head import opus_samples


@pytest.mark.parametrize(
    ("head", "milliseconds"),
    [
        ("00", 10), ("18", 60), ("19", 120), ("60", 10), ("78", 20), ("80", 2.5), ("98", 20), ("f8", 20),
        ("5b02", 120), ("fb06", 120), ("8330", 120),
    ],
)  # fmt: skip
def test_the_table(head: str, milliseconds: float) -> None:
    assert opus_samples(bytes.fromhex(head)) == 48 * milliseconds


@pytest.mark.parametrize("head", ["", "03", "0300", "1b03", "fb07", "8331"])
def test_refused(head: str) -> None:
    with pytest.raises(CorruptPacket):
        opus_samples(bytes.fromhex(head))


@given(st.binary(max_size=3))
def test_any_bytes(data: bytes) -> None:
    try:
        assert 0 < opus_samples(data) <= 5760
    except CorruptPacket:
        return


@pytest.mark.parametrize("milliseconds", PACKET_MS)
@pytest.mark.parametrize("bit_rate", [6_000, 9_000, 12_000, 16_000, 24_000])
def test_what_the_encoder_makes(bit_rate: int, milliseconds: int) -> None:
    encoder = OpusEncoder(bit_rate, milliseconds)
    packet = encoder.encode(np.zeros(48 * milliseconds, np.int16))
    assert opus_samples(packet) == encoder.samples == 48 * milliseconds
    assert len(packet) == pytest.approx(bit_rate * milliseconds / 8000, abs=1)
    assert len(OpusDecoder().decode(packet)) == encoder.samples
