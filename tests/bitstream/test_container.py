"""Header and sections: bytes by hand, round trips, damage, limits, pipes."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import (
    BitstreamError,
    CorruptPacket,
    NotAStream,
    TruncatedStream,
    UnsupportedVersion,
)
from facewire.bitstream import sections as kinds
from facewire.bitstream.container import FwvReader, FwvWriter, Section, read_index
from facewire.bitstream.header import FILE, RAW, STREAM, Header, Profile
from facewire.bitstream.packet import PacketHead, unwrap
from facewire.bitstream.sections import Audio, AudioHead, End, Index, Packets, Patch, Run, Source

HEADER = Header(
    profile=FILE,
    fingerprint=bytes(range(8)),
    table=7,
    table_hash=bytes(range(8, 16)),
    width=256,
    height=512,
    fps=Fraction(30000, 1001),
    keypoints=20,
)
SOURCE = Source(0, 0, kinds.MIME_PNG, b"anchor", b"picture")
RUN = Run(0, 250, 0, bytes(range(1, 100)))


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """A header with other bytes at `at` and a right checksum."""
    fields = data[:at] + new + data[at + len(new) : -4]
    return fields + crc32(fields).to_bytes(4, "little")


def small_file() -> bytes:
    sink = io.BytesIO()
    writer = FwvWriter(sink, HEADER)
    writer.write(kinds.SOURCE, SOURCE)
    writer.write(kinds.MOTION, RUN)
    writer.write(kinds.MOTION, Run(250, 8, 0, b"\x01"))
    writer.finish(258)
    return sink.getvalue()


def sections_of(data: bytes, **options: bool) -> list[Section]:
    return list(FwvReader(io.BytesIO(data), **options))


class OneByteAtATime:
    """A pipe at its worst."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, 1))


