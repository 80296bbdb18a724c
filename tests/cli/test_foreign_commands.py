"""What the commands do with imported weights: small models of every family, with random numbers."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.animation.driving import plan_of
from facewire.call.conversation.party import Party
from facewire.call.person.camera import Camera
from facewire.call.person.engine import NetworkEngine
from facewire.cli.main import main
from facewire.codec.tables.shipped import FOLDER
from facewire.engines.torch_engine import TorchEngine
from facewire.face.relatives.framing import row_of, upright_box
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.frame import Frame
from facewire.media.image import load_image, save_image
from facewire.media.video import VideoReader, VideoWriter
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.pose import carried_over
from facewire.networks.weights import load_model
from facewire.talks.bridge import to_frames, to_motions
from facewire.talks.coding_tables import tables_of
from facewire.talks.pipe_square import PipeSquare
from tests.small_families import DECLARED, FILES, SIZES, model_of

pytestmark = pytest.mark.slow
SIDE = 128
"""Of the pictures that the networks read; the smallest there is."""
FRAMES = 3
RATE = Fraction(25)


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a weight folder that holds every family under its own name."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEWIRE_WEIGHTS", str(folder))
        for family in SIZES:
            files = FILES[family](model_of(family), tmp_path_factory.mktemp(family))
            given = ["import", DECLARED.get(family, family), str(files), "-o", family]
            assert main([*given, "--side", str(SIDE)]) == 0
    return folder


@pytest.fixture
def weights(imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEWIRE_WEIGHTS", str(imported))


@pytest.fixture(scope="session")
def person_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    save_image(path, np.ascontiguousarray(astronaut()[:320, 60:400]))
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three frames in which the astronaut moves to the left."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, (320, 256), RATE) as writer:
        for number in range(FRAMES):
            pixels = astronaut()[:256, 60 + 6 * number : 380 + 6 * number]
            writer.write(Frame(np.ascontiguousarray(pixels), number, 1 / RATE))
    return path


Command = Callable[..., None]


@pytest.fixture
def command(weights: None) -> Command:
    """Return a function that runs a command, which must succeed."""

    def run(*words: object) -> None:
        assert main([str(word) for word in words]) == 0

    return run


def shapes(video: Path) -> list[tuple[int, ...]]:
    with VideoReader(video) as reader:
        return [frame.pixels.shape for frame in reader]


@pytest.mark.parametrize("family", SIZES)
def test_every_family_from_record_to_decode(
    command: Command, clip: Path, person_photo: Path, tmp_path: Path, family: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    motion, out, talk = tmp_path / "motion.fwv", tmp_path / "out.mp4", tmp_path / "talk.fwv"
    chosen = ("--weights", family)
    side = SIDE * (2 if family == "liveportrait" else 1)
    command("record", clip, "-o", motion, *chosen)
    command("animate", person_photo, motion, "-o", out, "--head", *chosen)
    assert shapes(out) == [(side, side, 3)] * FRAMES
    command("encode", clip, "-o", talk, "--refresh", "off", "--no-audio", *chosen)
    command("decode", talk, "-o", tmp_path / "again.mp4", *chosen)
    assert shapes(tmp_path / "again.mp4") == [(side, side, 3)] * FRAMES
    capsys.readouterr()
    command("info", talk)
    told = capsys.readouterr().out
    assert f", {family}\n" in told
    assert "generic, made for no face" in told
    command("rotate", person_photo, "-o", tmp_path / "turned.png", "--yaw", "10", "--head", *chosen)
    assert load_image(tmp_path / "turned.png").shape == (side, side, 3)


def test_a_talk_is_decoded_with_the_same_weights_only(
    command: Command, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = tmp_path / "talk.fwv"
    command("encode", clip, "-o", talk, "--profile", "raw", "--no-audio", "--weights", "zk")
    capsys.readouterr()
    assert main(["decode", str(talk), "-o", str(tmp_path / "out.mp4"), "--weights", "zlh"]) != 0
    assert "weights" in capsys.readouterr().err


@pytest.mark.parametrize("family", ["liveportrait", "sadtalker"])
def test_own_squares_are_cut(weights: None, person_photo: Path, family: str) -> None:
    animator, pixels = Animator.load(family), load_image(person_photo)
    assert animator.framing is not None
    (face,) = animator.finder.find(pixels)
    region = animator.framing.still(face)
    for head in (False, True):
        person = animator.person(person_photo, head=head)
        assert np.array_equal(person.picture, region.cut(pixels, animator.size, animator.framing.padding))
        (shown,) = animator.render(person, person.identity.motion)
        assert shown.shape == ((animator.size, animator.size, 3) if head else pixels.shape)
    far = np.hypot(*(np.indices(pixels.shape[:2]) - np.array((region.y, region.x))[:, None, None]))
    outside = far > region.side * 0.75
    assert np.array_equal(shown_whole(animator, person_photo)[outside], pixels[outside])
    assert not np.array_equal(shown_whole(animator, person_photo)[~outside], pixels[~outside])


def shown_whole(animator: Animator, photo: Path) -> np.ndarray:
    person = animator.person(photo)
    (picture,) = animator.render(person, person.identity.motion)
    return picture


def test_the_square_of_a_video_is_the_mean_of_its_frames(weights: None, clip: Path) -> None:
    animator = Animator.load("liveportrait")
    assert animator.framing is not None
    plan = plan_of(animator, clip, "auto", 0)
    assert plan is not None
    (stretch,) = plan.stretches
    assert stretch.path is not None
    with VideoReader(clip) as reader:
        ends = [frame.pixels for number, frame in enumerate(reader) if number in (0, FRAMES - 1)]
    rows = [row_of(animator.finder.find(pixels)[0], animator.framing) for pixels in ends]
    assert np.allclose(stretch.path.rows, np.mean(rows, axis=0), atol=3.0)


def test_pipes_and_calls_cut_the_same_square(weights: None, clip: Path) -> None:
    animator = Animator.load("liveportrait")
    with VideoReader(clip) as reader:
        first = next(iter(reader))
    (face,) = animator.finder.find(first.pixels)
    wanted = upright_box(face, animator.framing, *first.pixels.shape[:2])
    piped = PipeSquare(animator.finder, "pipe", 0, [], animator.framing).see(first)
    assert piped.stretches[0].path is not None
    assert piped.stretches[0].path.at(0.0) == wanted
    camera = Camera(animator.finder, animator.size, animator.framing)
    camera.look(first.pixels, 0.0)
    box = camera.box
    assert np.allclose((box.left, box.top, box.side), (wanted.left, wanted.top, wanted.side), atol=1)


IN_PARTS = ("--weights", "liveportrait", "--head", "--size", "64", "--crf", "1")


@pytest.fixture(scope="module")
def plain(imported: Path, clip: Path, person_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what LivePortrait makes of the clip without more options."""
    out = tmp_path_factory.mktemp("plain") / "plain.mkv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEWIRE_WEIGHTS", str(imported))
        assert main(["animate", str(person_photo), str(clip), "-o", str(out), *IN_PARTS]) == 0
    return out


