"""facewire animate: a photo and a driving video become the photo alive; a video and a driver, an edited video."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facewire.cli import batch, options, picture_options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.animation.animate import AnimateOptions, AnimateReport
    from facewire.animation.animator import Animator, Person
    from facewire.animation.driving import RecordedMotion
    from facewire.engines.choice import Choice

EXAMPLES = """examples:
  facewire animate photo.jpg driving.mp4 -o talking.mp4
  facewire animate photo.jpg motion.fwv -o talking.mp4          a recorded motion (facewire record)
  facewire animate photo.jpg driving.mp4 -o turned.mp4 --yaw 20
  facewire animate photo.jpg driving.mp4 -o sweep.mp4 --yaw -30:30 --side-by-side
  facewire animate me.png me.mp4 -o same.mp4 --absolute --crop none
  facewire animate photo.jpg driving.mp4 -o head.mp4 --head --size 512        the head alone
  facewire animate photo.jpg driving.mp4 -o happy.mp4 --regions expression --edit smile=0.4
  facewire animate group.jpg driving.mp4 -o group.mp4 --face all
  facewire animate clip.mp4 speaker.mp4 -o dubbed.mp4 --regions lips          edits a video
  facewire animate photos/ drivers/ -o out/                                   all with all; may be stopped

Of a driving video that is cut off, what precedes the cut is animated. So is it of a recorded motion; the exit code is
then 5, or 0 with --tolerant, which also goes on after damage where that is possible."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "animate",
        help="animate a photo with a video",
        description="Animate the head of a photo, or edit that of a video, with the motion of a video or of a "
        "recorded motion. Folders, patterns and several names make a batch: all sources with all drivers, into the "
        "folder OUT; what is there already is not made again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="photo or video of the person to animate")
    parser.add_argument(
        "driving",
        nargs="?",
        metavar="DRIVING",
        help="video, motion recorded by facewire record, or LivePortrait's .pkl",
    )
    parser.add_argument(
        "more", nargs="*", metavar="...", help="further photos and driving videos, for a batch into a folder"
    )
    parser.add_argument("-s", "--source_image", dest="source_option", help="the same as SOURCE")
    parser.add_argument("-d", "--driving_video", dest="driving_option", help="the same as DRIVING")
    parser.add_argument(
        "-o",
        "--output",
        "--result_video",
        required=True,
        metavar="OUT",
        help=".mp4, .mov, .mkv, .webm or .gif, numbered pictures such as frame-%%04d.png; a folder for a batch",
    )
    motion = parser.add_mutually_exclusive_group()
    motion.add_argument(
        "--relative",
        dest="relative",
        action="store_true",
        default=None,
        help="add the driver's changes to the source's own pose and expression (default; not for a single picture)",
    )
    motion.add_argument(
        "--absolute", dest="relative", action="store_false", help="take the driver's as they are"
    )
    parser.add_argument(
        "--reference",
        type=_reference,
        default="best",
        metavar="best|first|N",
        help="driving frame that corresponds to the source in relative motion (default: best)",
    )
    options.add_source_options(parser, everyone=True)
    picture_options.add_picture_options(parser)
    picture_options.add_transfer_options(parser)
    options.add_driving_face(parser)
    options.add_view_options(parser)
    parser.add_argument(
        "--keypoints", type=whole("keypoints", 1), metavar="N", help="use only the first N keypoints"
    )
    parser.add_argument("--side-by-side", action="store_true", help="show source, driver and result together")
    parser.add_argument("--no-audio", action="store_true", help="the same as --sound none")
    parser.add_argument(
        "--tolerant", action="store_true", help="pass over damage of a recorded motion, and end with 0"
    )
    options.add_quality_option(parser)
    options.add_colour_option(parser)
    options.add_engine_option(parser)
    options.add_model_options(parser)
    places.declare(
        parser,
        *(
            places.Input(name, batch.any_side)
            for name in ("source", "source_option", "driving", "driving_option", "more")
        ),
        places.WEIGHTS,
        places.Output("output", places.video_name, folder_if=batch.into_folder),
    )
    parser.set_defaults(run=run, ahead=_ahead)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    if batch.wanted(given):
        return batch.run(given, check, Work)
    source, driving = _inputs(given)
    check(given, source, driving)
    work = Work(given)
    bars = options.Bars(given.quiet)
    report = work.make(source, driving, given.output, bars)
    bars.close()
    options.tell_engine(work.choice, given.quiet)
    options.show(
        report,
        given.json,
        lambda: [
            f"{report.output}: {report.frames} frames of {report.width}x{report.height}, "
            f"{report.frames_per_second:.1f} frames per second"
        ],
    )
    return work.exit_code(driving, report)


def _ahead(given: argparse.Namespace) -> None:
    if not batch.wanted(given):  # all of whose results may be there already
        options.open_ahead(given)