class TestHeader:
    def test_bytes_by_hand(self) -> None:
        data = HEADER.to_bytes()
        assert len(data) == 43
        assert data[:12].hex() == "894657560100" + "2b00" + "02" + "01" + "0100"
        assert data[30:39] == b"\x00\x01\x00\x02\x30\x75\xe9\x03\x14"
        assert Header.parse(data) == HEADER

    @given(
        st.sampled_from((STREAM, FILE)),
        st.integers(16, 16384),
        st.fractions(Fraction(1, 100), 1000, max_denominator=1001),
        st.integers(1, 64),
    )
    def test_round_trip(self, profile: Profile, size: int, fps: Fraction, keypoints: int) -> None:
        header = Header(
            profile=profile,
            fingerprint=b"12345678",
            table=65535,
            table_hash=b"87654321",
            width=size,
            height=size,
            fps=fps if fps.numerator < 65536 else Fraction(25),
            keypoints=keypoints,
        )
        assert Header.parse(header.to_bytes()) == header

    @pytest.mark.parametrize(
        ("at", "new", "error"),
        [
            (8, b"\0", UnsupportedVersion),
            (8, b"\x04", UnsupportedVersion),
            (9, b"\x02", UnsupportedVersion),
            (10, b"\0\0", NotAStream),
            (10, b"\x03\0", UnsupportedVersion),
            (20, b"\0\0", CorruptPacket),
            (8, b"\x03", CorruptPacket),
            (30, b"\x0f\0", CorruptPacket),
            (32, b"\xff\xff", CorruptPacket),
            (34, b"\0\0", CorruptPacket),
            (36, b"\0\0", CorruptPacket),
            (34, b"\xff\xff\x01\0", CorruptPacket),
            (38, b"\0", CorruptPacket),
            (38, b"\x41", CorruptPacket),
        ],
    )
    def test_fields_outside_their_limits(self, at: int, new: bytes, error: type[BitstreamError]) -> None:
        with pytest.raises(error) as caught:
            FwvReader(io.BytesIO(patched(HEADER.to_bytes(), at, new)))
        assert caught.value.offset in range(8, 39)

    def test_a_longer_header_of_a_later_minor_version_is_read(self) -> None:
        data = HEADER.to_bytes()
        longer = data[:5] + b"\x07\x30\x00" + data[8:39] + b"later"
        reader = FwvReader(io.BytesIO(longer + crc32(longer).to_bytes(4, "little")))
        assert reader.header == HEADER
        assert reader.offset == 48

    @pytest.mark.parametrize("data", [b"", b"\x89", b"\x89FWV\x01", HEADER.to_bytes()[:20]])
    def test_cut_header(self, data: bytes) -> None:
        with pytest.raises(TruncatedStream) as caught:
            FwvReader(io.BytesIO(data))
        assert caught.value.offset == len(data)

    @pytest.mark.parametrize("data", [b"x", b"\x89PNG\r\n\x1a\n", b"\x89FWU" + bytes(50)])
    def test_other_files(self, data: bytes) -> None:
        with pytest.raises(NotAStream):
            FwvReader(io.BytesIO(data))

    def test_other_major_version(self) -> None:
        with pytest.raises(UnsupportedVersion, match="format version 2"):
            FwvReader(io.BytesIO(HEADER.to_bytes()[:4] + b"\x02" + bytes(40)))

    def test_impossible_length_and_wrong_checksum(self) -> None:
        data = bytearray(HEADER.to_bytes())
        data[20] ^= 1
        with pytest.raises(CorruptPacket, match="checksum"):
            FwvReader(io.BytesIO(bytes(data)))
        data[6:8] = b"\x05\x00"
        with pytest.raises(CorruptPacket, match="header length"):
            FwvReader(io.BytesIO(bytes(data)))

    def test_raw_has_no_tables(self) -> None:
        with pytest.raises(CorruptPacket, match="no tables"):
            Header(
                profile=RAW,
                fingerprint=bytes(8),
                table=1,
                table_hash=bytes(8),
                width=64,
                height=64,
                fps=Fraction(25),
                keypoints=1,
            )

    def test_fingerprints_are_eight_bytes(self) -> None:
        with pytest.raises(ValueError, match="8 bytes"):
            Header(
                profile=FILE,
                fingerprint=bytes(32),
                table=1,
                table_hash=bytes(8),
                width=64,
                height=64,
                fps=Fraction(25),
                keypoints=1,
            )


