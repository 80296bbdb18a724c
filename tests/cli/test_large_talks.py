"""Talks whose pictures are larger than the networks': encode --size, decode, info, and what is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facewire.animation.animator import Animator, Person, Pixels
from facewire.base.errors import MediaError, MotionFileError
from facewire.bitstream.header import STREAM
from facewire.cli import options
from facewire.cli.main import main
from facewire.codec.talk import SourcePicture, TalkReader, TalkWriter, talk_header
from facewire.evaluation.codecs.clips import SHORTEST
from facewire.media.image import resize
from facewire.media.still import decode_still, encode_still
from facewire.media.video import VideoReader
from facewire.talks.bridge import to_frames
from facewire.talks.coding_tables import shelf_of, tables_of
from facewire.talks.decoder import DecodeOptions, decode
from facewire.talks.encoder import MIME_IDS
from tests.cli.conftest import FRAMES, RATE
from tests.media.synthetic import write_video

SIDE = 512
CORNER = (slice(32, 96), slice(32, 96))
"""Where a pattern stands behind the head that 256 pixels cannot show."""


@pytest.fixture(autouse=True, scope="module")
def loaded_once(animator: Animator) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "animator_of", lambda given: animator)
        yield


@pytest.fixture(scope="module")
def large_pictures(driving_pictures: list[Pixels]) -> list[Pixels]:
    """Return the turning head, 512 pixels wide, before a fine pattern."""
    columns = np.arange(64) % 2 * 160 + 48
    pictures = []
    for picture in driving_pictures:
        large = resize(picture, (SIDE, SIDE))
        large[CORNER] = columns[None, :, None]
        pictures.append(large)
    return pictures


@pytest.fixture(scope="module")
def clip(large_pictures: list[Pixels], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "clip.mkv"
    return write_video(path, large_pictures, rate=RATE, options={"crf": "8"})


@pytest.fixture(scope="module")
def talk(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(clip, tmp_path_factory.mktemp("large") / "talk.fwv", "--size", str(SIDE))


def encoded(clip: Path, path: Path, *more: str) -> Path:
    arguments = ["encode", str(clip), "-o", str(path), "--crop", "none", "--refresh", "off", "-q", *more]
    assert main(arguments) == 0
    return path


def pictures_of(path: Path) -> list[Pixels]:
    with VideoReader(path) as reader:
        return [frame.pixels for frame in reader]


def source_of(path: Path, animator: Animator) -> Pixels:
    """Return the first source picture of a talk."""
    items = iter(TalkReader(io.BytesIO(path.read_bytes()), shelf_of(animator).find))
    first = next(items)
    assert isinstance(first, SourcePicture)
    assert first.mime is not None
    return decode_still(first.picture, first.mime, "source")


def contrast(picture: Pixels) -> float:
    """Return how much of the pattern a picture shows."""
    return float(picture[CORNER].astype(float).std())


@pytest.mark.slow
def test_motion_costs_the_same_and_the_picture_shows_what_256_pixels_cannot(
    talk: Path, clip: Path, tmp_path: Path, animator: Animator, capsys: pytest.CaptureFixture[str]
) -> None:
    out, small, small_out = tmp_path / "o.mkv", tmp_path / "small.fwv", tmp_path / "small.mkv"
    encoded(clip, small)
    assert source_of(talk, animator).shape == (SIDE, SIDE, 3)
    assert source_of(small, animator).shape == (256, 256, 3)
    assert main(["decode", str(talk), "-o", str(out), "-q", "--crf", "8"]) == 0
    assert main(["decode", str(small), "-o", str(small_out), "-q", "--crf", "8"]) == 0
    capsys.readouterr()
    told = []
    for path in (talk, small):
        assert main(["info", str(path), "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    large_info, small_info = told
    assert (large_info["width"], large_info["height"]) == (SIDE, SIDE)
    # The two sources are coded pictures of two sizes, so the networks see them minutely differently.
    assert large_info["motion_bytes"] == pytest.approx(small_info["motion_bytes"], abs=2 * FRAMES)
    assert large_info["source_bytes"] > small_info["source_bytes"]
    shown, enlarged, truth = pictures_of(out), pictures_of(small_out), pictures_of(clip)
    assert len(shown) == FRAMES
    for large, one, other in zip(shown, enlarged, truth, strict=True):
        assert large.shape == other.shape == (SIDE, SIDE, 3)
        assert np.abs(large.astype(int) - other).mean() < 8
        assert contrast(large) > 0.7 * contrast(other) > 4 * contrast(resize(one, (SIDE, SIDE)))


@pytest.mark.slow
def test_a_source_is_no_larger_than_the_video_has_it(
    driving_pictures: list[Pixels], tmp_path: Path, animator: Animator
) -> None:
    clip = write_video(tmp_path / "c.mkv", [resize(p, (320, 320)) for p in driving_pictures[:3]], rate=RATE)
    path = encoded(clip, tmp_path / "t.fwv", "--size", "640")
    assert source_of(path, animator).shape == (320, 320, 3)
    out = tmp_path / "o.mkv"
    assert main(["decode", str(path), "-o", str(out), "-q"]) == 0
    assert {picture.shape for picture in pictures_of(out)} == {(640, 640, 3)}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["source", "patch"])
def test_later_pictures_have_the_size_of_the_first(
    mode: str, large_pictures: list[Pixels], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At five frames a second: a picture comes a second after another at the earliest. 0, 5 and 10 are seen ahead."""
    pictures = [picture.copy() for _ in range(3) for picture in large_pictures][:15]
    for picture in pictures[11:]:
        picture[240:500, 40:280] = (20, 220, 40)
    clip, out = tmp_path / "c.mkv", tmp_path / "o.mkv"
    write_video(clip, pictures, rate=Fraction(5), options={"crf": "12"})
    path = encoded(clip, tmp_path / "t.fwv", "--refresh", mode, "--size", str(SIDE))
    capsys.readouterr()
    assert main(["info", str(path), "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert [picture["kind"] for picture in info["pictures"]] == ["source", mode]
    number = info["pictures"][1]["frame"]
    assert main(["decode", str(path), "-o", str(out), "-q"]) == 0
    shown, truth = pictures_of(out), pictures_of(clip)
    wrong = [np.abs(a.astype(int) - b)[260:480, 60:260].mean() for a, b in zip(shown, truth, strict=True)]
    assert all(level > 40 for level in wrong[11:number])
    assert wrong[number] < 10


@pytest.mark.slow
def test_somebody_else_is_as_large_as_the_talk_or_as_asked_for(
    talk: Path, photo: Path, tmp_path: Path
) -> None:
    for more, side in ((), SIDE), (("--size", "320"), 320):
        out = tmp_path / f"{side}.mkv"
        assert main(["decode", str(talk), "-o", str(out), "--source", str(photo), "-q", *more]) == 0
        assert {picture.shape for picture in pictures_of(out)} == {(side, side, 3)}


@pytest.mark.parametrize("size", ["255", "1025", "large"])
def test_other_sizes_are_refused(
    size: str, clip: Path, talk: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "o.fwv"
    assert main(["encode", str(clip), "-o", str(path), "--crop", "none", "--size", size]) == 2
    assert main(["decode", str(talk), "-o", str(tmp_path / "o.mp4"), "--size", "512"]) == 2
    assert "--source" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def talk_of(animator: Animator, person: Person, size: tuple[int, int], picture: Pixels) -> io.BytesIO:
    """Return a stream of one frame with any picture size and any source picture."""
    tables, sink = tables_of(animator), io.BytesIO()
    weights = bytes.fromhex(animator.manifest.sha256)
    header = talk_header(
        STREAM, tables, weights_sha256=weights, size=size, fps=Fraction(25), keypoints=tables.keypoints
    )
    writer = TalkWriter(sink, header, tables)
    kind, data = encode_still(picture, "webp", 50)
    (frame,) = to_frames(person.identity.motion)
    writer.source(frame, data, MIME_IDS[kind])
    writer.frame(frame)
    writer.finish()
    return io.BytesIO(sink.getvalue())


@pytest.mark.parametrize("size", [(16384, 16384), (1025, 1025), (64, 64), (512, 256)])
def test_pictures_that_cannot_be_shown_are_refused_before_anything_is_made(
    size: tuple[int, int], animator: Animator, person: Person, tmp_path: Path
) -> None:
    talk = talk_of(animator, person, size, person.picture)
    with pytest.raises(MotionFileError, match="256 to 1024"):
        decode(animator, talk, tmp_path / "o.mp4", DecodeOptions(), name="talk")
    assert not list(tmp_path.iterdir())


def test_a_huge_source_picture_is_not_decoded(animator: Animator, person: Person, tmp_path: Path) -> None:
    talk = talk_of(animator, person, (256, 256), np.zeros((1025, 1024, 3), np.uint8))
    with pytest.raises(MediaError, match="1,048,576 pixels"):
        decode(animator, talk, tmp_path / "o.mp4", DecodeOptions(), name="talk")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("few_points", "without_plots")
def test_compare_at_512_codes_the_larger_pictures_and_motion_costs_the_same(
    large_pictures: list[Pixels], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = (large_pictures + large_pictures[::-1])[:SHORTEST]
    clip = write_video(tmp_path / "clip.mkv", pictures, rate=RATE, options={"crf": "8"})
    ours, anchor = "Facewire file refresh off", "x264 low delay"
    arguments = ["compare", str(clip), "--crop", "none", "-q", "--json", "--stride", "8"]
    arguments += ["--methods", ours, anchor]
    documents = []
    for size in (256, SIDE):
        assert main([*arguments, "-o", str(tmp_path / str(size)), "--size", str(size)]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    small, large = documents
    assert (small["config"]["size"], large["config"]["size"]) == (256, SIDE)

    def rate(document: dict[str, Any], method: str, setting: str, account: str) -> float:
        return float(document["curves"][method][setting]["kbit_per_s"][account])

    motion, whole = ((ours, "coarse 20", account) for account in ("after the first picture", "10 s"))
    assert rate(large, *motion) == pytest.approx(rate(small, *motion), rel=0.2)
    assert rate(large, *whole) > rate(small, *whole)
    coded = anchor, "27", "after the first picture"
    assert rate(large, *coded) > 1.3 * rate(small, *coded)


def test_compare_enlarges_nothing(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", str(clip), "-o", str(tmp_path / "r"), "--crop", "none", "-q", "--size", "640"]
    assert main([*arguments, "--methods", "x264 low delay"]) == 8
    assert "512 pixels" in capsys.readouterr().err