@pytest.mark.parametrize(
    "options",
    [
        ("--regions", "lips,eyes"),
        ("--regions", "expression", "--absolute"),
        ("--edit", "smile=0.5,gaze=0.2:0.1,brows=-0.3,blink=0.5,mouth=0.3"),
        ("--retarget", "eyes,lips"),
    ],
)
def test_liveportrait_in_parts(
    command: Command, clip: Path, person_photo: Path, plain: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    out = tmp_path / "out.mkv"
    command("animate", person_photo, clip, "-o", out, *IN_PARTS, *options)
    with VideoReader(out) as ours, VideoReader(plain) as others:
        differences = [
            np.abs(a.pixels.astype(int) - b.pixels).max() for a, b in zip(ours, others, strict=True)
        ]
    assert len(differences) == FRAMES
    assert max(differences) > 2


def test_a_clip_is_edited(command: Command, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "dubbed.mp4"
    command("animate", clip, clip, "-o", out, "--regions", "lips", "--weights", "liveportrait")
    assert shapes(out) == [(256, 320, 3)] * FRAMES


@pytest.mark.parametrize(
    ("family", "options", "said"),
    [
        ("zlh", ("--regions", "lips"), "all with weights of zlh"),
        ("liveportrait", ("--regions", "gaze"), "brows"),
        ("zk", ("--retarget", "eyes"), "LivePortrait"),
        ("liveportrait", ("--retarget", "nose"), "eyes,lips"),
    ],
)
def test_what_a_family_cannot_do_is_said(
    weights: None, clip: Path, person_photo: Path, tmp_path: Path, family: str, options: tuple[str, ...],
    said: str, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = ["animate", str(person_photo), str(clip), "-o", str(tmp_path / "out.mp4"), "--weights", family]
    assert main([*words, *options]) == 2
    assert said in capsys.readouterr().err


def test_fitted_tables_are_named(
    command: Command, imported: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = imported / "zk-tables"
    beside.mkdir()
    generic = next(row for row in json.loads((FOLDER / "manifest.json").read_text()) if "-15-" in row["name"])
    artefact = {**json.loads((FOLDER / generic["file"]).read_text()), "id": 900, "name": "zk-standard"}
    content = json.dumps(artefact).encode()
    (beside / "own.json").write_bytes(content)
    row = {"id": 900, "name": "zk-standard", "file": "own.json", "sha256": sha256(content).hexdigest()}
    (beside / "manifest.json").write_text(json.dumps([row]))
    talk = tmp_path / "talk.fwv"
    try:
        command("encode", clip, "-o", talk, "--refresh", "off", "--no-audio", "--weights", "zk")
        capsys.readouterr()
        command("info", talk, "--weights", "zk")
        told = capsys.readouterr().out
        assert "zk-standard" in told
        assert "generic" not in told
    finally:
        for file in beside.iterdir():
            file.unlink()
        beside.rmdir()


@pytest.mark.parametrize("family", SIZES)
def test_every_family_comes_back_to_the_bit(weights: None, family: str) -> None:
    loaded, manifest = load_model(family)
    assert manifest.preset == family
    wanted = model_of(family).state_dict()
    assert all((tensor == wanted[key]).all() for key, tensor in loaded.state_dict().items())


@pytest.mark.parametrize("family", ["liveportrait", "zk"])
def test_a_call_is_held(
    command: Command, clip: Path, family: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seconds", "2", "--costs", "fixed", "--pictures", "25", "--quiet", "--json")
    command("loopback", clip, "--weights", family, *words)
    report = json.loads(capsys.readouterr().out)
    assert report["state"] == ["live", "live"]
    assert report["delivered"] > 0.9
    assert report["face_kbit_per_s"] > 0


def test_a_call_between_other_weights_says_whose_they_are(weights: None) -> None:
    sides = []
    for family in ("zlh", "sadtalker"):
        animator = Animator.load(family)
        engine = NetworkEngine.of(animator, TorchEngine(animator.model))
        sides.append(Party(engine.fingerprint, tables_of(animator), engine.size))
    assert sides[0].problem(sides[0].hello(b"")) == ""
    problem = sides[0].problem(sides[1].hello(b""))
    assert f"the other side uses weights {sides[1].model.hex()} (sadtalker)" in problem
    assert f"this one weights {sides[0].model.hex()} (zlh)" in problem


def test_a_call_carries_turns_over_in_the_family_s_order(weights: None, person_photo: Path) -> None:
    animator = Animator.load("liveportrait")
    engine = NetworkEngine.of(animator, TorchEngine(animator.model))
    own = animator.person(person_photo).identity.motion
    turns = [own.turned(rotation_from_degrees(*angles)) for angles in ((20.0, 0.0, 0.0), (0.0, 15.0, 10.0))]
    now, first = turns
    frames = [next(to_frames(motion)) for motion in (now, first, own)]
    (found,) = to_motions([engine.relative(*frames)]).rotation
    wanted = carried_over(now, first, own, FAMILIES["liveportrait"]).rotation[0]
    other = now.relative(first, own).rotation[0]
    assert np.allclose(found, wanted, atol=1e-4)
    assert float((wanted - other).abs().max()) > 1e-2


@pytest.mark.parametrize(
    ("family", "protocol"),
    [("sadtalker", "reconstruction"), ("liveportrait", "transfer"), ("zlh-beta", "freeview"), ("zlh", "canonical"),
     ("zk", "occlusion")],
)  # fmt: skip
@pytest.mark.usefixtures("without_plots")
def test_every_protocol_measures_imported_weights(
    command: Command, tmp_path: Path, family: str, protocol: str
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(2):
        with VideoWriter(clips / f"a{number}_00.mp4", (192, 192), RATE) as writer:
            for row in range(FRAMES):
                left = 125 + 2 * row + 3 * number
                pixels = np.ascontiguousarray(astronaut()[20:212, left : left + 192])
                writer.write(Frame(pixels, row, 1 / RATE))
    few = ("--clips", "1", "--stride", FRAMES) if protocol == "freeview" else ("--stride", "1")
    given = ("--data", clips, "--workers", "1", "--quiet", *few)
    command("evaluate", protocol, *given, "-o", tmp_path / "report", "--weights", family)
    assert list((tmp_path / "report").glob("*.json"))


def test_batches_of_imported_weights_in_half_precision(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command("bench", "batches", "zlh", "--batch", "2", "--precision", "bf16", "--seconds", "0.1", "--json",
            "--device", "cpu")  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    assert (report["preset"], report["precision"], report["batch"]) == ("zlh", "bfloat16", 2)
    assert report["fps"] > 0


def test_a_driving_template_animates_liveportrait_alone(
    command: Command, person_photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = {
        "scale": np.full((1, 1), 1.3, np.float32),
        "R": np.eye(3, dtype=np.float32)[None],
        "exp": np.zeros((1, 21, 3), np.float32),
        "t": np.zeros((1, 3), np.float32),
    }
    template = tmp_path / "still.pkl"
    template.write_bytes(pickle.dumps({"n_frames": 2, "output_fps": 20, "motion": [frame, frame]}))
    out = tmp_path / "out.mp4"
    command(
        "animate", person_photo, template, "-o", out, "--head", "--size", "64", "--weights", "liveportrait"
    )
    assert shapes(out) == [(64, 64, 3)] * 2
    capsys.readouterr()
    assert main(["animate", str(person_photo), str(template), "-o", str(out), "--weights", "zk"]) != 0
    assert "LivePortrait" in capsys.readouterr().err


@pytest.mark.parametrize("degrees", [0, 20])
@pytest.mark.parametrize("family", ["liveportrait", "sadtalker"])
def test_a_picture_that_does_not_change_lands_where_it_was(
    weights: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, degrees: int
) -> None:
    """A model that paints its own source: what is cut out and put back is the photo, turned head or not."""
    pixels = np.asarray(Image.fromarray(astronaut()[:400, 30:430]).rotate(degrees, Image.Resampling.BICUBIC))
    animator = Animator.load(family)
    person = animator.person(np.ascontiguousarray(pixels))
    shown = animator.tensor([person.picture])
    monkeypatch.setattr(animator.model, "render", lambda identity, motion, kept: shown)
    (picture,) = animator.render(person, person.identity.motion)
    assert picture.shape == pixels.shape
    assert np.abs(picture.astype(int) - pixels).mean() < 0.6
    middle = np.abs(picture[90:180, 140:260].astype(int) - pixels[90:180, 140:260])
    assert middle.mean() < 4