class TestSections:
    @pytest.mark.parametrize(
        ("section", "parse"),
        [
            (SOURCE, Source.parse),
            (Source(3, 70000, kinds.MIME_NONE, b"", b""), Source.parse),
            (RUN, Run.parse),
            (AudioHead(2, 312, 48000), AudioHead.parse),
            (Audio(1 << 40, (b"a", b"", b"ccc")), Audio.parse),
            (Index(((0, 43), (250, 900), (250, 901))), Index.parse),
            (Index(()), Index.parse),
            (End(0xFFFFFFFF, 12), End.parse),
        ],
    )
    def test_round_trip(self, section: Source, parse: Callable[[bytes, int], Source]) -> None:
        assert parse(section.to_bytes(), 0) == section
        for cut in range(len(section.to_bytes())):
            try:
                shorter = parse(section.to_bytes()[:cut], 5)
            except BitstreamError as error:
                assert 5 <= error.offset <= 5 + cut  # noqa: PT017
            else:
                assert shorter != section

    def test_packets_know_their_places(self) -> None:
        packets = Packets(5, (b"ab", b"", b"cde"))
        parsed = Packets.parse(packets.to_bytes(), 100)
        assert (parsed.first, parsed.packets) == (5, packets.packets)
        assert parsed.offsets == (103, 106, 107)

    def test_cut_packets_give_the_whole_ones(self) -> None:
        payload = Packets(5, (b"ab", b"x" * 200, b"cde")).to_bytes()
        counts = [len(Packets.parse(payload[:n], 0, complete=False).packets) for n in range(2, len(payload))]
        assert counts == sorted(counts)
        assert (counts[0], counts[3], counts[-1]) == (0, 1, 2)

    def test_patch_lies_inside_the_picture(self) -> None:
        patch = Patch(9, 0, 100, 200, 156, 56, kinds.MIME_WEBP, b"picture")
        assert Patch.parse(patch.to_bytes(), 0, (256, 256)) == patch
        with pytest.raises(CorruptPacket, match="patch width"):
            Patch.parse(patch.to_bytes(), 0, (255, 256))
        with pytest.raises(CorruptPacket, match="patch height"):
            Patch.parse(patch.to_bytes(), 0, (256, 255))
        with pytest.raises(CorruptPacket, match="no picture"):
            Patch.parse(patch.to_bytes()[:-7], 0, (256, 256))

    @pytest.mark.parametrize(
        ("parse", "payload"),
        [
            (Source.parse, b"\x00\x00\x07\x00x"),
            (Source.parse, b"\x00\x00\x00\x00"),
            (Source.parse, b"\x00\x01\x01\x00x"),
            (Source.parse, b"\x01\x01\x00\x00x"),
            (Source.parse, b"\x01\x01\x01\x81\x08" + bytes(1025)),
            (Run.parse, b"\x00\x00\x00"),
            (Run.parse, b"\x00\x81\x08\x00"),
            (Run.parse, b"\xff\xff\xff\xff\x0f\x02\x00"),
            (Packets.parse, b"\x00\x01\x81\x08" + bytes(1025)),
            (Packets.parse, b"\x00\x01\x01xx"),
            (AudioHead.parse, b"\x02\x01\0\0\x80\xbb\0\0"),
            (AudioHead.parse, b"\x01\x03\0\0\x80\xbb\0\0"),
            (AudioHead.parse, b"\x01\x01\0\0\0\0\0\0"),
            (Audio.parse, b"\x00\x00"),
            (Audio.parse, b"\x00\x01\x81\x40" + bytes(8193)),
            (Index.parse, b"\x01\x00\x00\x00"),
            (End.parse, bytes(9)),
        ],
    )
    def test_limits(self, parse: Callable[[bytes, int], Source], payload: bytes) -> None:
        with pytest.raises(CorruptPacket):
            parse(payload, 0)

    def test_run_is_padded_and_checked(self) -> None:
        assert Run.parse(Run(0, 80, 0, b"x").to_bytes(), 0).data == b"x" + bytes(9)
        with pytest.raises(CorruptPacket, match="too few"):
            Run(0, 80, 0, b"x").check_length(3)


