"""The microphone's side of the sound: uneven pieces in, packets out."""

from __future__ import annotations

import numpy as np

from facewire.call.playout.sound import PIECE, SPARE_PACKETS, Microphone
from facewire.media.sound.opus import PACKET_SAMPLES, Sound


def tone(begin: int, count: int) -> Sound:
    """Return samples of a soft tone of 200 Hz, which grows by at most 53 from one sample to the next."""
    return np.asarray(2000 * np.sin(2 * np.pi * 200 / 48_000 * np.arange(begin, begin + count)), np.int16)


def talk(microphone: Microphone, pieces_ahead: int, packets: int) -> Sound:
    """Return what was taken while pieces came as regularly as packets left, some pieces ahead."""
    ahead = pieces_ahead * PIECE
    for begin in range(0, ahead, PIECE):
        microphone.put(tone(begin, PIECE))
    taken = []
    for packet in range(packets):
        for half in range(2):
            microphone.put(tone(ahead + packet * PACKET_SAMPLES + half * PIECE, PIECE))
        taken.append(microphone.take())
    return np.concatenate(taken)


def test_what_comes_goes_out_as_it_is() -> None:
    out = talk(Microphone(), 1, 3 * SPARE_PACKETS)
    assert (out == tone(0, len(out))).all()


def test_a_backlog_is_left_out_without_a_click() -> None:
    microphone = Microphone()
    out = talk(microphone, 5, 2 * SPARE_PACKETS)
    end = len(out) - PACKET_SAMPLES
    behind = 5 * PIECE
    assert (out[: SPARE_PACKETS * PACKET_SAMPLES] == tone(0, SPARE_PACKETS * PACKET_SAMPLES)).all()
    assert (out[end:] == tone(end + behind - PIECE, PACKET_SAMPLES)).all()
    assert np.abs(np.diff(out.astype(int))).max() < 100
    assert microphone.missing == 0


def test_what_did_not_come_is_silence() -> None:
    microphone = Microphone()
    microphone.put(tone(12, PIECE))
    out = microphone.take()
    assert (out[:PIECE] == tone(12, PIECE)).all()
    assert not out[PIECE:].any()
    assert microphone.missing == PIECE
