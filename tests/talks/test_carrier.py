"""Talks inside H.264 and H.265 streams: exactly the motion of a .fwv file, a still for players, errors of ours."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.base.errors import BitstreamError, ConfigError, FacewireError, MediaError, MissingReference
from facewire.bitstream.header import FILE, Header
from facewire.bitstream.sections import MIME_AVIF, Audio, AudioHead
from facewire.bitstream.sei.nal import H264, units_of
from facewire.codec.decoder import DecodedFrame
from facewire.codec.inspection import inspect_talk
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables, load_tables
from facewire.codec.talk import Item, SourcePicture, TalkReader, TalkReference, TalkWriter, talk_header
from facewire.media.carrier.key_picture import decode_key, encode_key
from facewire.media.frame import Pixels
from facewire.media.still import decode_still, encode_still
from facewire.media.video import VideoReader
from facewire.talks.carrier.opening import carries_talk, open_talk
from facewire.talks.carrier.reader import CarrierReader
from facewire.talks.carrier.writer import GFV, USER_DATA, Carrier, CarrierWriter
from tests.codec.golden_streams import FOLDER
from tests.codec.motion import frames_of

SIDE = 64
RATE = Fraction(10)
FRAMES = 27
QUALITIES = (85, 20)
SILENCE = b"\xf8\xff\xfe"
KINDS = (
    Carrier(codec="h264"),
    Carrier(codec="h264", messages=USER_DATA, suffix=".mkv"),
    Carrier(codec="h265", suffix=".mkv"),
    Carrier(codec="h264", suffix=".h264"),
    Carrier(codec="h265", messages=USER_DATA, suffix=".h265"),
)


@pytest.fixture(scope="module")
def tables() -> CodecTables:
    return load_tables(FOLDER / "tables.json")


@pytest.fixture(scope="module")
def motions() -> list[MotionFrame]:
    return frames_of(np.load(FOLDER / "motion.npy"))[:FRAMES]


@pytest.fixture(scope="module")
def pictures() -> list[Pixels]:
    y, x = np.mgrid[:SIDE, :SIDE] * 3
    return [np.stack([x, y, np.full_like(x, blue)], axis=-1).astype(np.uint8) for blue in (40, 200)]


@dataclass
class Written:
    """A talk in a carrier, and the same as a .fwv file."""

    carrier: Carrier
    carried: bytes
    plain: bytes
    keys: list[bytes]


def header_of(tables: CodecTables) -> Header:
    return talk_header(
        FILE,
        tables,
        weights_sha256=bytes(32),
        size=(SIDE, SIDE),
        fps=RATE,
        keypoints=tables.keypoints,
        references=True,
        recalls=True,
    )


def fill(writer: TalkWriter | CarrierWriter, stills: list[bytes], motions: list[MotionFrame]) -> None:
    """Write two pictures, of which the first comes back, sound, two motions of rest, and all frames."""
    writer.source(motions[3], stills[0], MIME_AVIF)
    writer.audio_head(AudioHead(1, 312, 48000))
    for number, motion in enumerate(motions):
        if number == 8:
            writer.source(motions[8], stills[1], MIME_AVIF)
        if number == 20:
            writer.recall(motions[3], 0)
        if number in (0, 8):
            writer.reference(motions[number + 1])
        if number % 10 == 0:
            writer.audio(Audio(number * 4800, (SILENCE,) * 50))
        writer.frame(motion)
    writer.finish()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind.codec}-{kind.messages}{kind.suffix}")
def written(
    request: pytest.FixtureRequest, tables: CodecTables, motions: list[MotionFrame], pictures: list[Pixels]
) -> Written:
    carrier: Carrier = request.param
    keys = [encode_key(pixels, carrier.codec, quality) for pixels, quality in zip(pictures, QUALITIES)]
    carried, plain, header = io.BytesIO(), io.BytesIO(), header_of(tables)

    def where(motion: MotionFrame) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y, _ in motion.expression]

    writer = CarrierWriter(carried, header, tables, carrier, qualities=QUALITIES, where=where, group=12)
    fill(writer, keys, motions)
    stills = [encode_still(picture, "avif", 75)[1] for picture in pictures]
    fill(TalkWriter(plain, header, tables, group=12), stills, motions)
    return Written(carrier, carried.getvalue(), plain.getvalue(), keys)


def items_of(data: bytes, tables: CodecTables) -> list[Item]:
    return list(open_talk(io.BytesIO(data), lambda *_: tables, name="test"))


def test_motion_is_exactly_that_of_a_file(written: Written, tables: CodecTables) -> None:
    ours, theirs = (
        [item for item in items_of(data, tables) if isinstance(item, DecodedFrame)]
        for data in (written.carried, written.plain)
    )
    assert len(ours) == FRAMES
    for a, b in zip(ours, theirs, strict=True):
        assert (a.number, a.epoch) == (b.number, b.epoch)
        assert np.array_equal(a.motion.vector(), b.motion.vector())


def test_pictures_come_where_they_do_in_a_file(written: Written, tables: CodecTables) -> None:
    ours, theirs = (
        [item for item in items_of(data, tables) if isinstance(item, SourcePicture)]
        for data in (written.carried, written.plain)
    )
    assert [(one.frame, one.epoch, one.recalls) for one in ours] == [(0, 0, None), (8, 1, None), (20, 2, 0)]
    assert [(one.frame, one.epoch, one.recalls) for one in theirs] == [(0, 0, None), (8, 1, None), (20, 2, 0)]
    for a, b in zip(ours[:2], theirs, strict=False):
        assert a.motion is not None
        assert b.motion is not None
        assert np.array_equal(a.motion.vector(), b.motion.vector())


def test_motions_of_rest_come_where_they_do_in_a_file(written: Written, tables: CodecTables) -> None:
    ours, theirs = (
        [item for item in items_of(data, tables) if isinstance(item, TalkReference)]
        for data in (written.carried, written.plain)
    )
    assert [one.frame for one in ours] == [one.frame for one in theirs] == [0, 8]
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.motion.vector(), b.motion.vector())


def test_the_source_is_what_the_encoder_looked_at(written: Written, tables: CodecTables) -> None:
    found = [
        item for item in items_of(written.carried, tables) if isinstance(item, SourcePicture) and item.mime
    ]
    for source, key in zip(found, written.keys, strict=True):
        assert source.mime is not None
        picture = decode_still(source.picture, source.mime, "source", SIDE * SIDE)
        assert np.array_equal(picture, decode_key(key, written.carrier.codec, "key", SIDE * SIDE))


def test_players_show_the_still(written: Written, pictures: list[Pixels], tmp_path: Path) -> None:
    path = tmp_path / f"carried{written.carrier.suffix}"
    path.write_bytes(written.carried)
    stills = [decode_key(key, written.carrier.codec, "key", SIDE * SIDE) for key in written.keys]
    with VideoReader(path) as reader:
        shown = [frame.pixels for frame in reader]
    nearest = [
        min((0, 1), key=lambda which: np.abs(picture - 1.0 * stills[which]).mean()) for picture in shown
    ]
    assert nearest == sorted(nearest)
    assert set(nearest) == {0, 1}
    assert all(np.abs(picture - 1.0 * stills[which]).max() <= 4 for picture, which in zip(shown, nearest))
    assert all(
        np.abs(still - 1.0 * picture).mean() < 8 for still, picture in zip(stills, pictures, strict=True)
    )


def test_sound_goes_along_where_there_is_a_container(written: Written, tables: CodecTables) -> None:
    items = items_of(written.carried, tables)
    heads = [item for item in items if isinstance(item, AudioHead)]
    packets = [item for item in items if isinstance(item, Audio)]
    if not written.carrier.has_sound:
        assert not heads
        assert not packets
        return
    assert heads == [AudioHead(1, 312, 48000)]
    assert {packet for audio in packets for packet in audio.packets} == {SILENCE}
    assert [audio.time for audio in packets] == list(range(0, 960 * len(packets), 960))
    assert len(packets) >= FRAMES * 5


def test_every_byte_is_counted(written: Written, tables: CodecTables) -> None:
    info = inspect_talk(open_talk(io.BytesIO(written.carried), lambda *_: tables, name="test"))
    assert written.carrier.messages.split("-")[0] in info.carrier.lower()
    assert info.frames == FRAMES
    assert info.source_bytes + info.refresh_bytes + info.motion_bytes + info.audio_bytes == len(
        written.carried
    )
    assert info.source_bytes > len(written.keys[0])


def test_it_is_told_from_other_videos(written: Written, pictures: list[Pixels], tmp_path: Path) -> None:
    path = tmp_path / f"carried{written.carrier.suffix}"
    path.write_bytes(written.carried)
    assert carries_talk(path)
    bare = tmp_path / f"bare.{written.carrier.codec}"
    bare.write_bytes(written.keys[0])
    assert not carries_talk(bare)
    with bare.open("rb") as stream, pytest.raises(BitstreamError, match="no talk"):
        CarrierReader(stream, lambda *_: None, name="bare")


@pytest.mark.parametrize("written", [KINDS[3]], indirect=True, ids=["h264"])
def test_pictures_that_begin_a_sequence_never_follow_each_other(written: Written) -> None:
    kinds = [H264.type_of(unit) for unit in units_of(written.carried) if H264.holds_picture(unit)]
    assert kinds.count(5) == 2
    assert all((before, after) != (5, 5) for before, after in pairwise(kinds))


@pytest.mark.parametrize("written", [KINDS[3]], indirect=True, ids=["h264"])
def test_a_lost_message_is_noticed(written: Written, tables: CodecTables) -> None:
    units = units_of(written.carried)
    place = next(at for at, unit in enumerate(units) if H264.holds_messages(unit) and at > 5)
    cut = units[:place] + units[place + 1 :]
    stream = b"".join(b"\0\0\0\1" + unit for unit in cut)
    with pytest.raises(MissingReference):
        items_of(stream, tables)
    reader = CarrierReader(io.BytesIO(stream), lambda *_: tables, name="test", tolerant=True)
    numbers = [item for item in reader if isinstance(item, DecodedFrame)]
    assert reader.skipped > 0
    assert 0 < len(numbers) < FRAMES


@pytest.mark.parametrize("written", [KINDS[0], KINDS[1], KINDS[3], KINDS[4]], indirect=True)
@pytest.mark.parametrize("seed", range(4))
def test_damage_gives_values_or_errors_of_ours(written: Written, tables: CodecTables, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for number in range(25):
        damaged = bytearray(written.carried)
        for at in rng.integers(0, len(damaged), rng.integers(0, 4)):
            damaged[at] ^= int(rng.integers(1, 256))
        cut = len(damaged) if number % 3 else int(rng.integers(0, len(damaged)))
        with suppress(BitstreamError, MediaError):
            source = io.BytesIO(bytes(damaged[:cut]))
            for item in open_talk(source, lambda *_: tables, name="test", tolerant=number % 2 == 0):
                if isinstance(item, SourcePicture) and item.mime is not None:
                    decode_still(item.picture, item.mime, "source", SIDE * SIDE)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_an_error_of_ours(data: bytes) -> None:
    for begin in (b"", b"\0\0\0\1\x67\x42\0\x1e", b"\x1a\x45\xdf\xa3", b"\0\0\0\x18ftypisom"):
        with pytest.raises(FacewireError):
            list(open_talk(io.BytesIO(begin + data), lambda *_: None, name="test"))


def test_what_cannot_be_carried_is_said_before_anything_is_done() -> None:
    with pytest.raises(ConfigError, match=r"H\.266"):
        Carrier(codec="h266")
    with pytest.raises(ConfigError, match=r"\.h264"):
        Carrier(codec="h264", suffix=".fwv")
    with pytest.raises(ConfigError):
        Carrier(codec="h264", messages=f"{GFV}e")
    with pytest.raises(MediaError, match="even"):
        encode_key(np.zeros((63, 64, 3), np.uint8), "h264", 75)


def test_plain_files_are_still_read(written: Written, tables: CodecTables) -> None:
    assert isinstance(open_talk(io.BytesIO(written.plain), lambda *_: tables, name="test"), TalkReader)
