"""Sound of a call: uneven pieces in, packets of any step out, losses and changes of step without a click."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from facewire.call.conversation.sound_sender import SoundSender
from facewire.call.line.steps import STEPS, Step
from facewire.call.playout.playout import GROWTH, RATE, Playout
from facewire.call.playout.sound import PIECE, SPARE_PACKETS, Loudspeaker, Microphone
from facewire.media.sound.opus import PACKET_SAMPLES, OpusDecoder, Sound


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


STEEPEST = 53
"""Growth of the tone from one sample to the next."""


def sent(steps: list[Step], lose: set[int] = frozenset()) -> list[tuple[int, int, bytes]]:  # type: ignore[assignment]
    """Return media time, samples and packet of a tone that is sent with one step after another."""
    sender, start, out = SoundSender(), 0, []
    for number, step in enumerate(steps):
        packet = sender.encode(tone(start, step.samples), start, step)
        if number not in lose:
            out.append((start, step.samples, packet))
        start += step.samples
    return out


def played(packets: list[tuple[int, int, bytes]], seconds: float) -> Sound:
    """Return what is played of packets that come the moment that they are whole."""
    playout = Playout()
    speaker, out, waiting = Loudspeaker(playout), [], list(packets)
    for step in range(round(seconds / 0.01)):
        now = 0.01 * step
        while waiting and (waiting[0][0] + waiting[0][1]) / RATE <= now:
            start, samples, packet = waiting.pop(0)
            playout.sound_came(start, start + samples, (start + samples) / RATE)
            speaker.put(start, packet, samples)
        out.append(speaker.read(480, now))
    return np.concatenate(out)


def steepest(sound: Sound) -> int:
    """Return the largest step from one sample to the next."""
    return int(np.abs(np.diff(sound.astype(int))).max())


@pytest.mark.parametrize("order", [(0, 4), (4, 0), (0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 4, 2)])
def test_another_encoder_goes_on_where_the_one_before_ends(order: tuple[int, ...]) -> None:
    packets = sent([STEPS[place] for place in order for _ in range(6)])
    decoder = OpusDecoder()
    sound = np.concatenate([decoder.decode(packet) for _, _, packet in packets])
    settled = sound[PACKET_SAMPLES:]
    loudness = np.abs(settled[: len(settled) // 960 * 960].reshape(-1, 960).astype(int)).max(1)
    assert loudness.min() > 1000  # no gap at a change


@pytest.mark.parametrize("order", [(0, 4), (4, 0), (0, 1, 2, 3, 4, 3, 2, 1, 0)])
def test_steps_change_without_a_click(order: tuple[int, ...]) -> None:
    packets = sent([STEPS[place] for place in order for _ in range(12)])
    heard = played(packets, packets[-1][0] / RATE)
    assert steepest(heard[RATE // 5 :]) < 4 * STEEPEST


@pytest.mark.parametrize("step", [STEPS[0], STEPS[-1]])
@pytest.mark.parametrize("lose", [{7}, {7, 8, 9}, {7, 9, 11}])
def test_losses_are_covered_without_a_click(step: Step, lose: set[int]) -> None:
    packets = sent([step] * 16, lose)
    heard = played(packets, packets[-1][0] / RATE)
    assert steepest(heard[RATE // 5 :]) < 4 * STEEPEST


def test_a_copy_holds_the_sound_of_the_packet_that_it_stands_for() -> None:
    sender = SoundSender()
    for number in range(6):
        sender.encode(tone(number * PACKET_SAMPLES, PACKET_SAMPLES), number * 1920, STEPS[0], copies=6000)
    at, packet = sender.copy(2) or (0, b"")
    assert at == 3 * PACKET_SAMPLES
    assert len(packet) == 30
    assert sender.copy(6) is None


def test_copies_of_sound_move_the_clock_little_by_little() -> None:
    playout, bases = Playout(), []
    for number in range(100):
        now = 0.12 * number
        playout.sound_came(5_760 * (number - 1), 5_760 * number, now)
        if number > 20:
            playout.copy_came(5_760 * (number - 4), now)  # 0.48 s late
        bases.append(playout.base or 0.0)
    jumps = [after - before for before, after in pairwise(bases)]
    assert max(jumps) == pytest.approx(GROWTH)
    assert sum(jump > 0.1 for jump in jumps) == 2  # the rest goes at walking pace
    assert bases[20] == pytest.approx(0.15, abs=0.02)
    assert bases[-1] == pytest.approx(0.48 + 0.15, abs=0.03)


def test_a_late_packet_is_waited_for_if_the_clock_says_so() -> None:
    """The clock goes back by 200 ms; nothing that comes then is lost, and no sample clicks."""
    playout = Playout()
    speaker, out = Loudspeaker(playout), []
    packets = sent([STEPS[0]] * 60)
    for step in range(240):
        now = 0.01 * step
        late = 0.2 if now > 0.8 else 0.0
        while packets and (packets[0][0] + packets[0][1]) / RATE + late <= now:
            start, samples, packet = packets.pop(0)
            playout.sound_came(start, start + samples, now)
            speaker.put(start, packet, samples)
        out.append(speaker.read(480, now))
    assert speaker.waited >= 5
    assert speaker.concealed < 16  # of which 3 before the first packet
    assert steepest(np.concatenate(out)[RATE // 5 :]) < 6 * STEEPEST


class Behind(Playout):
    """Plays everything 0.4 s after it was said."""

    def position(self, now: float) -> float:
        return (now - 0.4) * RATE


@pytest.mark.parametrize("copies", [0, 6000, 12_000])
def test_lost_sound_is_played_from_its_copies(copies: int) -> None:
    sender, speaker, back, out = SoundSender(), Loudspeaker(Behind()), 6, []
    for number in range(30):
        start = number * PACKET_SAMPLES
        packet = sender.encode(tone(start, PACKET_SAMPLES), start, STEPS[0], copies=copies)
        copy = sender.copy(back)
        if number not in range(12, 17):
            speaker.put(start, packet)
            if copy is not None:
                speaker.put_copy(copy[0], copy[1], PACKET_SAMPLES)
        out += [speaker.read(960, (start + PACKET_SAMPLES + half) / RATE) for half in (0, 960)]
    heard = np.concatenate(out)[RATE // 2 :]
    loudness = np.abs(heard[: len(heard) // 960 * 960].reshape(-1, 960).astype(int)).max(1)
    assert (loudness.min() > 1000) == (copies > 0)
    assert steepest(heard) < 4 * STEEPEST


def test_the_decoder_goes_on_with_what_was_and_fades() -> None:
    decoder = OpusDecoder()
    assert not decoder.cover().any()
    for _, _, packet in sent([STEPS[0]] * 6):
        before = decoder.decode(packet)
    covered = np.concatenate([before, *(decoder.cover() for _ in range(10))])
    assert np.abs(covered[1920:2880]).max() > 1000
    assert np.abs(covered[-960:]).max() < 100
    assert steepest(covered) < 2 * STEEPEST
