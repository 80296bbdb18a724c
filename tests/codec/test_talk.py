"""Whole talks: writing, reading, cutting, damaging, seeking, pipes."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.base.errors import (
    BitstreamError,
    CorruptPacket,
    MissingReference,
    TruncatedStream,
    UnknownTable,
)
from facewire.bitstream import sections as kinds
from facewire.bitstream.container import FwvReader, FwvWriter
from facewire.bitstream.header import FILE, RAW, STREAM, Header, Profile
from facewire.bitstream.sections import Audio, AudioHead, Packets, Patch, Run, Source
from facewire.codec.decoder import DecodedFrame
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import Item, SourcePicture, TalkReader, UpToDamage, talk_header

from .golden_streams import PICTURE, STREAMS, WEIGHTS, talk, until_error
from .motion import Floats


def items_of(data: bytes, tables: CodecTables, **options: int) -> list[Item]:
    return list(TalkReader(io.BytesIO(data), lambda *_: tables, **options))  # type: ignore[arg-type]


def frames_in(items: list[Item]) -> list[DecodedFrame]:
    return [item for item in items if isinstance(item, DecodedFrame)]


def same(a: list[DecodedFrame], b: list[DecodedFrame]) -> bool:
    pairs = zip(a, b, strict=True)
    return all(
        x.number == y.number and np.array_equal(x.motion.vector(), y.motion.vector()) for x, y in pairs
    )


def header_of(profile: Profile, tables: CodecTables | None) -> Header:
    return talk_header(profile, tables, weights_sha256=WEIGHTS, size=(64, 64), fps=Fraction(25), keypoints=5)


@pytest.fixture
def stream(frames: list[MotionFrame], tables: CodecTables) -> Callable[[str], bytes]:
    return lambda name: STREAMS[name](frames, tables)


class TestTalk:
    def test_everything_comes_back(self, stream: Callable[[str], bytes], tables: CodecTables) -> None:
        items = items_of(stream("everything"), tables)
        sources = [item for item in items if isinstance(item, SourcePicture)]
        assert [(s.epoch, s.frame, s.mime) for s in sources] == [
            *((0, 0, "image/png"), (1, 25, "image/webp")),
            (2, 45, None),
        ]
        assert sources[1].picture == PICTURE[::-1]
        assert [item for item in items if isinstance(item, AudioHead)] == [AudioHead(1, 312, 48000)]
        assert [item.time for item in items if isinstance(item, Audio)] == [
            1920 * n for n in range(0, 60, 10)
        ]
        assert [item.frame for item in items if isinstance(item, Patch)] == [33]
        decoded = frames_in(items)
        assert [frame.number for frame in decoded] == list(range(60))
        assert [frame.epoch for frame in decoded] == [0] * 25 + [1] * 20 + [2] * 15

    @pytest.mark.parametrize("name", STREAMS)
    def test_section_bytes_add_up(
        self, stream: Callable[[str], bytes], tables: CodecTables, name: str
    ) -> None:
        data = stream(name)
        reader = TalkReader(io.BytesIO(data), lambda *_: tables)
        list(reader)
        assert sum(reader.section_bytes.values()) + 43 == len(data)

    def test_writer_counts(self, frames: list[MotionFrame], tables: CodecTables) -> None:
        sink, writer = talk(FILE, tables)
        writer.source(frames[0], PICTURE, kinds.MIME_PNG)
        for frame in frames:
            writer.frame(frame)
        writer.finish()
        reader = TalkReader(io.BytesIO(sink.getvalue()), lambda *_: tables)
        list(reader)
        assert writer.motion_bytes == reader.section_bytes[kinds.MOTION]
        assert (writer.frames, writer.written) == (60, len(sink.getvalue()))

    def test_seeking(self, stream: Callable[[str], bytes], tables: CodecTables) -> None:
        for name in ("file", "stream", "raw", "everything"):
            whole = frames_in(items_of(stream(name), tables))
            for start in (0, 1, 19, 20, 33):
                assert same(frames_in(items_of(stream(name), tables, start=start)), whole[start:])

    def test_a_real_pipe(self, frames: list[MotionFrame], tables: CodecTables) -> None:
        """Frames come out while the writer is still at work."""
        sink, writer = talk(STREAM, tables, confirm_after=3)
        receiving, sending = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        got: list[DecodedFrame] = []

        def read() -> None:
            got.extend(frames_in(list(TalkReader(receiving, lambda *_: tables))))

        thread = threading.Thread(target=read)
        thread.start()
        writer.source(None, PICTURE, kinds.MIME_PNG)
        for frame in frames:
            writer.frame(frame)
        writer.finish()
        with sending:
            sending.write(sink.getvalue())
        thread.join(timeout=20)
        receiving.close()
        assert len(got) == 60

    def test_unknown_tables(self, stream: Callable[[str], bytes], tables: CodecTables) -> None:
        with pytest.raises(UnknownTable) as caught:
            TalkReader(io.BytesIO(stream("file")), lambda *_: None)
        assert (caught.value.table, caught.value.digest) == (tables.id, tables.fingerprint)
        assert frames_in(list(TalkReader(io.BytesIO(stream("raw")), lambda *_: None)))

    def test_what_writers_refuse(self, frames: list[MotionFrame], tables: CodecTables) -> None:
        _, writer = talk(FILE, tables)
        with pytest.raises(ValueError, match="source comes first"):
            writer.frame(frames[0])
        with pytest.raises(ValueError, match="contradict"):
            writer.source(None, b"", kinds.MIME_PNG)
        with pytest.raises(ValueError, match="channels"):
            writer.audio_head(AudioHead(3, 0, 48000))
        with pytest.raises(ValueError, match="patch width"):
            writer.patch(Patch(0, 0, 250, 0, 10, 10, kinds.MIME_PNG, b"x"))
        _, raw = talk(RAW, tables)
        raw.source(None, PICTURE, kinds.MIME_PNG)
        with pytest.raises(ValueError, match="profile raw"):
            raw.frame(frames[0], lambda _: 1)
        with pytest.raises(ValueError, match="tables"):
            header_of(RAW, tables)
        with pytest.raises(ValueError, match="tables"):
            header_of(FILE, None)


class TestDamage:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["file", "stream", "raw"])
    def test_every_cut_delivers_what_was_there(
        self, stream: Callable[[str], bytes], tables: CodecTables, name: str
    ) -> None:
        data = stream(name)
        whole = frames_in(items_of(data, tables))
        counts = []
        for cut in range(43, len(data), 5):
            items, error = until_error(TalkReader(io.BytesIO(data[:cut]), lambda *_: tables))
            got = frames_in(items)
            assert isinstance(error, TruncatedStream)
            assert error.offset <= cut
            assert same(got, whole[: len(got)])
            counts.append(len(got))
        assert counts == sorted(counts)
        assert counts[-1] == len(whole)

    @pytest.mark.parametrize("name", ["file", "stream", "raw"])
    @pytest.mark.parametrize("more", [0, 1, 3])
    def test_sections_of_which_only_the_checksum_is_cut_are_delivered_whole(
        self, stream: Callable[[str], bytes], tables: CodecTables, name: str, more: int
    ) -> None:
        data = stream(name)
        whole = frames_in(items_of(data, tables))
        last = [section for section in FwvReader(io.BytesIO(data)) if section.kind == kinds.MOTION][-1]
        items = UpToDamage(
            TalkReader(io.BytesIO(data[: last.start + len(last.payload) + more]), lambda *_: tables)
        )
        assert same(frames_in(list(items)), whole)
        assert isinstance(items.problem, TruncatedStream)

    def test_tolerant_readers_lose_the_damaged_group_only(
        self, stream: Callable[[str], bytes], tables: CodecTables
    ) -> None:
        data = stream("file")
        whole = frames_in(items_of(data, tables))
        second = [s for s in FwvReader(io.BytesIO(data)) if s.kind == kinds.MOTION][1]
        damaged = bytearray(data)
        damaged[second.start + 30] ^= 4
        with pytest.raises(CorruptPacket, match="checksum"):
            items_of(bytes(damaged), tables)
        reader = TalkReader(io.BytesIO(bytes(damaged)), lambda *_: tables, tolerant=True)
        assert same(frames_in(list(reader)), whole[:20] + whole[40:])
        assert reader.skipped == 1

    def test_tolerant_readers_pass_over_packets_without_reference(
        self, stream: Callable[[str], bytes], tables: CodecTables
    ) -> None:
        data = stream("stream")
        first = next(s for s in FwvReader(io.BytesIO(data)) if s.kind == kinds.MOTION)
        damaged = bytearray(data)
        damaged[first.start + 30] ^= 4
        reader = TalkReader(io.BytesIO(bytes(damaged)), lambda *_: tables, tolerant=True)
        assert frames_in(list(reader)) == []
        assert reader.skipped == 11

    @given(st.data())
    @settings(max_examples=150)
    def test_flipped_bits(self, golden: dict[str, bytes], tables: CodecTables, data: st.DataObject) -> None:
        damaged = bytearray(golden[data.draw(st.sampled_from(sorted(golden)))])
        for _ in range(data.draw(st.integers(1, 4))):
            bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
            damaged[bit // 8] ^= 1 << bit % 8
        for tolerant in (False, True):
            try:
                items_of(bytes(damaged), tables, tolerant=tolerant)
            except BitstreamError as error:
                assert 0 <= error.offset <= len(damaged)  # noqa: PT017

    @given(st.binary(max_size=300))
    def test_random_sections(self, golden: dict[str, bytes], tables: CodecTables, data: bytes) -> None:
        with pytest.raises(BitstreamError):
            items_of(golden["file"][:43] + data, tables)


class TestOrder:
    """Files that are whole and have right checksums, but break a rule."""

    def file(self, tables: CodecTables, profile: Profile, *sections: tuple[int, Source | Run]) -> bytes:
        sink = io.BytesIO()
        writer = FwvWriter(sink, header_of(profile, None if profile == RAW else tables))
        for kind, section in sections:
            writer.write(kind, section)
        writer.finish(0)
        return sink.getvalue()

    source = (kinds.SOURCE, Source(0, 0, kinds.MIME_PNG, b"", b"picture"))
    run = (kinds.MOTION, Run(0, 1, 0, b"x"))
    head = (kinds.AUDIO_HEAD, AudioHead(1, 0, 48000))

    @pytest.mark.parametrize(
        ("sections", "error"),
        [
            ([run], CorruptPacket),
            ([head], CorruptPacket),
            ([source, source], CorruptPacket),
            ([source, (kinds.SOURCE, Source(2, 9, kinds.MIME_PNG, b"", b"picture"))], CorruptPacket),
            ([source, run, run], CorruptPacket),
            ([source, (kinds.MOTION, Run(0, 1, 1, b"x"))], MissingReference),
            ([source, head, head], CorruptPacket),
            ([source, (kinds.AUDIO, Audio(0, (b"x",)))], CorruptPacket),
        ],
    )
    def test_broken_rules(
        self, tables: CodecTables, sections: list[tuple[int, Source]], error: type[BitstreamError]
    ) -> None:
        with pytest.raises(error):
            items_of(self.file(tables, FILE, *sections), tables)

    def test_unknown_ancillary_sections_are_passed_over(self, tables: CodecTables) -> None:
        extra = (200, Source(0, 0, 1, b"", b"later versions"))
        data = self.file(tables, FILE, extra, self.source, extra, self.run)
        assert len(frames_in(items_of(data, tables))) == 1

    def test_raw_has_no_anchor(self, tables: CodecTables) -> None:
        anchored = (kinds.SOURCE, Source(0, 0, kinds.MIME_PNG, b"x", b"picture"))
        with pytest.raises(CorruptPacket, match="anchors"):
            items_of(self.file(tables, RAW, anchored), tables)

    def test_section_and_packet_agree_on_the_first_number(
        self, stream: Callable[[str], bytes], tables: CodecTables
    ) -> None:
        section = next(s for s in FwvReader(io.BytesIO(stream("stream"))) if s.kind == kinds.MOTION)
        packets = Packets.parse(section.payload, 0).packets
        shifted = (kinds.MOTION, Packets(1, packets))
        with pytest.raises(CorruptPacket, match="another number"):
            items_of(self.file(tables, STREAM, self.source, shifted), tables)  # type: ignore[arg-type]


def test_decoded_motion_is_near_the_input(
    stream: Callable[[str], bytes], tables: CodecTables, motion: Floats
) -> None:
    for name in ("file", "stream", "everything"):
        decoded = np.stack([f.motion.vector() for f in frames_in(items_of(stream(name), tables))])
        assert np.sqrt(np.mean((decoded - motion) ** 2)) < 0.006
