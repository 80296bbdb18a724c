"""Pictures that are named again: what the bank keeps, what writer and reader agree on, what is refused."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest

from facewire.base.errors import BitstreamError, CorruptPacket, MissingReference
from facewire.bitstream import sections as kinds
from facewire.bitstream.bank import MOST_PICTURES, Bank
from facewire.bitstream.container import FwvWriter
from facewire.bitstream.header import FILE
from facewire.bitstream.sections import MIME_NONE, MIME_PNG, Recall, Source
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import SourcePicture, TalkReader, talk_header

from .golden_streams import PICTURE, WEIGHTS, talk
from .motion import Floats, frames_of


def sources_of(data: bytes, tables: CodecTables, tolerant: bool = False) -> list[SourcePicture]:
    reader = TalkReader(io.BytesIO(data), lambda *_: tables, tolerant=tolerant)
    return [item for item in reader if isinstance(item, SourcePicture)]


def test_the_picture_used_longest_ago_leaves() -> None:
    bank = Bank[str]()
    for epoch in range(MOST_PICTURES):
        bank.add(epoch, f"picture {epoch}")
    assert bank.recall(0) == "picture 0"
    bank.add(MOST_PICTURES, "new")
    assert bank.recall(1) is None
    assert bank.recall(0) == "picture 0"
    assert [epoch for epoch, _ in bank] == [2, 3, 4, 5, 6, 7, 8, 0]


def test_a_golden_stream_names_pictures_of_before(golden: dict[str, bytes], tables: CodecTables) -> None:
    sources = sources_of(golden["recalls"], tables)
    assert [(source.epoch, source.frame, source.recalls) for source in sources] == [
        (0, 0, None), (1, 15, None), (2, 30, 0), (3, 50, 1)
    ]  # fmt: skip
    assert [source.mime for source in sources[2:]] == [None, None]


def test_a_writer_names_only_what_the_receiver_holds(tables: CodecTables, motion: Floats) -> None:
    frames = frames_of(motion)
    _, old = talk(FILE, tables)
    old.source(frames[0], PICTURE, MIME_PNG)
    with pytest.raises(ValueError, match="header"):
        old.recall(frames[0], 0)
    _, writer = talk(FILE, tables, recalls=True)
    for _ in range(MOST_PICTURES + 1):
        writer.source(frames[0], PICTURE, MIME_PNG)
        writer.frame(frames[0])
    with pytest.raises(ValueError, match="epoch 0"):
        writer.recall(frames[0], 0)
    assert writer.recall(frames[0], 1) < 100


def written(tables: CodecTables, *contents: tuple[int, Source | Recall]) -> bytes:
    sink = io.BytesIO()
    header = talk_header(
        FILE,
        tables,
        weights_sha256=WEIGHTS,
        size=(256, 256),
        fps=Fraction(25),
        keypoints=tables.keypoints,
        recalls=True,
    )
    writer = FwvWriter(sink, header)
    writer.write(kinds.SOURCE, Source(0, 0, MIME_PNG, b"", PICTURE))
    for kind, content in contents:
        writer.write(kind, content)
    writer.finish(0)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("recall", "source", "problem"),
    [
        (Recall(2, 0), Source(1, 5, MIME_NONE, b"", b""), CorruptPacket),
        (Recall(1, 0), Source(1, 5, MIME_PNG, b"", PICTURE), CorruptPacket),
    ],
)
def test_a_recall_of_another_source_is_damage(
    recall: Recall, source: Source, problem: type[BitstreamError], tables: CodecTables
) -> None:
    with pytest.raises(problem):
        sources_of(written(tables, (kinds.RECALL, recall), (kinds.SOURCE, source)), tables)


def test_an_epoch_that_named_a_picture_is_no_name_for_it(tables: CodecTables) -> None:
    data = written(
        tables,
        (kinds.RECALL, Recall(1, 0)),
        (kinds.SOURCE, Source(1, 5, MIME_NONE, b"", b"")),
        (kinds.RECALL, Recall(2, 1)),
        (kinds.SOURCE, Source(2, 9, MIME_NONE, b"", b"")),
    )
    with pytest.raises(MissingReference):
        sources_of(data, tables)
    assert [source.epoch for source in sources_of(data, tables, tolerant=True)] == [0, 1]


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x00\x00", b"\x01\x01", b"\x02\x00\x00"])
def test_payloads_that_are_no_recall(payload: bytes) -> None:
    with pytest.raises(BitstreamError):
        Recall.parse(payload, 0)