class TestFile:
    def test_sections_come_back_in_order(self) -> None:
        sections = sections_of(small_file())
        order = [kinds.SOURCE, kinds.MOTION, kinds.MOTION, kinds.INDEX, kinds.END]
        assert [section.kind for section in sections] == order
        assert Run.parse(sections[1].payload, 0) == RUN
        assert End.parse(sections[-1].payload, 0).frames == 258

    def test_a_pipe_of_single_bytes(self) -> None:
        data = small_file()
        assert list(FwvReader(OneByteAtATime(data))) == sections_of(data)

    def test_index_points_at_motion(self) -> None:
        data = small_file()
        entries = read_index(io.BytesIO(data))
        assert [first for first, _ in entries] == [0, 250]
        assert all(data[offset] == kinds.MOTION for _, offset in entries)

    def test_no_index(self) -> None:
        sink = io.BytesIO()
        FwvWriter(sink, HEADER).finish(0)
        assert read_index(io.BytesIO(sink.getvalue())) == ()
        assert read_index(io.BytesIO(small_file()[:-1])) == ()

    @given(st.binary(max_size=60))
    def test_index_of_any_file(self, data: bytes) -> None:
        stream = io.BytesIO(data)
        stream.seek(3)
        assert read_index(stream) == ()
        assert stream.tell() == 3

    def test_every_cut_is_noticed(self) -> None:
        data = small_file()
        for cut in range(43, len(data)):
            with pytest.raises(TruncatedStream) as caught:
                sections_of(data[:cut])
            assert caught.value.offset == cut

    def test_a_cut_motion_section_is_delivered_in_part(self) -> None:
        data = small_file()
        place = sections_of(data)[1].start
        reader = iter(FwvReader(io.BytesIO(data[: place + 50])))
        next(reader)
        partial = next(reader)
        assert not partial.complete
        assert partial.payload == RUN.to_bytes()[:50]
        with pytest.raises(TruncatedStream):
            next(reader)

    def test_every_flipped_bit_is_noticed(self) -> None:
        data = small_file()
        for bit in range(8 * 43, 8 * len(data), 3):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 1 << bit % 8
            with pytest.raises((CorruptPacket, TruncatedStream, UnsupportedVersion)):
                sections_of(bytes(damaged))

    def test_tolerant_reader_marks_damage_and_goes_on(self) -> None:
        data = bytearray(small_file())
        data[sections_of(bytes(data))[1].start + 10] ^= 1
        sections = sections_of(bytes(data), tolerant=True)
        assert [section.intact for section in sections] == [True, False, True, True, True]

    def test_ancillary_sections_pass_and_critical_ones_stop(self) -> None:
        sink = io.BytesIO()
        FwvWriter(sink, HEADER).write(200, End(1, 2))
        assert next(iter(FwvReader(io.BytesIO(sink.getvalue())))).kind == 200
        for kind, error in ((8, UnsupportedVersion), (127, UnsupportedVersion), (0, CorruptPacket)):
            sink = io.BytesIO()
            FwvWriter(sink, HEADER).write(kind, End(1, 2))
            with pytest.raises(error):
                next(iter(FwvReader(io.BytesIO(sink.getvalue()))))

    def test_bytes_behind_the_end(self) -> None:
        with pytest.raises(CorruptPacket, match="follow the end"):
            sections_of(small_file() + b"x")

    def test_announced_length_costs_no_memory(self) -> None:
        data = HEADER.to_bytes() + b"\x01\x80\x80\x80\x08" + b"x" * 10
        with pytest.raises(TruncatedStream):
            sections_of(data)
        with pytest.raises(CorruptPacket, match="section length"):
            sections_of(HEADER.to_bytes() + b"\x01\x81\x80\x80\x08")
        with pytest.raises(CorruptPacket, match="section length"):
            sections_of(HEADER.to_bytes() + b"\x01" + b"\xff" * 9)

    def test_writer_refuses_what_readers_would(self) -> None:
        with pytest.raises(ValueError, match="cannot hold"):
            FwvWriter(io.BytesIO(), HEADER).write(kinds.MOTION, Run(0, 1, 0, bytes(1 << 20)))

    def test_non_blocking_sources_are_refused(self) -> None:
        class Empty:
            def read(self, size: int, /) -> None:
                return None

        with pytest.raises(BlockingIOError):
            FwvReader(Empty())


class TestPacketHead:
    @given(st.integers(0, 511), st.integers(0, 31), st.integers(0, 3))
    def test_round_trip(self, number: int, distance: int, epoch: int) -> None:
        head = PacketHead(number, distance, epoch)
        assert PacketHead.parse(head.to_bytes() + b"rest") == head

    def test_bytes_by_hand(self) -> None:
        assert PacketHead(0x101, 1, 2).to_bytes() == b"\x01\x83"

    def test_lengths(self) -> None:
        with pytest.raises(TruncatedStream):
            PacketHead.parse(b"\x00")
        with pytest.raises(CorruptPacket):
            PacketHead.parse(bytes(1025))

    @given(st.integers(0, 1 << 40), st.integers(-255, 255))
    def test_unwrap_finds_the_nearest(self, newest: int, ahead: int) -> None:
        number = newest + ahead
        if number >= 0:
            assert unwrap(number % 512, newest) == number
        else:
            assert unwrap(number % 512, newest) == number + 512
