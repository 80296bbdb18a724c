"""What can be known is checked first: inputs, outputs and numbers of every command, before any network is loaded."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from facewire.bitstream.header import MAGIC
from facewire.cli import options, places
from facewire.cli.main import main
from facewire.media.image import save_image
from tests.conftest import ClipMaker
from tests.media.synthetic import write_video

Folder = Path
Refused = Callable[[str], tuple[int, str]]


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a command begins to work."""

    def begun(*given: object) -> None:
        raise AssertionError("the command began its work")

    monkeypatch.setattr(options, "animator_of", begun)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory, make_clip: ClipMaker) -> Folder:
    folder = tmp_path_factory.mktemp("originals")
    make_clip(folder, "v")
    save_image(folder / "p.png", np.full((64, 64, 3), 90, np.uint8))
    (folder / "t.fwv").write_bytes(MAGIC + bytes(100))
    (folder / "clips").mkdir()
    make_clip(folder / "clips", "c")
    return folder


@pytest.fixture
def here(originals: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Be in a folder with v.mp4, p.png, t.fwv, clips/, and links to the video."""
    for name in ("v.mp4", "p.png", "t.fwv"):
        (tmp_path / name).write_bytes((originals / name).read_bytes())
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "c.mp4").write_bytes((originals / "clips" / "c.mp4").read_bytes())
    (tmp_path / "soft.mp4").symlink_to("v.mp4")
    (tmp_path / "hard.mp4").hardlink_to(tmp_path / "v.mp4")
    (tmp_path / "clips-too").symlink_to("clips")
    (tmp_path / "soft.fwv").symlink_to("t.fwv")
    (tmp_path / "soft.png").symlink_to("p.png")
    (tmp_path / "photo.fwv").hardlink_to(tmp_path / "p.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Folder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def refused(here: Folder, capsys: pytest.CaptureFixture[str]) -> Iterator[Refused]:
    """Run a command that must fail; all files are afterwards what they were, and the reason is one line."""
    before = contents(here)

    def run(line: str) -> tuple[int, str]:
        code = main(line.split())
        error = capsys.readouterr().err
        assert error.count("\n") == 1, error
        return code, error

    yield run
    assert contents(here) == before


@pytest.mark.parametrize(
    "line",
    [
        "animate p.png v.mp4 -o v.mp4",
        "animate p.png v.mp4 -o ./clips/../v.mp4",
        "animate p.png v.mp4 -o soft.mp4",
        "animate p.png v.mp4 -o hard.mp4",
        "animate p.png soft.mp4 -o v.mp4 --overwrite",
        "animate -s p.png -d v.mp4 -o v.mp4",
        "rotate p.png -o p.png",
        "rotate p.png -o soft.png --yaw 20",
        "encode v.mp4 --source p.png -o photo.fwv",
        "compare clips -o clips",
        "compare clips -o clips-too",
        "evaluate reconstruction --data clips -o clips/",
        "prepare clips -o clips",
        "train tiny --data clips -o clips-too",
        "train tiny --data clips -o run --cache clips",
    ],
)
def test_no_output_is_an_input(line: str, refused: Refused) -> None:
    code, error = refused(line)
    assert code == 3
    assert "is the input" in error


@pytest.mark.parametrize("command", ["encode", "record", "decode"])
def test_a_link_with_the_right_suffix_is_still_the_input(
    command: str, here: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    given, name = ("t.fwv", "out.mp4") if command == "decode" else ("v.mp4", "out.fwv")
    (here / name).symlink_to(given)
    before = (here / given).read_bytes()
    assert main([command, given, "-o", name]) == 3
    assert "is the input" in capsys.readouterr().err
    assert (here / given).read_bytes() == before


def test_a_list_is_not_overwritten_by_the_tables_of_the_shards(
    here: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "videos.csv").write_text("v.mp4\n")
    assert main(["prepare", "videos.csv", "-o", "."]) == 3
    assert "is the input" in capsys.readouterr().err
    assert (here / "videos.csv").read_text() == "v.mp4\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("animate p.png v.mp4 -o none/o.mp4", "create it first"),
        ("animate p.png v.mp4 -o p.png/o.mp4", "correct the path"),
        ("record v.mp4 -o clips", "folder"),
        ("record v.mp4 -o o.fwv/", "folder"),
        ("animate p.png v.mp4 -o o.avi", ".mp4"),
        ("animate p.png v.mp4 -o o", ".mp4"),
        ("animate p.png v.mp4 -o -", ".mp4"),
        (f"animate p.png v.mp4 -o {'x' * 300}.mp4", "too long"),
        ("rotate p.png -o o.mp4", ".png"),
        ("rotate p.png -o o.png --yaw -30:30", ".mp4"),
        ("record v.mp4 -o o.mp4", "call it o.fwv"),
        ("encode v.mp4 -o o.mp4", "call it o.fwv"),
        ("encode v.mp4 -o o", "call it o.fwv"),
        ("encode v.mp4 -o none/o.fwv", "create it first"),
        ("decode t.fwv -o o.fwv", ".mp4"),
        ("decode t.fwv -o none/o.mp4", "create it first"),
        ("bench p.png --output none/speed.json", "create it first"),
        ("bench p.png --output speed.txt", "call it speed.json"),
        ("bench train tiny --profile none/p.txt", "create it first"),
        ("curves clips -o none/page.html", "create it first"),
        ("curves clips -o clips/scalars.jsonl", "call it clips/scalars.html"),
        ("compare clips -o v.mp4", "a file is in the way"),
        ("compare clips -o v.mp4/report", "a file is in the way"),
        ("prepare clips -o p.png", "a file is in the way"),
        ("train tiny --data clips -o p.png", "a file is in the way"),
        ("export --format onnx -o p.png", "a file is in the way"),
        ("evaluate transfer --data clips -o p.png", "a file is in the way"),
    ],
)
def test_outputs_that_cannot_be_are_refused(line: str, says: str, refused: Refused) -> None:
    code, error = refused(line)
    assert code == 3
    assert says in error


def test_a_folder_without_permission_is_refused(
    here: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(*given: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("facewire.base.files.os.open", denied)
    assert main(["animate", "p.png", "v.mp4", "-o", "o.mp4"]) == 3
    assert "no permission" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("animate none.png v.mp4 -o o.mp4", 3, "none.png"),
        ("animate p.png none.mp4 -o o.mp4", 3, "none.mp4"),
        ("animate v.mp4 p.png -o o.mp4", 3, "swap them"),
        ("animate t.fwv p.png -o o.mp4", 3, "swap them"),
        ("animate t.fwv v.mp4 -o o.mp4", 3, "a photo belongs here"),
        ("animate clips v.mp4 -o o.mp4", 3, "folder"),
        ("animate p.png v.mp4 -o o.mp4 --weights none", 4, "compact-256"),
        ("rotate v.mp4 -o o.png", 3, "is a video"),
        ("record t.fwv -o o.fwv", 3, "facewire decode"),
        ("record clips -o o.fwv", 3, "folder"),
        ("encode t.fwv -o o.fwv", 3, "facewire decode"),
        ("encode v.mp4 -o o.fwv --source v.mp4", 3, "is a video"),
        ("encode v.mp4 -o o.fwv --source none.png", 3, "none.png"),
        ("decode v.mp4 -o o.mp4", 5, "facewire encode"),
        ("decode t.fwv -o o.mp4 --source v.mp4", 3, "is a video"),
        ("compare clips none.mp4 -o r", 3, "none.mp4"),
        ("compare clips -o r --nets none", 4, "no such folder"),
        ("evaluate transfer --data none -o r", 3, "not a folder"),
        ("evaluate transfer --data clips -o r --nets none", 4, "no such folder"),
        ("evaluate ablation --data clips -o r --weights compact-256 none", 4, "none"),
        ("train tiny --data none -o r", 3, "not a folder"),
        ("train tiny --data clips -o r --perceptual none.pth", 4, "none.pth"),
        ("bench train --data none", 3, "not a folder"),
        ("bench none.png", 3, "none.png"),
        ("loopback none.mp4", 3, "none.mp4"),
        ("curves none", 3, "not a folder"),
        ("prepare none -o r", 3, "no such file or folder"),
    ],
)
def test_inputs_are_looked_at_first(line: str, code: int, says: str, refused: Refused) -> None:
    actual, error = refused(line)
    assert says in error
    assert actual == code


@pytest.mark.parametrize(
    "line",
    [
        *(
            f"animate p.png v.mp4 -o o.mp4 {wrong}"
            for wrong in ("--crf 99", "--crf -1", "--crf nan", "--crf 1.5")
        ),
        *(f"animate p.png v.mp4 -o o.gif {wrong}" for wrong in ("--crf 99", "--face -1", "--keypoints 0")),
        *(
            f"animate p.png v.mp4 -o o.mp4 {wrong}"
            for wrong in ("--reference -1", "--reference 1.5", "--reference x")
        ),
        *(
            f"animate p.png v.mp4 -o o.mp4 --yaw {wrong}"
            for wrong in ("90", "nan", "-inf", "-30:x", "-60:60", "1:")
        ),
        *(
            f"animate p.png v.mp4 -o o.mp4 {wrong}"
            for wrong in ("--yaw", "--nothing", "more.mp4", "--relative --absolute")
        ),
        "animate p.png v.mp4 -o o.mp4 --overwrite --no-overwrite",
        *(
            f"rotate p.png -o o.mp4 --yaw 0:9 --seconds {wrong}"
            for wrong in ("0", "nan", "inf", "-4", "601", "x")
        ),
        *(
            f"encode v.mp4 -o o.fwv {wrong}"
            for wrong in ("--limit 0", "--limit nan", "--keypoints 0", "--keypoints x")
        ),
        *(
            f"encode v.mp4 -o o.fwv {wrong}"
            for wrong in ("--still-quality 0", "--audio-rate 5", "--confirm-after -1")
        ),
        "record v.mp4 -o o.fwv --face -1",
        "decode t.fwv -o o.mp4 --crf 52",
        *(f"compare clips -o r {wrong}" for wrong in ("--clips 0", "--frames 1", "--stride 0")),
        *(
            f"evaluate transfer --data clips -o r {wrong}"
            for wrong in ("--workers 0", "--stride -1", "--kept 0")
        ),
        *(
            f"prepare clips -o r {wrong}"
            for wrong in ("--workers 0", "--limit nan", "--crf 52", "--val-share nan")
        ),
        *(
            f"train tiny --data clips -o r {wrong}"
            for wrong in ("--steps 0", "--seed -1", "--ranks 0", "--workers 0")
        ),
        *(
            f"loopback v.mp4 {wrong}"
            for wrong in ("--loss nan", "--cut nan:3", "--cut -3:5", "--cut 5", "--seed -1")
        ),
        *(
            f"bench {wrong}"
            for wrong in ("p.png --frames 0", "batches --batch 0", "batches --seconds inf", "train --steps 0")
        ),
        "call --port 70000",
        "signal --port -1",
        "dance",
    ],
)
def test_wrong_numbers_and_words_end_with_2(line: str, refused: Refused) -> None:
    assert refused(line)[0] == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "option", "terminal", "may"),
    [
        ("y\n", [], True, True),
        ("YES\n", [], True, True),
        ("n\n", [], True, False),
        ("\n", [], True, False),
        ("", [], True, False),
        ("", ["-y"], True, True),
        ("y\n", ["--no-overwrite"], True, False),
        ("", [], False, True),
        ("", ["--overwrite"], False, True),
        ("", ["-n"], False, False),
    ],
)
def test_who_is_there_is_asked_before_a_file_is_replaced(
    answer: str,
    option: list[str],
    terminal: bool,
    may: bool,
    here: Folder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (here / "old.png").write_bytes(b"old")
    shown = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stdin", Terminal(answer) if terminal else io.StringIO(answer))
    monkeypatch.setattr(sys, "stderr", shown)
    line = ["rotate", "p.png", "-o", "old.png", *option]
    if may:
        with pytest.raises(AssertionError, match="began"):
            main(line)
    else:
        assert main(line) == 3
        assert "already there" in shown.getvalue()
    assert ("[y/N]" in shown.getvalue()) == (terminal and not option)
    assert (here / "old.png").read_bytes() == b"old"


def test_a_new_file_needs_no_answer(here: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(AssertionError, match="began"):
        main(["rotate", "p.png", "-o", "new.png"])
    assert list(here.glob(".facewire*")) == []
    assert not (here / "new.png").exists()


def test_bytes_neither_come_from_nor_go_to_a_terminal(
    here: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert main(["encode", "-", "-o", "o.fwv"]) == 3
    assert "standard input is the terminal" in capsys.readouterr().err
    monkeypatch.setattr(places, "_is_terminal", lambda stream: stream is sys.stdout)
    assert main(["decode", "t.fwv", "-o", "-"]) == 3
    assert "standard output is the terminal" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "nothing came"), (b"no video at all" * 100, "pipe Matroska"), (None, "index at the end")],
)
def test_a_pipe_that_is_no_video_says_what_to_do(
    data: bytes | None,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if data is None:
        noise = np.random.default_rng(0)
        pictures = [noise.integers(0, 255, (128, 128, 3), np.uint8) for _ in range(8)]
        data = write_video(tmp_path / "late.mp4", pictures).read_bytes()
        assert data.index(b"mdat") < data.index(b"moov") > 40_000
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    animator = SimpleNamespace(keypoints=20, use=lambda engine: SimpleNamespace(remark=""))
    monkeypatch.setattr(options, "animator_of", lambda given: animator)
    assert main(["encode", "-", "-o", str(tmp_path / "o.fwv")]) == 3
    assert says in capsys.readouterr().err
    assert not (tmp_path / "o.fwv").exists()
