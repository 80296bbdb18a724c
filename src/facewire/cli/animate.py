"""facewire animate: a photo and a driving video become a talking head."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

if TYPE_CHECKING:
    from facewire.animation.driving import RecordedMotion

EXAMPLES = """examples:
  facewire animate photo.jpg driving.mp4 -o talking.mp4
  facewire animate photo.jpg motion.fwv -o talking.mp4          a recorded motion (facewire record)
  facewire animate photo.jpg driving.mp4 -o turned.mp4 --yaw 20
  facewire animate photo.jpg driving.mp4 -o sweep.mp4 --yaw -30:30 --side-by-side
  facewire animate me.png me.mp4 -o same.mp4 --absolute --crop none

Of a driving video that is cut off, what precedes the cut is animated. So is it of a recorded motion; the exit code is
then 5, or 0 with --tolerant, which also goes on after damage where that is possible."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "animate",
        help="animate a photo with a video",
        description="Animate the head of a photo with the motion of a video or of a recorded motion.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="photo of the person to animate")
    parser.add_argument(
        "driving", nargs="?", metavar="DRIVING", help="video, or motion recorded by facewire record"
    )
    parser.add_argument("-s", "--source_image", dest="source_option", help="the same as SOURCE")
    parser.add_argument("-d", "--driving_video", dest="driving_option", help="the same as DRIVING")
    parser.add_argument(
        "-o",
        "--output",
        "--result_video",
        required=True,
        metavar="OUT",
        help=".mp4, .mov, .mkv, .webm or .gif",
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
    options.add_source_options(parser)
    options.add_driving_face(parser)
    options.add_view_options(parser)
    parser.add_argument(
        "--keypoints", type=whole("keypoints", 1), metavar="N", help="use only the first N keypoints"
    )
    parser.add_argument("--side-by-side", action="store_true", help="show source, driver and result together")
    parser.add_argument("--no-audio", action="store_true", help="leave the driver's sound out")
    parser.add_argument(
        "--tolerant", action="store_true", help="pass over damage of a recorded motion, and end with 0"
    )
    options.add_quality_option(parser)
    options.add_engine_option(parser)
    options.add_model_options(parser)
    places.declare(
        parser,
        *(places.Input(name) for name in ("source", "source_option", "driving", "driving_option")),
        places.WEIGHTS,
        places.Output("output", places.video_name),
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.animation.animate import AnimateOptions, animate, beside_frames
    from facewire.base.errors import ConfigError, MotionFileError
    from facewire.talks.motion_file import is_motion_file, read_motion

    from facewire.animation.driving import record  # isort: skip

    source, driving = _inputs(given)
    view, recorded_file = options.view_of(given), is_motion_file(driving)
    if given.side_by_side and recorded_file:
        raise ConfigError("side-by-side", True, "a driving video; a recorded motion has no pictures")
    _check_media(source, driving)
    animator = options.animator_of(given)
    options.check_keypoints(given.keypoints, animator)
    options.check_engine(given.engine, animator)
    recorded = read_motion(driving, animator, tolerant=given.tolerant) if recorded_file else None
    if given.reference.isdecimal():
        _check_reference(int(given.reference), driving, recorded)
    person = animator.person(source, crop_mode=given.crop, face=given.face)
    if person.faces > 1:
        options.note(f"{source}: {person.faces} faces, face {given.face} taken; --face N picks another")
    choice = animator.use(given.engine)
    bars = options.Bars(given.quiet)
    if recorded is None:
        recorded = record(animator, driving, crop_mode=given.crop, face=given.driving_face, progress=bars)
    options.note_driving(driving, recorded, given.driving_face)
    if recorded.missing:
        options.note(
            f"{driving}: no face in {recorded.missing} of {len(recorded)} frames; they hold the last motion"
        )
    beside = (
        beside_frames(driving, animator, crop_mode=given.crop, face=given.driving_face)
        if given.side_by_side
        else None
    )
    chosen = AnimateOptions(
        relative=options.relative_of(given.relative, len(recorded), driving),
        reference=given.reference,
        view=view,
        kept=given.keypoints,
        crf=options.quality_of(given),
        overwrite=given.overwrite,
    )
    audio = None if recorded_file or given.no_audio else driving
    report = animate(
        animator, person, recorded, given.output, chosen, audio_from=audio, beside=beside, progress=bars
    )
    bars.close()
    if recorded_file and recorded.problem:
        options.note(f"{driving}: {recorded.problem}; the {report.frames} frames before are animated")
    options.tell_engine(choice, given.quiet)
    options.show(
        report,
        given.json,
        lambda: [
            f"{report.output}: {report.frames} frames, {report.frames_per_second:.1f} frames per second"
        ],
    )
    return MotionFileError.exit_code if recorded_file and recorded.problem and not given.tolerant else 0


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


def _check_reference(number: int, driving: str, recorded: RecordedMotion | None) -> None:
    """Raise ConfigError if the driving video certainly has no frame of this number."""
    from facewire.base.errors import ConfigError
    from facewire.media.video import count_frames

    frames = count_frames(driving, number + 1) if recorded is None else len(recorded)
    if number >= frames:
        raise ConfigError("reference", str(number), f"best, first, or a frame from 0 to {frames - 1}")


def _check_media(source: str, driving: str) -> None:
    """Raise MediaError if photo and video are swapped, or are something else altogether."""
    from facewire.base.errors import MediaError
    from facewire.talks.motion_file import is_motion_file

    kinds = places.kind_of(source), places.kind_of(driving)
    if kinds in (("video", "picture"), ("talk", "picture")):
        raise MediaError(source, f"is a {kinds[0]} and {driving} a picture: swap them, the photo comes first")
    places.photo(source)
    if not is_motion_file(driving):
        places.video(driving)
