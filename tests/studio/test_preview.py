"""The native preview and the renderer give the same pictures, bit by bit; what is read of drivers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facewire.animation.animate import moved_as, rendered
from facewire.animation.animator import Animator
from facewire.animation.clips.source_video import read_clip, within
from facewire.animation.clips.video_edit import ClipOptions, edit_video
from facewire.animation.driving import RecordedMotion
from facewire.base.errors import NoFaceFound
from facewire.geometry.arrays import as_array
from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.image import load_image, save_image
from facewire.media.video import Frame, VideoWriter
from facewire.studio.driver import curves_of, read_driver, steady
from facewire.studio.preview.moment import Live, row_at
from facewire.studio.preview.native import NativePreview, Wanted
from facewire.studio.project import Keyframe, Look, Motion, Project, Result
from facewire.studio.timeline import timeline_of
from facewire.studio.webcam import WebcamReader
from facewire.talks.motion_file import DEMO_MOTION
from tests.studio.stand_ins import jpeg

SIZE = 192
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def preview() -> NativePreview:
    return NativePreview(Animator.load())


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    save_image(path, astronaut())
    return path


@pytest.fixture(scope="module")
def recorded(preview: NativePreview) -> RecordedMotion:
    return read_driver(
        preview.animator, DEMO_MOTION, face=0, until=None, progress=lambda stage, done, total: None
    )


def wanted(
    photo: Path, project: Project, recorded: RecordedMotion | Live | None, seconds: float = 0.0
) -> Wanted:
    return Wanted(project=project, photo=photo, recorded=recorded, seconds=seconds, size=SIZE)


def test_faces_are_found_in_shares_of_the_photo(preview: NativePreview, photo: Path, tmp_path: Path) -> None:
    seen = preview.open(photo)
    (face,) = seen.faces
    assert (seen.width, seen.height) == (512, 512)
    assert face.left < 225 / 512 < face.right
    assert face.top < 110 / 512 < face.bottom
    save_image(tmp_path / "grey.png", np.full((64, 64, 3), 128, np.uint8))
    with pytest.raises(NoFaceFound, match=r"grey\.png"):
        preview.open(tmp_path / "grey.png")


@pytest.mark.parametrize(
    "project",
    [
        Project(photo="p", driver="d", motion=Motion(start=1.0, end=2.0)),
        Project(photo="p", driver="d", motion=Motion(relative=False), look=Look(smile=0.5, yaw=10)),
        Project(
            photo="p",
            driver="d",
            motion=Motion(regions=("lips", "pose"), reference="3", start=1.0, end=2.0),
            keys=(
                Keyframe(slider="blink_left", seconds=1.0, value=0.0),
                Keyframe(slider="blink_left", seconds=1.8, value=1.0),
            ),
        ),
    ],
)
def test_the_preview_is_what_the_renderer_makes(
    project: Project, preview: NativePreview, photo: Path, recorded: RecordedMotion
) -> None:
    animator = preview.animator
    person = animator.person(photo, size=SIZE)
    part = within(recorded, project.motion.span, "d")
    moved, references = moved_as(animator, person, part, project.options)
    row = 11
    (picture,) = rendered(animator, [person], [moved[row : row + 1]], None)
    seconds = float(part.times[row] * part.time_base)
    shown = preview.picture(wanted(photo, project, recorded, seconds))
    assert (shown == picture).all()
    first = recorded.times.index(part.times[0])
    reference = preview.reference(wanted(photo, project, recorded))
    assert reference == (references[0] + first if references else None)


def test_sliders_without_a_driver(preview: NativePreview, photo: Path) -> None:
    plain = preview.picture(wanted(photo, Project(photo="p"), None))
    smiling = preview.picture(wanted(photo, Project(photo="p", look=Look(smile=0.8)), None))
    assert (plain != smiling).any()
    matte = preview.picture(replace(wanted(photo, Project(photo="p"), None), show="matte"))
    background = preview.picture(replace(wanted(photo, Project(photo="p"), None), show="background"))
    before = preview.picture(replace(wanted(photo, Project(photo="p"), None), show="before"))
    box = preview.animator.person(photo, size=SIZE).composer.box
    middle = box.top + box.side // 2, box.left + box.side // 2
    assert (matte[middle] == 255).all()
    assert np.abs(background.astype(int) - before)[middle].max() > 20
    assert (background[-1] == before[-1]).all()
    head = Project(photo="p", result=Result(head=True))
    assert preview.picture(wanted(photo, head, None)).shape == (SIZE, SIZE, 3)


def test_a_webcam_moves_the_photo_from_where_it_is_at_rest(preview: NativePreview, photo: Path) -> None:
    webcam = WebcamReader(preview.animator, preview.animator.engine)
    data = jpeg(np.ascontiguousarray(astronaut()[:480]), 95)
    assert not webcam.look(b"no picture", 0.0)
    assert webcam.live is None
    assert webcam.look(data, 0.1)
    assert webcam.live is not None
    project = Project(photo="p", driver="d")
    still = preview.picture(wanted(photo, project, webcam.live))
    plain = preview.picture(wanted(photo, Project(photo="p"), None))
    assert np.abs(still.astype(int) - plain).max() <= 1
    turned = webcam.live.motion.turned_at_neck(rotation_from_degrees(20.0, 0.0, 0.0))
    moved = preview.picture(wanted(photo, project, Live(turned, webcam.live.reference)))
    assert np.abs(moved.astype(int) - plain).max() > 50


def test_a_video_is_shown_as_an_edit_of_it_has_it(
    preview: NativePreview, photo: Path, recorded: RecordedMotion, tmp_path: Path
) -> None:
    animator, clip = preview.animator, tmp_path / "clip.mp4"
    driver = replace(
        recorded, motions=recorded.motions[:6], times=recorded.times[:6], stretches=recorded.stretches[:6]
    )
    with VideoWriter(clip, (320, 240), Fraction(25), crf=4) as writer:
        for number in range(6):
            part = np.ascontiguousarray(astronaut()[:240, 60 + 4 * number : 380 + 4 * number])
            writer.write(Frame(part, number, Fraction(1, 25)))
    keys = (
        Keyframe(slider="mouth", seconds=0.04, value=0.0),
        Keyframe(slider="mouth", seconds=0.2, value=0.8),
    )
    project = Project(
        photo="clip.mp4", driver="d", motion=Motion(regions=("lips", "eyes"), start=0.04, end=0.2), keys=keys
    )
    edit_video(
        animator,
        clip,
        driver,
        tmp_path / "made-%04d.png",
        project.options,
        ClipOptions(span=project.motion.span, size=SIZE),
    )
    assert not (tmp_path / "made-0005.png").exists()
    read = read_clip(animator, clip)
    for row in (3, 0, 1):  # backward too
        seconds = 0.04 * (row + 1)
        shown = preview.picture(replace(wanted(clip, project, driver, seconds), clip=read))
        assert shown.shape == (144, 192, 3)
        made = load_image(tmp_path / f"made-{row + 1:04d}.png")
        assert np.abs(shown.astype(int) - made).max() <= 1
    alone = Project(photo="clip.mp4", look=Look(smile=0.7))
    plain, smiling = (
        preview.picture(replace(wanted(clip, one, None, 0.12), clip=read))
        for one in (Project(photo="clip.mp4"), alone)
    )
    before = preview.picture(replace(wanted(clip, alone, None, 0.12), clip=read, show="before"))
    assert np.abs(plain.astype(int) - before).mean() < 3 < np.abs(smiling.astype(int) - plain).max()
    still = preview.picture(wanted(clip, alone, None))  # before it was read its first frame is a photo
    assert still.shape == smiling.shape
    told = timeline_of("d", driver, read, 0.04)
    assert (told.frames, told.of_video, told.own_rate) == (6, True, 25.0)
    assert told.curves is not None
    assert len(told.curves.mouth) == 6
    assert preview.reference(replace(wanted(clip, project, driver), clip=read)) in range(6)


def test_curves_rise_where_the_mouth_opens_and_the_head_turns(recorded: RecordedMotion) -> None:
    own = recorded.motions[:1]
    turns = [own.turned_at_neck(rotation_from_degrees(yaw, 0.0, 0.0)) for yaw in (-20.0, 0.0, 20.0)]
    clip = RecordedMotion(HeadMotion.cat(turns), (0, 1, 2), Fraction(1, 25), Fraction(25))
    curves = curves_of(clip)
    assert len(curves.yaw) == 3
    assert curves.yaw[0] < curves.yaw[1] < curves.yaw[2]
    assert max(curves.mouth) - min(curves.mouth) <= 1
    whole = curves_of(recorded)
    assert min(whole.mouth) == 0
    assert max(whole.mouth) == 1


def test_a_steady_driver_trembles_less(recorded: RecordedMotion) -> None:
    def tremble(motions: HeadMotion) -> float:
        return float(np.abs(np.diff(as_array(motions.translation), n=2, axis=0)).mean())

    assert tremble(steady(recorded).motions) < 0.9 * tremble(recorded.motions)


def test_rows_of_moments(recorded: RecordedMotion) -> None:
    moments = recorded.seconds
    assert [row_at(moments, seconds) for seconds in (-1.0, 0.0, 0.04, 0.079, 99.0)] == [0, 0, 1, 1, 249]
    assert row_at(moments[25:50], 1.04) == 1
    assert row_at(moments[25:50], 0.0) == 0