def check(given: argparse.Namespace, source: str, driving: str) -> None:
    """Refuse a job that cannot work; cheap.

    Raises:
        MediaError: source and driver are swapped, or not what belongs there.
        ConfigError: the reference is no frame of the driver, or it has no pictures to show beside.
    """
    from facewire.base.errors import ConfigError
    from facewire.talks.motion_file import is_motion_file

    if given.side_by_side and is_motion_file(driving):
        raise ConfigError("side-by-side", True, "a driving video; a recorded motion has no pictures")
    _check_media(source, driving)
    if given.reference.isdecimal():
        _check_reference(int(given.reference), driving)


class Work:
    """Everything that was asked for, checked and loaded once; then job after job."""

    def __init__(self, given: argparse.Namespace) -> None:
        from facewire.animation.animate import AnimateOptions
        from facewire.animation.transfer import check_regions, check_retarget
        from facewire.base.errors import ConfigError

        self.given = given
        self.size, self.span = picture_options.size_of(given), picture_options.span_of(given)
        self.options: AnimateOptions = AnimateOptions(
            reference=given.reference,
            view=options.view_of(given),
            regions=picture_options.regions_of(given),
            strength=given.strength,
            edit=picture_options.edit_of(given),
            retarget=picture_options.retarget_of(given),
            keys=picture_options.keys_of(given),
            kept=given.keypoints,
            crf=options.quality_of(given),
            full_colour=given.full_colour,
            overwrite=given.overwrite is not False,
            caption=picture_options.caption_of(given),
            marked=not given.unmarked,
        )
        self.sound: str = picture_options.NONE if given.no_audio else given.sound
        if not isinstance(given.face, int) and (given.head or given.crop == "none"):
            raise ConfigError("face", given.face, "a number with --head or --crop none")
        self.animator: Animator = options.animator_of(given)
        options.check_keypoints(given.keypoints, self.animator)
        options.check_engine(given.engine, self.animator)
        check_regions(self.animator.foreign, self.options.regions)
        check_retarget(self.animator.foreign, self.options.retarget)
        if self.animator.opens_at_once(given.engine):
            assert self.choice
        self._last: tuple[tuple[str, float | None], RecordedMotion] | None = None

    @cached_property
    def choice(self) -> Choice:
        """The engine; where graphs must be exported for it, asked for after what can be wrong with a photo."""
        return self.animator.use(self.given.engine)

    def make(self, source: str, driving: str, output: str, bars: options.Bars) -> AnimateReport:
        """Do one job."""
        from facewire.animation.clips.source_video import is_video

        if is_video(source):
            return self._edited(source, driving, output, bars)
        return self._animated(source, driving, output, bars)

    def exit_code(self, driving: str, report: AnimateReport) -> int:
        """Return 0, or that of a recorded motion which is cut off; say so."""
        from facewire.base.errors import MotionFileError
        from facewire.talks.motion_file import is_motion_file

        if not report.problem or not is_motion_file(driving):
            return 0
        options.note(f"{driving}: {report.problem}; the {report.frames} frames before are animated")
        return 0 if self.given.tolerant else MotionFileError.exit_code

    def _animated(self, source: str, driving: str, output: str, bars: options.Bars) -> AnimateReport:
        from facewire.animation.animate import animate, beside_frames
        from facewire.animation.clips.source_video import within
        from facewire.base.errors import ConfigError
        from facewire.talks.motion_file import is_motion_file

        given, recorded_file = self.given, is_motion_file(driving)
        if self.sound == picture_options.SOURCE:
            raise ConfigError("sound", self.sound, "driver or none; a photo has no sound")
        if given.side_by_side and not self.span.is_all:
            raise ConfigError("side-by-side", True, "the whole video, without --from and --to")
        if recorded_file:
            self._driver(driving, bars, self.span.end)
        people = self._people(source)
        assert self.choice
        recorded = within(self._driver(driving, bars, self.span.end), self.span, driving)
        beside = (
            beside_frames(driving, self.animator, crop_mode=given.crop, face=given.driving_face)
            if given.side_by_side
            else None
        )
        audio = driving if self.sound == picture_options.DRIVER and not recorded_file else None
        return animate(
            self.animator,
            people,
            recorded,
            output,
            self._options_for(recorded, driving),
            audio_from=audio,
            beside=beside,
            progress=bars,
        )

    def _edited(self, source: str, driving: str, output: str, bars: options.Bars) -> AnimateReport:
        from facewire.animation.clips.source_video import within
        from facewire.animation.clips.video_edit import ClipOptions, edit_video
        from facewire.base.errors import ConfigError
        from facewire.talks.motion_file import is_motion_file

        given = self.given
        for name, wrong in (("side_by_side", True), ("crop", "none")):
            if getattr(given, name) == wrong:
                raise ConfigError(name.replace("_", "-"), wrong, "it with photos only")
        if not isinstance(given.face, int):
            raise ConfigError("face", given.face, "one number with a video as the source")
        assert self.choice
        recorded = self._driver(driving, bars)
        if Path(source).resolve() == Path(driving).resolve():
            recorded = within(recorded, self.span, driving)  # the same moment of both is shown together
        from_driver = self.sound == picture_options.DRIVER
        audio = {picture_options.DRIVER: driving, picture_options.SOURCE: source}.get(self.sound)
        if from_driver and is_motion_file(driving):
            audio = None
        return edit_video(
            self.animator,
            source,
            recorded,
            output,
            self._options_for(recorded, driving),
            ClipOptions(face=given.face, span=self.span, head=given.head, size=self.size),
            audio_from=audio,
            audio_start=recorded.times[0] * recorded.time_base if from_driver else None,
            progress=bars,
        )

    def _options_for(self, recorded: RecordedMotion, driving: str) -> AnimateOptions:
        from facewire.animation.transfer import resting

        rests = resting(self.animator.foreign, recorded.motions, self.options.regions) is not None
        return replace(
            self.options,
            relative=options.relative_of(self.given.relative, len(recorded), driving, rests=rests),
        )

    def _people(self, source: str) -> list[Person]:
        given = self.given
        people = picture_options.people_of(given, self.animator, source)
        if isinstance(given.face, int) and people[0].faces > 1:
            options.note(
                f"{source}: {people[0].faces} faces, face {given.face} taken; --face N picks another, --face all "
                "moves every head"
            )
        return people

    def _driver(self, driving: str, bars: options.Bars, until: float | None = None) -> RecordedMotion:
        """Return what moves, up to a moment; read once if the same driver comes again at once."""
        from facewire.animation.driving import record
        from facewire.animation.smoothing import smoothed
        from facewire.talks.motion_file import is_motion_file, read_motion

        if self._last is not None and self._last[0] == (driving, until):
            return self._last[1]
        given = self.given
        if is_motion_file(driving):
            recorded = read_motion(driving, self.animator, tolerant=given.tolerant)
        else:
            recorded = record(
                self.animator,
                driving,
                crop_mode=given.crop,
                face=given.driving_face,
                progress=bars,
                until=until,
                measured=bool(self.options.retarget),
            )
        options.note_driving(driving, recorded, given.driving_face)
        if recorded.missing:
            options.note(
                f"{driving}: no face in {recorded.missing} of {len(recorded)} frames; they hold the last motion"
            )
        if given.smooth:
            still = smoothed(recorded.motions, recorded.seconds, recorded.stretches)
            recorded = replace(recorded, motions=still)
        self._last = (driving, until), recorded
        return recorded


