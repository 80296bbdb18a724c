"""The whole photo, several heads, source videos, regions, batches and marks, run as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facewire.animation.animator import Animator, Pixels
from facewire.animation.person import ROOMY_SHARE
from facewire.cli.batch import Job, expanded, jobs
from facewire.cli.main import main
from facewire.face.crop import FACE_SHARE, crop, crop_box_from_faces
from facewire.media.image import load_image, resize, save_image
from facewire.media.marks.synthetic_mark import SOURCE_TYPE, read_mark
from tests.cli.test_animate import frames_of

SHORT = ["--to", "0.11", "-q"]
"""Four frames."""


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.slow
def test_the_photo_comes_back_whole_and_only_its_head_moves(
    photo: Path, driving: Path, animator: Animator, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    assert main(["animate", str(photo), str(driving), "-o", str(out), *SHORT, "--crf", "4"]) == 0
    box, source = animator.person(photo).composer.box, astronaut()
    frames = frames_of(out)
    assert len(frames) == 4
    outside = np.ones(source.shape[:2], bool)
    outside[box.top : box.top + box.side, box.left : box.left + box.side] = False
    for frame in frames:
        assert (
            np.abs(frame.pixels.astype(int) - source)[outside].mean() < 3
        )  # what the video's coding changes
    assert difference(frames[0].pixels[60:160, 170:280], frames[3].pixels[60:160, 170:280]) > 1
    assert read_mark(out) is not None


@pytest.mark.slow
def test_a_square_that_would_cut_off_hair_is_larger(photo: Path, animator: Animator) -> None:
    usual, whole = animator.person(photo, head=True), animator.person(photo)
    side = whole.composer.box.side
    assert whole.reach == pytest.approx(ROOMY_SHARE / FACE_SHARE, abs=0.005)
    upper, middle = (crop(one.composer.matte, one.composer.box, 256)[:5, 64:192] for one in (whole, usual))
    assert usual.reach == 1
    assert middle.max() > 200
    assert upper.max() < 100
    # Where the photo ends, a larger square does not show more hair.
    box = crop_box_from_faces(animator.faces(astronaut(), "astronaut"), 512, 512)
    cut = animator.person(astronaut()[box.top :])
    assert cut.reach == 1
    assert cut.composer.box.side < side


@pytest.mark.slow
def test_sizes(photo: Path, tmp_path: Path) -> None:
    wanted = {
        (): (512, 512),
        ("--size", "300"): (300, 300),
        ("--size", "4000"): (512, 512),
        ("--head",): (256, 256),
        ("--head", "--size", "320"): (320, 320),
        ("--crop", "none"): (256, 256),
        ("--crop", "none", "--size", "own"): (512, 512),
    }
    for number, (arguments, size) in enumerate(wanted.items()):
        out = tmp_path / f"{number}.png"
        assert main(["rotate", str(photo), "-o", str(out), "--yaw", "5", "-q", *arguments]) == 0
        assert load_image(out).shape[1::-1] == size


@pytest.mark.slow
def test_every_head_of_a_group_moves(driving: Path, animator: Animator, tmp_path: Path) -> None:
    group, out = tmp_path / "group.png", tmp_path / "group.mp4"
    save_image(group, np.concatenate((astronaut(), astronaut()[:, ::-1]), axis=1))
    people = animator.people(group)
    assert len(people) == 2
    assert main(["animate", str(group), str(driving), "-o", str(out), *SHORT, "--face", "all"]) == 0
    first, *_, last = (frame.pixels for frame in frames_of(out))
    for person in people:
        _, place = person.composer.inside()
        assert difference(first[place], last[place]) > 0.5


@pytest.mark.slow
def test_heads_that_are_tiny_or_cut_by_the_edge_are_animated(animator: Animator, tmp_path: Path) -> None:
    small = np.full((300, 400, 3), 128, np.uint8)
    small[50:250, 100:300] = resize(astronaut(), (200, 200))
    cut = astronaut()[45:, 20:]
    for number, picture in enumerate((small, cut)):
        path, out = tmp_path / f"{number}.png", tmp_path / f"{number}-out.png"
        save_image(path, np.ascontiguousarray(picture))
        assert main(["rotate", str(path), "-o", str(out), "--yaw", "12", "-q"]) == 0
        turned = load_image(out)
        _, place = animator.person(path).composer.inside()
        assert difference(turned[place], picture[place]) > 1
        changed = (turned != picture).any(axis=2)
        changed[place] = False
        assert not changed.any()


def _small() -> Pixels:
    """A head of 40 pixels."""
    return np.pad(resize(astronaut(), (190, 190)), ((60, 40), (150, 70), (0, 0)), constant_values=90)


def _tilted() -> Pixels:
    """A head that leans by 30 degrees."""
    turn = cv2.getRotationMatrix2D((255.5, 255.5), 30, 1)
    return np.asarray(cv2.warpAffine(astronaut(), turn, (512, 512), borderMode=cv2.BORDER_REPLICATE))


def _huge() -> Pixels:
    """A head of 3000 pixels."""
    return np.asarray(cv2.resize(astronaut()[20:275, 105:360], (4500, 4500)))


@pytest.mark.slow
@pytest.mark.parametrize(("picture", "height"), [(_small, 40), (_tilted, 115), (_huge, 813)])
def test_heads_of_any_size_and_lean_are_animated_in_their_square(
    picture: Callable[[], Pixels], height: int, animator: Animator, tmp_path: Path
) -> None:
    path, still, out = (tmp_path / name for name in ("photo.jpg", "still.png", "turned.png"))
    save_image(path, picture())
    for image, yaw in ((still, "1"), (out, "14")):
        assert main(["rotate", str(path), "-o", str(image), "--yaw", yaw, "-q"]) == 0
    before, after, photo = load_image(still), load_image(out), load_image(path)
    assert max(after.shape) == min(1920, max(photo.shape))
    (face,) = animator.faces(after, "turned")
    assert face.box[3] - face.box[1] == pytest.approx(height, rel=0.2)
    assert difference(before, after) > 0.2
    left, top, right, bottom = face.box
    rows, columns = (before != after).any(axis=2).nonzero()
    away = np.hypot(columns - (left + right) / 2, rows - (top + bottom) / 2)
    assert away.max() < 1.6 * (bottom - top)  # half the square's diagonal, and where the face is in it


@pytest.mark.slow
def test_a_video_is_edited_in_its_regions_only(driving: Path, tmp_path: Path) -> None:
    out = tmp_path / "dubbed.mp4"
    arguments = ["--regions", "lips", "--edit", "mouth=0.8", "--crf", "4", *SHORT]
    assert main(["animate", str(driving), str(driving), "-o", str(out), *arguments]) == 0
    clip, edited = frames_of(driving)[:4], frames_of(out)
    assert [frame.size for frame in edited] == [(448, 320)] * 4
    assert [frame.time for frame in edited] == pytest.approx([frame.time for frame in clip])
    for before, after in zip(clip, edited, strict=True):
        assert difference(before.pixels[:, :60], after.pixels[:, :60]) < 2
        mouth, eyes = (slice(180, 230), slice(190, 260)), (slice(110, 140), slice(180, 270))
        assert difference(before.pixels[mouth], after.pixels[mouth]) > 1.5 * difference(
            before.pixels[eyes], after.pixels[eyes]
        )


@pytest.mark.slow
def test_a_batch_goes_on_after_a_failure_and_where_it_stopped(
    photo: Path, driving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    save_image(photos / "b.png", load_image(photo))
    (photos / "a.jpg").write_bytes(b"no picture")
    (photos / "notes.txt").write_text("left alone")
    command = ["animate", str(photos), str(driving), "-o", f"{out}/", "--to", "0.1"]
    assert main(command) == 8
    told = capsys.readouterr()
    assert "1/2 a.jpg + driving.mp4: failed" in told.err
    assert "1 made, 1 failed" in told.out
    made = out / "b--driving.mp4"
    assert sorted(path.name for path in out.iterdir()) == [".facewire-batch.json", made.name]
    written = made.stat().st_mtime_ns
    (photos / "a.jpg").unlink()
    assert main([*command, "--json", "-q"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["state"] == "there already"
    assert made.stat().st_mtime_ns == written
    for more, state in (
        (("--yaw", "5", "--no-overwrite"), "there, made from something else"),
        (("--yaw", "5"), "made"),
        (("--yaw", "5"), "there already"),
    ):
        assert main([*command, *more, "--json", "-q"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["state"] == state


def test_a_batch_is_every_source_with_every_driver(tmp_path: Path) -> None:
    for name in ("a/x.jpg", "a/x.png", "a/y.webp", "b/d.mp4", "b/d.fwv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    sources = expanded(str(tmp_path / "a"), pictures=True)
    drivers = expanded(str(tmp_path / "b" / "*"), pictures=False)
    listed = jobs(sources, drivers, Path("out"))
    assert len(listed) == len({job.output for job in listed}) == 6
    assert listed[0] == Job(tmp_path / "a/x.jpg", tmp_path / "b/d.fwv", Path("out/x.jpg--d.mp4"))


@pytest.mark.slow
def test_info_says_how_a_picture_was_made(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked, plain = tmp_path / "marked.jpg", tmp_path / "plain.png"
    assert main(["rotate", str(photo), "-o", str(marked), "--yaw", "5", "-q", "--caption", "made up"]) == 0
    assert main(["rotate", str(photo), "-o", str(plain), "--yaw", "5", "-q", "--unmarked"]) == 0
    capsys.readouterr()
    assert main(["info", str(marked)]) == 0
    assert SOURCE_TYPE in capsys.readouterr().out
    assert main(["info", str(plain), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"mark": None, "signature": None}
    assert difference(load_image(marked)[-12:, :100], load_image(plain)[-12:, :100]) > 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--size", "3"], "size"),
        (["--size", "large"], "size"),
        (["--regions", "nose"], "regions"),
        (["--edit", "smile=2"], "smile"),
        (["--sound", "source"], "sound"),
        (["--from", "2", "--to", "1"], "--to"),
        (["--face", "all", "--head"], "face"),
        (["--caption", "a\nb"], "caption"),
    ],
)
def test_wrong_options_are_one_line_and_write_nothing(
    arguments: list[str],
    word: str,
    photo: Path,
    driving: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.mp4"
    assert main(["animate", str(photo), str(driving), "-o", str(out), "-q", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert word in line
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_span_that_holds_nothing_is_refused(photo: Path, driving: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert main(["animate", str(photo), str(driving), "-o", str(out), "-q", "--from", "60"]) == 3
    assert not out.exists()


@pytest.mark.slow
def test_keyframes_and_numbered_pictures(photo: Path, tmp_path: Path) -> None:
    keys = ["--key", "0", "yaw=0,smile=0", "--key", "0.04", "yaw=15,smile=0.5"]
    clip = ["rotate", str(photo), "-q", "--seconds", "0.12", *keys]
    assert main([*clip, "-o", str(tmp_path / "k-%02d.png")]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["k-01.png", "k-02.png", "k-03.png"]
    still = ["rotate", str(photo), "-q", "--yaw", "15", "--edit", "smile=0.5"]
    assert main([*still, "-o", str(tmp_path / "still.png")]) == 0
    turned = load_image(tmp_path / "still.png").astype(int)
    assert np.abs(load_image(tmp_path / "k-02.png") - turned).max() <= 1
    assert np.abs(load_image(tmp_path / "k-01.png") - turned).max() > 50
    assert main(["rotate", str(photo), "-q", "--edit", "smile=0", "-o", str(tmp_path / "plain.png")]) == 0
    assert (
        np.abs(load_image(tmp_path / "k-01.png").astype(int) - load_image(tmp_path / "plain.png")).max() <= 1
    )


@pytest.mark.slow
def test_some_of_the_faces(driving: Path, tmp_path: Path) -> None:
    two = tmp_path / "two.png"
    save_image(two, np.hstack((astronaut(), astronaut()[:, ::-1])))
    base = ["animate", str(two), str(driving), "--to", "0.07", "--smooth", "-q"]
    for name, faces in (("all", "all"), ("both", "0,1"), ("first", "0")):
        assert main([*base, "--face", faces, "-o", str(tmp_path / f"{name}-%d.png")]) == 0
    made = {name: load_image(tmp_path / f"{name}-2.png") for name in ("all", "both", "first")}
    assert (made["all"] == made["both"]).all()
    assert (made["all"] != made["first"]).any()
    assert main([*base, "--face", "0,7", "-o", str(tmp_path / "x.mp4")]) == 3
    assert main([*base, "--face", "0,1", "--head", "-o", str(tmp_path / "x.mp4")]) == 2


@pytest.mark.slow
def test_sliders_over_a_video(driving: Path, tmp_path: Path) -> None:
    base = ["animate", str(driving), str(driving), "--absolute", "--to", "0.1", "-q"]
    for name, more in (("plain", []), ("keyed", ["--key", "0", "mouth=0", "--key", "0.06", "mouth=1"])):
        assert main([*base, *more, "-o", str(tmp_path / f"{name}-%d.png")]) == 0
    changes = [
        difference(load_image(tmp_path / f"plain-{n}.png"), load_image(tmp_path / f"keyed-{n}.png"))
        for n in (1, 2, 3)
    ]
    assert changes[0] == 0
    assert 0 < changes[1] < changes[2]
    own = frames_of(driving)[0].pixels
    assert difference(load_image(tmp_path / "plain-1.png"), own) < 2
