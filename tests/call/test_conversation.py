"""Two conversations over a wire that the test holds in its hands."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.call.conversation.conversation import TICK, Conversation
from facewire.call.conversation.party import Party
from facewire.call.conversation.source_photo import IncomingPhoto, OwnSource, SizedPicture
from facewire.call.conversation.states import Event
from facewire.call.messages.peer_messages import PEER_MESSAGES, Bye, Photo
from facewire.call.playout.face_receiver import Show
from facewire.call.playout.playout import RATE
from facewire.codec.tables.shipped import shipped_tables
from facewire.media.still import encode_still
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO
from facewire.transport.trailer import split
from tests.call.stand_ins import SIZE, frame, motion

PARTY = Party(bytes(8), shipped_tables(), SIZE)
SMALL, LARGE = (SizedPicture(side, encode_still(frame(0, side), "webp", 85)[1]) for side in (SIZE, 4 * SIZE))
SOURCE = OwnSource((SMALL, LARGE), motion(0))


class Wire:
    """An outbox that keeps everything."""

    def __init__(self) -> None:
        self.media_out: deque[tuple[bytes, int]] = deque()
        self.reliable_out: deque[str | bytes] = deque()
        self.loose_out: deque[bytes] = deque()

    def media(self, payload: bytes, timestamp: int) -> None:
        self.media_out.append((payload, timestamp))

    def reliable(self, message: str | bytes) -> None:
        self.reliable_out.append(message)

    def loose(self, message: bytes) -> None:
        self.loose_out.append(message)


class Two:
    """Two sides; side 0 sends a moving face, both send sound. RTP clocks begin at random places."""

    def __init__(self, *parties: Party, held: IncomingPhoto | None = None) -> None:
        first, second = parties or (PARTY, PARTY)
        self.wires = (Wire(), Wire())
        self.sides = (
            Conversation(first, SOURCE, self.wires[0], 0.0),
            Conversation(second, SOURCE, self.wires[1], 0.0, held),
        )
        self.offsets = (4_000_000_000, 77)
        self.now = 0.0
        self.events: tuple[list[Event], list[Event]] = ([], [])
        self.shows: list[Show] = []
        self.step = 0

    def greet(self) -> None:
        for side in self.sides:
            side.greet()
        self.settle()

    def settle(self) -> None:
        """Carry reliable messages to and fro until none is left; photos need no preparation."""
        while any(wire.reliable_out for wire in self.wires) or any(side.photos for side in self.sides):
            for index in (0, 1):
                other = self.sides[1 - index]
                while self.wires[index].loose_out:
                    other.hear_loose(self.wires[index].loose_out.popleft(), self.now)
                while self.wires[index].reliable_out:
                    other.hear_reliable(self.wires[index].reliable_out.popleft(), self.now)
                while other.photos:
                    other.photo_prepared(other.photos.popleft())
        for index in (0, 1):
            self.events[index].extend(self.sides[index].events())

    def run(self, seconds: float, lose: float = 0.0, seed: int = 0) -> None:
        chance = random.Random(seed)
        for side in self.sides:
            side.live = True
        end = self.now + seconds
        while self.now < end:
            self.step += 1
            self.now += TICK
            self.sides[0].motion(motion(self.step), self.now - 0.01)
            for index in (0, 1):
                self.sides[index].microphone.put(np.full(1920, 100, np.int16))
                if self.sides[index].next_tick <= self.now + 1e-6:
                    self.sides[index].tick(self.now)
                wire, other = self.wires[index], self.sides[1 - index]
                while wire.media_out:
                    payload, timestamp = wire.media_out.popleft()
                    if chance.random() >= lose:
                        other.hear_media(
                            payload, (timestamp + self.offsets[index]) % (1 << 32), self.now + 0.001
                        )
                while wire.loose_out:
                    message = wire.loose_out.popleft()
                    if chance.random() >= lose:
                        other.hear_loose(message, self.now + 0.001)
            self.settle()
            for part in range(8):
                at = self.now + 0.002 + part * TICK / 8
                show = self.sides[1].due(at)
                if show is not None:
                    self.shows.append(show)
            self.sides[1].sound(1920, self.now + 0.002)


def test_greeting_brings_photos_and_confirmation() -> None:
    two = Two()
    two.greet()
    assert two.events == ([Event.GREETED], [Event.GREETED])
    assert two.sides[1].held is not None
    assert two.sides[1].held.picture == SMALL.data
    assert two.sides[0].sender.ready


def test_a_face_arrives_with_its_motion_and_its_sound() -> None:
    two = Two()
    two.greet()
    two.run(4.0)
    fresh = [show for show in two.shows if show.kind == "fresh"]
    assert len(fresh) >= 90
    last = fresh[-1]
    errors = [np.abs(last.motion.vector() - motion(step).vector()).max() for step in range(two.step + 1)]
    assert min(errors) < 0.03
    assert two.step - int(np.argmin(errors)) < 8
    assert two.sides[1].loudspeaker.played > 90
    assert two.sides[1].refused == two.sides[0].refused == 0


def test_rates_are_what_the_format_promises() -> None:
    two = Two()
    two.greet()
    two.run(4.0)
    sent = two.sides[0].meters.sent
    assert sent.sound.kbit_per_s(two.now) == pytest.approx(24.0, rel=0.1)
    assert sent.face.kbit_per_s(two.now) < 8.0
    assert sent.ip.kbit_per_s(two.now) < 45.0


def test_photos_are_counted_apart_and_the_same_at_both_ends() -> None:
    two = Two()
    two.greet()
    one, other = (side.meters for side in two.sides)
    assert 0 < one.sent.photos == other.received.photos
    before = one.sent.photos
    two.run(1.0)
    assert one.sent.photos == before


@pytest.mark.parametrize("lose", [0.1, 0.3])
def test_losses_leave_a_face_that_moves(lose: float) -> None:
    two = Two()
    two.greet()
    two.run(8.0, lose)
    assert not two.sides[1].problem
    kinds = [show.kind for show in two.shows]
    assert kinds.count("fresh") > (0.85 - lose) * 200
    assert kinds.count("filled") > 0
    assert two.sides[1].faces.refused == 0
    assert two.sides[1].line.meter.loss == pytest.approx(lose, abs=0.1)


def test_thin_mode_is_for_both_and_the_face_arrives() -> None:
    two = Two(replace(PARTY, thin=True), PARTY)
    two.sides[0].new_source(replace(SOURCE, preview=SMALL.data))
    two.greet()
    two.run(6.0)
    assert [side.line.step.name for side in two.sides] == ["thin", "thin"]
    assert "other side" in two.sides[1].line.reason
    assert two.sides[1].faces.thinned
    kinds = [show.kind for show in two.shows]
    assert kinds.count("filled") > 0.3 * kinds.count("fresh")
    assert two.sides[1].refused == two.sides[0].refused == 0
    last = [show for show in two.shows if show.kind == "fresh"][-1]
    errors = [np.abs(last.motion.vector() - motion(step).vector()).max() for step in range(two.step + 1)]
    assert min(errors) < 0.05


def test_an_older_side_is_sent_what_it_knows() -> None:
    two = Two()
    two.sides[0].hear_loose = lambda message, now: None  # type: ignore[method-assign]
    two.sides[1].line.hear = lambda *report: None  # type: ignore[method-assign]
    two.sides[1].line.due = lambda now: None  # type: ignore[method-assign]
    two.greet()
    heard: list[bytes] = []
    hear = two.sides[1].hear_media

    def keep(payload: bytes, timestamp: int, now: float) -> None:
        heard.append(payload)
        hear(payload, timestamp, now)

    two.sides[1].hear_media = keep  # type: ignore[method-assign]
    two.run(4.0, lose=0.1)
    assert all(split(payload)[1][0] < 0x80 for payload in heard)
    assert {len(split(payload)[0]) for payload in heard} == {120}
    assert two.sides[0].line.step.name == "rich"


def test_a_gap_in_a_browsers_sound_is_no_reason_to_refuse_it() -> None:
    two = Two()
    two.greet()
    hear = two.sides[1].hear_media
    for gap in (0, 480, 1000):
        later = partial(_later, hear, gap)
        two.sides[1].hear_media = later  # type: ignore[method-assign]
        before = two.sides[1].faces.decoded
        two.run(1.0)
        assert two.sides[1].faces.decoded > before + 20
    assert two.sides[1].refused == 0


def _later(hear: Callable[[bytes, int, float], None], gap: int, payload: bytes, at: int, now: float) -> None:
    hear(payload, at + gap, now)


def test_losses_are_answered_with_copies() -> None:
    two = Two()
    two.greet()
    two.run(8.0, 0.2)
    assert two.sides[0].line.protection.sound
    before = two.sides[1].loudspeaker.concealed, two.sides[1].loudspeaker.played
    for seed in (1, 2):
        two.run(8.0, 0.2, seed=seed)
    concealed = two.sides[1].loudspeaker.concealed - before[0]
    assert concealed / (two.sides[1].loudspeaker.played - before[1]) < 0.4 * 0.2


def test_a_photo_comes_as_a_preview_first_if_the_line_is_not_known() -> None:
    source = replace(SOURCE, preview=encode_still(frame(0), "webp", 5)[1])
    wires = Wire(), Wire()
    sides = [Conversation(PARTY, source, wire, 0.0) for wire in wires]
    for side in sides:
        side.greet()
    heads = []
    while any(wire.reliable_out or wire.loose_out for wire in wires):
        for wire, other in zip(wires, sides[::-1], strict=True):
            while wire.loose_out:
                other.hear_loose(wire.loose_out.popleft(), 0.0)
            while wire.reliable_out:
                message = wire.reliable_out.popleft()
                if other is sides[1] and isinstance(message, str) and '"photo"' in message:
                    heads.append(message)
                other.hear_reliable(message, 0.0)
            while other.photos:
                other.photo_prepared(other.photos.popleft())
    held = sides[1].held
    assert [
        f'"bytes":{len(data)}' in head for head, data in zip(heads, (source.preview, SMALL.data), strict=True)
    ]
    assert held is not None
    assert held.picture == SMALL.data
    assert sides[0].sender.epoch == 1


@pytest.mark.parametrize("again", [False, True])
def test_the_preview_goes_behind_the_greeting_of_a_first_connection(again: bool) -> None:
    wire, held = Wire(), IncomingPhoto(0, bytes(32), SMALL.data, False)
    source = replace(SOURCE, preview=encode_still(frame(0), "webp", 5)[1])
    Conversation(PARTY, source, wire, 0.0, held if again else None).greet()
    pieces = [message for message in wire.reliable_out if isinstance(message, bytes)]
    assert sum(map(len, pieces)) > len(source.preview) if not again else not pieces


def test_nothing_is_sent_before_both_are_live() -> None:
    two = Two()
    two.greet()
    for _ in range(5):
        two.sides[0].tick(two.sides[0].next_tick)
    assert not two.wires[0].media_out


def test_packets_for_which_there_was_no_time_are_left_out() -> None:
    two = Two()
    two.greet()
    two.run(1.0)
    side, wire = two.sides[0], two.wires[0]
    wire.media_out.clear()
    side.skip(3.001)
    assert side.next_tick == pytest.approx(3.04)
    side.skip(2.0)
    side.tick(3.04)
    assert [at for _, at in wire.media_out] == [3 * RATE]


def test_a_new_source_is_used_once_it_is_held() -> None:
    two = Two()
    two.greet()
    two.run(1.0)
    other = SizedPicture(SIZE, encode_still(frame(50), "webp", 85)[1])
    two.sides[0].new_source(OwnSource((other,), motion(50)))
    assert two.sides[0].sender.epoch == 0
    two.run(2.0)
    assert two.sides[0].sender.epoch == 1
    assert {show.epoch for show in two.shows if show.kind == "fresh"} == {0, 1}
    assert two.shows[-1].epoch == 1


def test_a_known_photo_does_not_travel_again() -> None:
    first = Two()
    first.greet()
    again = Two(held=first.sides[1].held)
    for side in again.sides:
        side.greet()
    again.sides[0].hear_reliable(again.wires[1].reliable_out.popleft(), 0.0)
    assert not any(isinstance(message, bytes) for message in again.wires[0].reliable_out)
    again.settle()
    assert again.events == ([Event.GREETED], [Event.GREETED])


def test_without_trailers_the_face_takes_the_loose_channel() -> None:
    plain = replace(PARTY, trailer=False)
    two = Two(plain, PARTY)
    two.greet()
    two.run(4.0)
    assert len([show for show in two.shows if show.kind == "fresh"]) > 80
    assert two.sides[0].meters.sent.ip.kbit_per_s(two.now) > 45


def test_modes_are_told_in_the_band() -> None:
    two = Two()
    two.greet()
    two.run(1.0)
    two.sides[0].set_mode(PAUSED)
    two.run(0.5)
    assert two.sides[1].their_mode == PAUSED
    assert two.sides[1].due(two.now + 1) is None
    two.sides[0].set_mode(VIDEO)
    pictures = []
    for _ in range(5):
        two.sides[0].picture(two.sides[0].coded(frame(3), two.now), two.now)
        two.run(0.1)
        pictures.append(two.sides[1].video_picture())
    shown = [picture for picture in pictures if picture is not None]
    assert shown
    assert np.abs(shown[-1].astype(int) - frame(3)).mean() < 12
    two.sides[0].set_mode(SYNTHESIS)
    two.run(0.5)
    assert two.sides[1].their_mode == SYNTHESIS


def test_a_pause_is_no_long_way() -> None:
    two = Two()
    two.greet()
    two.run(1.0)
    before = two.sides[0].sender.round_trip
    assert before is not None
    assert before < 0.1
    two.sides[0].set_mode(PAUSED)
    two.run(3.0)
    assert two.sides[0].sender.round_trip == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize(
    ("first", "second", "sent"),
    [
        (0, 0, (SMALL, SMALL)),
        (0, 4 * SIZE, (LARGE, SMALL)),
        (1024, 4 * SIZE - 1, (SMALL, LARGE)),
        (1024, 1024, (LARGE, LARGE)),
    ],
)
def test_each_side_is_sent_what_it_shows(
    first: int, second: int, sent: tuple[SizedPicture, SizedPicture]
) -> None:
    two = Two(replace(PARTY, shows=first), replace(PARTY, shows=second))
    two.greet()
    for index, side in enumerate(two.sides):
        assert Event.GREETED in two.events[index]
        assert side.sent_side == sent[index].side
        held = two.sides[1 - index].held
        assert held is not None
        assert held.picture == sent[index].data
        assert side.meters.sent.photos == two.sides[1 - index].meters.received.photos > len(held.picture)


def test_motion_costs_the_same_with_a_large_face() -> None:
    spent = []
    for shows in (0, 4 * SIZE):
        two = Two(replace(PARTY, shows=shows), replace(PARTY, shows=shows))
        two.greet()
        two.run(3.0)
        spent.append(two.sides[0].meters.sent.face.total_bytes)
    assert spent[0] == spent[1] > 0


def test_an_avatar_is_announced_and_marked_in_every_message() -> None:
    wire = Wire()
    side = Conversation(replace(PARTY, avatar=True), replace(SOURCE, avatar=True), wire, 0.0)
    side.greet()
    assert '"avatar":true' in str(wire.reliable_out[0])
    side.live = True
    side.tick(0.04)
    payload, _ = wire.media_out[0]
    assert payload[-1 - payload[-1]] & 0b11 == 0b11


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(PARTY, model=b"\x01" * 8), "uses weights 0101010101010101, this one weights 0000"),
        (replace(PARTY, size=128), "other coding tables"),
        (replace(PARTY, tables=shipped_tables("compact-coarse")), "other coding tables"),
    ],
)
def test_sides_that_do_not_fit_end_with_a_reason(other: Party, reason: str) -> None:
    two = Two(PARTY, other)
    two.greet()
    assert Event.MISFIT in two.events[0]
    assert reason in two.sides[0].problem


def test_a_side_that_says_nothing_of_sizes_is_told_to_be_renewed() -> None:
    side = Conversation(PARTY, SOURCE, Wire(), 0.0)
    hello = replace(PARTY.hello(b""), version=1)
    side.hear_reliable(PEER_MESSAGES.encode(hello).replace(f'"shows":{SIZE},', ""), 0.0)
    assert side.events() == [Event.MISFIT]
    assert "version 1" in side.problem


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        b"a piece without a photo",
        PEER_MESSAGES.encode(Photo(epoch=0, bytes=9, sha256="0" * 64, anchor="")),
        '{"type": "hello"}',
    ],
)
def test_what_is_against_the_rules_ends_the_conversation_once(message: str | bytes) -> None:
    side = Conversation(PARTY, SOURCE, Wire(), 0.0)
    side.hear_reliable(message, 0.0)
    side.hear_reliable(message, 0.0)
    assert side.events() == [Event.MISFIT]
    assert side.problem


def test_a_goodbye_is_heard() -> None:
    side = Conversation(PARTY, SOURCE, Wire(), 0.0)
    side.hear_reliable(PEER_MESSAGES.encode(Bye(reason="")), 0.0)
    assert side.events() == [Event.BYE]


def test_floods_are_cut_off() -> None:
    side = Conversation(PARTY, SOURCE, Wire(), 0.0)
    for _ in range(1000):
        side.hear_media(b"opus\x00", 0, 1.0)
    assert side.refused >= 500
    for _ in range(2000):
        side.hear_reliable(PEER_MESSAGES.encode(Bye(reason="")), 1.0)
    assert "too many" in side.problem


packets = st.binary(max_size=200)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("mrl"), packets, st.integers(0, 2**32 - 1)), max_size=30))
def test_any_packets_in_any_order(incoming: list[tuple[str, bytes, int]]) -> None:
    two = Two()
    two.greet()
    side = two.sides[1]
    side.live = True
    for step, (kind, data, number) in enumerate(incoming):
        now = 0.04 * step
        if kind == "m":
            side.hear_media(data, number, now)
        elif kind == "l":
            side.hear_loose(data, now)
        else:
            side.hear_reliable(data, now)
        side.due(now)
        side.sound(960, now)
    assert len(side.photos) <= 4