def _inputs(given: argparse.Namespace) -> tuple[str, str]:
    """Return source and driving, from positions or from the older option names."""
    from facewire.base.errors import ConfigError

    positions = [value for value in (given.source, given.driving) if value is not None]
    source = given.source_option or (positions.pop(0) if positions else None)
    driving = given.driving_option or (positions.pop(0) if positions else None)
    if source is None or driving is None or positions:
        raise ConfigError(
            "arguments", " ".join(positions) or "too few", "facewire animate SOURCE DRIVING -o OUT"
        )
    return source, driving


def _reference(text: str) -> str:
    """Return which frame is the reference."""
    from facewire.base.errors import ConfigError

    if text not in ("best", "first") and not text.isdecimal():
        raise ConfigError("reference", text, "best, first, or the number of a frame, from 0")
    return text


def _check_reference(number: int, driving: str) -> None:
    """Raise ConfigError if the driving video certainly has no frame of this number."""
    from facewire.base.errors import ConfigError
    from facewire.media.video import count_frames
    from facewire.talks.motion_file import is_motion_file

    if is_motion_file(driving):
        return  # known as soon as it is read, which takes no time
    frames = count_frames(driving, number + 1)
    if number >= frames:
        raise ConfigError("reference", str(number), f"best, first, or a frame from 0 to {frames - 1}")


def _check_media(source: str, driving: str) -> None:
    """Raise MediaError if photo and video are swapped, or are something else altogether."""
    from facewire.animation.clips.source_video import is_video
    from facewire.base.errors import MediaError
    from facewire.talks.motion_file import is_motion_file

    kinds = places.kind_of(source), places.kind_of(driving)
    if kinds in (("video", "picture"), ("talk", "picture")):
        raise MediaError(source, f"is a {kinds[0]} and {driving} a picture: swap them, the photo comes first")
    if is_video(source):
        places.video(source)
    else:
        places.photo(source)
    if not is_motion_file(driving):
        places.video(driving)
