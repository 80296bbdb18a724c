"""Profiles file and stream: what arrives decodes to the encoder's own picture of it, whatever else is lost."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.base.errors import BitstreamError, CorruptPacket, MissingReference, TruncatedStream
from facewire.bitstream.sections import Run
from facewire.codec.decoder import FileDecoder, StreamDecoder
from facewire.codec.encoder import (
    FileEncoder,
    SentPacket,
    StreamEncoder,
    Trial,
    smallest_sufficient,
)
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables

from .golden_streams import until_error
from .motion import Floats, frames_of, made_up_clips

K = 5


def file_runs(tables: CodecTables, frames: Sequence[MotionFrame], group: int) -> tuple[bytes, list[Run]]:
    encoder = FileEncoder(tables, group)
    anchor = encoder.source(frames[0])
    runs = [encoder.encode(frame) for frame in frames] + [encoder.flush()]
    return anchor, [run for run in runs if run is not None]


def file_decoder(tables: CodecTables, anchor: bytes) -> FileDecoder:
    decoder = FileDecoder(tables)
    decoder.source(0, anchor)
    return decoder


def same(a: MotionFrame, b: MotionFrame) -> bool:
    return a.used == b.used and np.array_equal(a.vector(), b.vector())


class TestFile:
    def test_groups_cover_all_frames(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        anchor, runs = file_runs(tables, frames, 25)
        assert [(run.first, run.count) for run in runs] == [(0, 25), (25, 25), (50, 10)]
        decoder = file_decoder(tables, anchor)
        decoded = [frame for run in runs for frame in decoder.decode(run)]
        assert [frame.number for frame in decoded] == list(range(60))
        errors = [d.motion.vector() - f.vector() for d, f in zip(decoded, frames)]
        assert np.sqrt(np.mean(np.square(errors))) < 0.006

    def test_any_group_decodes_alone(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        anchor, runs = file_runs(tables, frames, 20)
        whole = [list(file_decoder(tables, anchor).decode(run)) for run in runs]
        alone = list(file_decoder(tables, anchor).decode(runs[2]))
        assert all(same(a.motion, b.motion) for a, b in zip(alone, whole[2], strict=True))

    def test_bits_add_up_to_the_run(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        anchor, runs = file_runs(tables, frames, 60)
        decoded = list(file_decoder(tables, anchor).decode(runs[0]))
        assert sum(frame.bits for frame in decoded) / 8 == pytest.approx(len(runs[0].data), abs=2)

    def test_cut_runs_give_the_frames_before_the_cut(
        self, tables: CodecTables, frames: list[MotionFrame]
    ) -> None:
        anchor, (run,) = file_runs(tables, frames, 60)
        whole = list(file_decoder(tables, anchor).decode(run))
        counts = []
        for cut in range(0, len(run.data), 7):
            cut_run = Run(0, 60, 0, run.data[:cut])
            got, error = until_error(file_decoder(tables, anchor).decode(cut_run, complete=False))
            assert isinstance(error, TruncatedStream)
            assert all(same(a.motion, b.motion) for a, b in zip(got, whole))
            counts.append(len(got))
        assert counts == sorted(counts)
        assert counts[-1] > 50

    def test_still_motion_costs_a_bit_a_frame_at_most(
        self, tables: CodecTables, frames: list[MotionFrame]
    ) -> None:
        anchor, runs = file_runs(tables, [frames[0]] * 800, 800)
        payload = runs[0].to_bytes()
        assert len(payload) == 104
        assert len(list(file_decoder(tables, anchor).decode(Run.parse(payload, 0)))) == 800

    def test_order_of_calls(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        with pytest.raises(ValueError, match="not possible"):
            FileEncoder(tables, 1025)
        encoder = FileEncoder(tables)
        with pytest.raises(ValueError, match="source comes first"):
            encoder.encode(frames[0])
        encoder.source(None)
        assert encoder.flush() is None
        encoder.encode(frames[0])
        with pytest.raises(ValueError, match="flush"):
            encoder.source(frames[1])

    def test_missing_sources_and_short_runs(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        anchor, (run,) = file_runs(tables, frames, 60)
        with pytest.raises(MissingReference):
            list(FileDecoder(tables).decode(run))
        with pytest.raises(MissingReference):
            list(file_decoder(tables, anchor).decode(Run(0, 60, 4, run.data)))
        with pytest.raises(CorruptPacket, match="too few"):
            list(file_decoder(tables, anchor).decode(Run(0, 60, 0, run.data[:5])))

    @given(st.binary(max_size=60), st.binary(max_size=30))
    @settings(max_examples=100)
    def test_any_bytes(self, tables: CodecTables, data: bytes, anchor: bytes) -> None:
        decoder = FileDecoder(tables)
        try:
            decoder.source(0, anchor)
            for frame in decoder.decode(Run(0, 8 * len(data) + 7, 0, data)):
                assert np.isfinite(frame.motion.vector()).all()
        except BitstreamError as error:
            assert error.offset >= 0  # noqa: PT017


class TestAdaptive:
    def test_trials_show_what_the_receiver_gets(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        encoder = FileEncoder(tables, 60)
        decoder = file_decoder(tables, encoder.source(frames[0]))
        promised: list[MotionFrame] = []

        def choose(trial: Trial) -> int:
            count = 1 + len(promised) % K
            promised.append(trial(count))
            return count

        runs = [encoder.encode(frame, choose) for frame in frames]
        assert runs[-1] is not None
        decoded = list(decoder.decode(runs[-1]))
        assert all(same(frame.motion, wanted) for frame, wanted in zip(decoded, promised, strict=True))

    def test_fewer_keypoints_are_fewer_bytes(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        sizes = []
        for count in range(1, K + 1):
            encoder = FileEncoder(tables, 60)
            encoder.source(frames[0])
            runs = [encoder.encode(frame, smallest_sufficient(lambda _: False, (count,))) for frame in frames]
            assert runs[-1] is not None
            sizes.append(len(runs[-1].data))
        assert sizes == sorted(sizes)
        assert sizes[0] < 0.75 * sizes[-1]

    def test_first_good_count_is_taken(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        tried = []

        def good(frame: MotionFrame) -> bool:
            tried.append(frame.used)
            return frame.used >= 3

        encoder = StreamEncoder(tables)
        decoder = StreamDecoder(tables)
        decoder.source(0, encoder.source(None))
        packet = encoder.encode(frames[0], smallest_sufficient(good, range(1, K + 1)))
        assert tried == [1, 2, 3]
        assert decoder.decode(packet.data).motion.used == 3

    def test_kept_of_the_frame_holds_without_a_rule(
        self, tables: CodecTables, frames: list[MotionFrame]
    ) -> None:
        encoder, decoder = StreamEncoder(tables), StreamDecoder(tables)
        decoder.source(0, encoder.source(None))
        for kept in (2, 5, 1):
            frame = MotionFrame.from_vector(frames[0].vector(), kept)
            assert decoder.decode(encoder.encode(frame).data).motion.used == kept

    def test_impossible_choices(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        encoder = StreamEncoder(tables)
        encoder.source(None)
        with pytest.raises(ValueError, match="0 of 5"):
            encoder.encode(frames[0], lambda _: 0)


class Call:
    """A call over a line that loses, delays and doubles packets and confirmations, by a seeded script."""

    def __init__(self, tables: CodecTables, seed: int, loss: float, delay: int) -> None:
        self.random = random.Random(seed)
        self.loss, self.delay = loss, delay
        self.encoder, self.decoder = StreamEncoder(tables), StreamDecoder(tables)
        self.decoder.source(0, self.encoder.source(None))
        self.line: list[tuple[int, SentPacket]] = []
        self.confirmations: list[tuple[int, int]] = []
        self.promised: dict[int, MotionFrame] = {}
        self.arrived: dict[int, MotionFrame] = {}

    def frame(self, frame: MotionFrame) -> SentPacket:
        now = self.encoder.number
        for _, number in [c for c in self.confirmations if c[0] <= now]:
            self.encoder.acknowledge(number)

        def remember(trial: Trial) -> int:
            self.promised[now] = trial(K)
            return K

        packet = self.encoder.encode(frame, remember)
        for _ in range(self.random.choice((1, 1, 1, 2))):
            if self.random.random() >= self.loss:
                self.line.append((now + self.random.randrange(self.delay + 1), packet))
        self.deliver(now)
        return packet

    def deliver(self, now: int) -> None:
        due = [item for item in self.line if item[0] <= now]
        self.line = [item for item in self.line if item[0] > now]
        self.random.shuffle(due)
        for _, packet in due:
            frame = self.decoder.decode(packet.data)
            assert frame.number == packet.number
            self.arrived[frame.number] = frame.motion
            if self.random.random() >= self.loss:
                self.confirmations.append((now + self.random.randrange(self.delay + 1), frame.number))


class TestStream:
    @pytest.mark.parametrize(
        ("loss", "delay"), [(0.0, 0), (0.0, 6), (0.1, 3), (0.3, 8), (0.6, 12), (0.9, 2), (0.2, 30)]
    )
    @pytest.mark.parametrize("seed", [1, 2])
    def test_every_packet_that_arrives_is_exact(
        self, tables: CodecTables, seed: int, loss: float, delay: int
    ) -> None:
        call = Call(tables, seed, loss, delay)
        clip = made_up_clips(clips=1, frames=700, keypoints=K, seed=seed)[0]
        distances = [call.frame(frame).distance for frame in frames_of(clip)]
        call.deliver(10**6)
        assert call.arrived
        assert all(same(motion, call.promised[number]) for number, motion in call.arrived.items())
        if loss < 0.5 and delay < 10:
            assert np.mean([distance > 0 for distance in distances]) > 0.9

    def test_a_long_silence(self, tables: CodecTables, motion: Floats) -> None:
        """600 frames lost in a row: numbers wrap, values do not suffer."""
        call = Call(tables, 3, 0.0, 0)
        frames = frames_of(np.tile(motion, (15, 1)))
        for frame in frames[:100]:
            call.frame(frame)
        call.loss = 1.0
        for frame in frames[100:700]:
            call.frame(frame)
        call.loss = 0.0
        for number, frame in enumerate(frames[700:], 700):
            packet = call.encoder.encode(frame)
            decoded = call.decoder.decode(packet.data)
            assert decoded.number % 512 == number % 512
            call.encoder.acknowledge(number)
            assert np.abs(decoded.motion.vector() - frame.vector()).max() < 0.03

    def test_without_confirmations_every_packet_builds_on_the_source(
        self, tables: CodecTables, frames: list[MotionFrame]
    ) -> None:
        encoder = StreamEncoder(tables)
        anchor = encoder.source(frames[0])
        for frame in frames:
            packet = encoder.encode(frame)
            decoder = StreamDecoder(tables)
            decoder.source(0, anchor)
            decoded = decoder.decode(packet.data, near=packet.number)
            assert packet.distance == 0
            assert np.abs(decoded.motion.vector() - frame.vector()).max() < 0.03

    def test_refresh_ignores_confirmed_frames(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        encoder = StreamEncoder(tables, refresh=10)
        encoder.source(None)
        distances = []
        for frame in frames:
            distances.append(encoder.encode(frame).distance)
            encoder.acknowledge(encoder.number - 1)
        assert [number for number, distance in enumerate(distances) if distance == 0] == list(
            range(0, 60, 10)
        )

    def test_references_grow_too_old(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        encoder = StreamEncoder(tables)
        encoder.source(None)
        encoder.encode(frames[0])
        encoder.acknowledge(0)
        distances = [encoder.encode(frame).distance for frame in frames[1:35]]
        assert distances == [*range(1, 32), 0, 0, 0]

    def test_unknown_and_old_confirmations_are_ignored(
        self, tables: CodecTables, frames: list[MotionFrame]
    ) -> None:
        encoder = StreamEncoder(tables)
        encoder.source(None)
        for frame in frames[:5]:
            encoder.encode(frame)
        for number in (77, 3, 1, -5):
            encoder.acknowledge(number)
        assert encoder.encode(frames[5]).distance == 2

    def test_missing_references(self, tables: CodecTables, frames: list[MotionFrame]) -> None:
        encoder, decoder = StreamEncoder(tables), StreamDecoder(tables)
        anchor = encoder.source(frames[0])
        first = encoder.encode(frames[0])
        with pytest.raises(MissingReference, match="source 0"):
            decoder.decode(first.data)
        decoder.source(0, anchor)
        encoder.acknowledge(0)
        second = encoder.encode(frames[1])
        with pytest.raises(MissingReference) as caught:
            decoder.decode(second.data, offset=9)
        assert (caught.value.offset, caught.value.reference) == (9, 0)
        decoder.decode(first.data)
        assert decoder.decode(second.data).number == 1

    def test_packets_of_an_older_source_still_decode(
        self, tables: CodecTables, frames: list[MotionFrame]
    ) -> None:
        encoder, decoder = StreamEncoder(tables), StreamDecoder(tables)
        decoder.source(0, encoder.source(frames[0]))
        old = encoder.encode(frames[1])
        decoder.source(1, encoder.source(frames[30]))
        new = encoder.encode(frames[2])
        assert [decoder.decode(packet.data).epoch for packet in (new, old)] == [1, 0]
        with pytest.raises(ValueError, match="source comes first"):
            StreamEncoder(tables).encode(frames[0])

    @given(st.lists(st.binary(max_size=40), max_size=12), st.binary(max_size=20))
    @settings(max_examples=200)
    def test_any_packets(self, tables: CodecTables, packets: list[bytes], anchor: bytes) -> None:
        decoder = StreamDecoder(tables)
        try:
            decoder.source(0, anchor)
        except BitstreamError:
            decoder.source(0, b"")
        for packet in packets:
            try:
                frame = decoder.decode(packet)
            except BitstreamError as error:
                assert error.offset >= 0  # noqa: PT017
            else:
                assert np.isfinite(frame.motion.vector()).all()
        assert len(decoder._states) <= 64
