"""What the commands do with imported weights: small models of every family, with random numbers."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.animation.clips.eyes_and_lips import opened
from facewire.animation.clips.source_video import read_clip
from facewire.animation.driving import plan_of, record
from facewire.base.errors import ConfigError
from facewire.benchmarks import batches
from facewire.bitstream.header import FINGERPRINT_BYTES
from facewire.call.conversation.party import Party
from facewire.call.conversation.states import Event
from facewire.call.person.camera import Camera
from facewire.call.person.engine import NetworkEngine
from facewire.cli.main import main
from facewire.codec.fitting import rates
from facewire.engines import health
from facewire.engines.torch_engine import TorchEngine
from facewire.evaluation.codecs import motions
from facewire.evaluation.measuring import panel
from facewire.evaluation.protocols import freeview
from facewire.evaluation.reports import plots
from facewire.face import finder
from facewire.face.backend import in_torch
from facewire.face.relatives.framing import row_of, upright_box
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.frame import Frame
from facewire.media.image import load_image, save_image
from facewire.media.video import VideoReader, VideoWriter
from facewire.networks.relatives import decoders
from facewire.networks.relatives.families import FAMILIES
from facewire.networks.relatives.pose import carried_over
from facewire.networks.weights import load_model
from facewire.talks.bridge import to_frames, to_motions
from facewire.talks.coding_tables import tables_of
from facewire.talks.pipe_square import PipeSquare
from tests.call.test_conversation import Two
from tests.small_families import DECLARED, FILES, SIZES, model_of

pytestmark = pytest.mark.slow
SIDE = 128
"""Of the pictures that the networks read; the smallest there is."""
FRAMES = 3
RATE = Fraction(25)


@pytest.fixture(scope="module", autouse=True)
def thin_decoders() -> Iterator[None]:
    """Paint with fewer hidden channels than the published 128, which cost most of the time in models so small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoders, "HIDDEN", 8)
        yield


@pytest.fixture(scope="module")
def imported(thin_decoders: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a weight folder that holds every family under its own name."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEWIRE_WEIGHTS", str(folder))
        for family in SIZES:
            files = FILES[family](model_of(family), tmp_path_factory.mktemp(family))
            given = ["import", DECLARED.get(family, family), str(files), "-o", family]
            assert main([*given, "--side", str(SIDE)]) == 0
    return folder


@pytest.fixture(scope="module", autouse=True)
def face_networks_loaded_once() -> Iterator[None]:
    """Read the face finder's networks from their file for all commands together."""
    networks = in_torch()
    with pytest.MonkeyPatch.context() as patch:
        for module in (finder, panel):
            patch.setattr(module, "in_torch", lambda *_: networks)
        yield


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
    chosen = ("--weights", family, "--quiet")
    side = SIDE * (2 if family == "liveportrait" else 1)
    command("record", clip, "-o", motion, *chosen)
    command("animate", person_photo, motion, "-o", out, "--head", "--strength", "1.2", *chosen)
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


IN_PARTS = ("--weights", "liveportrait", "--head", "--size", "64", "--crf", "1", "--quiet")


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
        ("--regions", "lips,eyes", "--strength", "2"),
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
    out, chosen = tmp_path / "dubbed.mp4", ("--weights", "liveportrait", "--quiet")
    opened = ("--retarget", "eyes,lips", "--edit", "mouth=-1")
    command("animate", clip, clip, "-o", out, "--regions", "lips", *opened, *chosen)
    assert shapes(out) == [(256, 320, 3)] * FRAMES


def test_a_clip_s_eyes_and_lips_follow_the_driver_frame_by_frame(weights: None, clip: Path) -> None:
    animator, parts = Animator.load("liveportrait"), frozenset({"eyes", "lips"})
    read, driver = read_clip(animator, clip), record(animator, clip, measured=True)
    assert driver.openness is not None
    last = driver.openness + np.array([[0.0], [0.0], [0.3]], np.float32)
    same, more = (
        opened(animator, read, read.motions, replace(driver, openness=one), parts)
        for one in (driver.openness, last)
    )
    for moved in (same, more):
        assert torch.equal(moved.rotation, read.motions.rotation)
        assert torch.equal(moved.translation, read.motions.translation)
    apart = (more.expression - same.expression).abs().amax((1, 2))
    assert apart[:2].max() < 1e-6 < 1e-4 < apart[2]
    with pytest.raises(ConfigError, match="driving video"):
        opened(animator, read, read.motions, replace(driver, openness=None), parts)


