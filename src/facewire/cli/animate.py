"""facewire animate: a photo and a driving video become a talking head."""

from __future__ import annotations

import argparse
from typing import Any

from facewire.cli import options

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
        default=True,
        help="add the driver's changes to the source's own pose and expression (default)",
    )
    motion.add_argument(
        "--absolute", dest="relative", action="store_false", help="take the driver's as they are"
    )
    parser.add_argument(
        "--reference",
        default="best",
        metavar="best|first|N",
        help="driving frame that corresponds to the source in relative motion (default: best)",
    )
    options.add_source_options(parser)
    options.add_driving_face(parser)
    options.add_view_options(parser)
    parser.add_argument("--keypoints", type=int, metavar="N", help="use only the first N keypoints")
    parser.add_argument("--side-by-side", action="store_true", help="show source, driver and result together")
    parser.add_argument("--no-audio", action="store_true", help="leave the driver's sound out")
    parser.add_argument(
        "--tolerant", action="store_true", help="pass over damage of a recorded motion, and end with 0"
    )
    parser.add_argument(
        "--crf", type=int, default=18, help="quality of the output, 0 best to 51 (default: 18)"
    )
    options.add_engine_option(parser)
    options.add_model_options(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.animation.animate import AnimateOptions, animate, beside_frames
    from facewire.base.errors import ConfigError, MotionFileError
    from facewire.talks.motion_file import is_motion_file, read_motion

    from facewire.animation.driving import record  # isort: skip

    source, driving = _inputs(given)
    animator = options.animator_of(given)
    options.tell_engine(animator.use(given.engine), given.quiet)
    if given.keypoints is not None and not 1 <= given.keypoints <= animator.model.keypoints:
        raise ConfigError("keypoints", given.keypoints, f"1 to {animator.model.keypoints}")
    view = options.view_of(given)
    person = animator.person(source, crop_mode=given.crop, face=given.face)
    if person.faces > 1:
        options.note(f"{source}: {person.faces} faces, face {given.face} taken; --face N picks another")
    bars = options.Bars(given.quiet)
    recorded_file = is_motion_file(driving)
    if recorded_file:
        recorded = read_motion(driving, animator, tolerant=given.tolerant)
    else:
        recorded = record(animator, driving, crop_mode=given.crop, face=given.driving_face, progress=bars)
    options.note_driving(driving, recorded, given.driving_face)
    if recorded.missing:
        options.note(
            f"{driving}: no face in {recorded.missing} of {len(recorded)} frames; they hold the last motion"
        )
    if given.side_by_side and recorded_file:
        raise ConfigError("side-by-side", True, "a driving video; a recorded motion has no pictures")
    beside = (
        beside_frames(driving, animator, crop_mode=given.crop, face=given.driving_face)
        if given.side_by_side
        else None
    )
    chosen = AnimateOptions(
        relative=given.relative, reference=given.reference, view=view, kept=given.keypoints, crf=given.crf
    )
    audio = None if recorded_file or given.no_audio else driving
    report = animate(
        animator, person, recorded, given.output, chosen, audio_from=audio, beside=beside, progress=bars
    )
    bars.close()
    if recorded_file and recorded.problem:
        options.note(f"{driving}: {recorded.problem}; the {report.frames} frames before are animated")
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