def test_a_picture_s_expression_is_carried_over(
    command: Command, person_photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    chosen = ("--relative", "--regions", "expression", *IN_PARTS[:-1])
    command("animate", person_photo, person_photo, "-o", out, *chosen)
    told = capsys.readouterr().err
    assert re.search(r"liveportrait on cpu: [\d.]+ m?s a frame", told)
    assert "counted from a face at rest" in told
    assert shapes(out) == [(64, 64, 3)]


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


def swaying(keypoints: int, frames: int = 60) -> np.ndarray:
    """Return motion (T, 6 + 3K) of a head that sways, each number in its own time."""
    speeds = np.linspace(1, 3, 6 + 3 * keypoints)
    return 0.05 * np.sin(np.linspace(0, 4, frames)[:, None] * speeds + np.arange(len(speeds)))


@pytest.mark.parametrize("family", ["liveportrait", "zk"])
def test_fitted_tables_are_taken_and_named(
    command: Command, imported: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], family: str,
) -> None:  # fmt: skip
    count, beside = FAMILIES[family].keypoints, imported / f"{family}-tables"
    canonical = np.random.default_rng(1).uniform(-0.5, 0.5, (count, 3))
    monkeypatch.setattr(motions, "motions_of", lambda *_: ([swaying(count)], canonical))
    monkeypatch.setattr(rates, "RATES", {"standard": 0.005})
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a_00.mp4").write_bytes(clip.read_bytes())
    talk, chosen = tmp_path / "talk.fwv", ("--weights", family, "--quiet")
    try:
        command("fit-tables", "--data", tmp_path / "clips", *chosen)
        command("encode", clip, "-o", talk, "--refresh", "off", "--no-audio", *chosen)
        capsys.readouterr()
        command("info", talk, "--weights", family)
        told = capsys.readouterr().out
        assert f"{family}-standard" in told
        assert "generic" not in told
    finally:
        shutil.rmtree(beside)


def test_doctor_says_how_long_a_frame_takes(weights: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "findings", lambda: ())
    said = health.examine("zk")
    assert re.search(r"^zk, SHA-256 \w{16}, [\d.]+ MB; [\d.]+ m?s a frame on this processor$", said.weights)
    assert said.engine == "torch"


@pytest.mark.parametrize("family", SIZES)
def test_every_family_comes_back_to_the_bit(weights: None, family: str) -> None:
    loaded, manifest = load_model(family)
    assert manifest.preset == family
    wanted = model_of(family).state_dict()
    assert all((tensor == wanted[key]).all() for key, tensor in loaded.state_dict().items())


@pytest.mark.parametrize(
    ("family", "pictures"), [(name, 25 if name == "liveportrait" else 0) for name in SIZES]
)
def test_a_call_is_held(
    command: Command, clip: Path, family: str, pictures: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seconds", "1", "--costs", "fixed", "--pictures", pictures, "--quiet", "--json")
    command("loopback", clip, "--weights", family, *words)
    report = json.loads(capsys.readouterr().out)
    assert report["state"] == ["live", "live"]
    assert report["delivered"] > 0.9
    assert report["face_kbit_per_s"] > 0


@pytest.mark.parametrize(("family", "other"), pairwise([*SIZES, "liveportrait"]))
def test_both_sides_of_a_call_refuse_other_weights_and_say_which(
    weights: None, family: str, other: str
) -> None:
    talk = Two(party_of(family), party_of(other))
    talk.greet()
    for side, own, theirs in zip(talk.sides, (family, other), (other, family), strict=True):
        assert f"the other side uses weights {party_of(theirs).model.hex()} ({theirs})" in side.problem
        assert f"this one weights {party_of(own).model.hex()} ({own})" in side.problem
        assert "--weights" in side.problem
    assert all(Event.MISFIT in events for events in talk.events)


@cache
def party_of(family: str) -> Party:
    animator = Animator.named(family)
    fingerprint = bytes.fromhex(animator.manifest.sha256)[:FINGERPRINT_BYTES]
    return Party(fingerprint, tables_of(animator), animator.size)


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
def test_every_protocol_measures_imported_weights(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, protocol: str
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(2):
        with VideoWriter(clips / f"a{number}_00.mp4", (192, 192), RATE) as writer:
            for row in range(FRAMES):
                left = 125 + 2 * row + 3 * number
                pixels = np.ascontiguousarray(astronaut()[20:212, left : left + 192])
                writer.write(Frame(pixels, row, 1 / RATE))
    monkeypatch.setattr(freeview, "GRID", freeview.GRID[:2])
    monkeypatch.setattr(freeview, "STEPS", {axis: steps[:2] for axis, steps in freeview.STEPS.items()})
    monkeypatch.setattr(freeview, "SWING_FRAMES", 4)
    monkeypatch.setattr(plots, "_svg", lambda *_: "<svg/>")
    few = ("--clips", "1") if protocol in ("freeview", "reconstruction") else ()
    given = ("--data", clips, "--workers", "1", "--quiet", "--stride", FRAMES - 1, *few)
    command("evaluate", protocol, *given, "-o", tmp_path / "report", "--weights", family)
    assert list((tmp_path / "report").glob("*.json"))


def test_batches_of_imported_weights_in_half_precision(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batches, "matrix_gflops", lambda *_: 100.0)
    command("bench", "batches", "zk", "--batch", "2", "--precision", "bf16", "--seconds", "0.1", "--json",
            "--device", "cpu")  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    assert (report["preset"], report["precision"], report["batch"]) == ("zk", "bfloat16", 2)
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
