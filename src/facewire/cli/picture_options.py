"""Options of what is shown and of what of a driver is carried over, for animate and rotate."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from facewire.cli.arguments import number

if TYPE_CHECKING:
    from facewire.animation.animator import Animator, Person
    from facewire.animation.clips.source_video import Span
    from facewire.animation.edits import Edit
    from facewire.animation.keyframes import Keys
    from facewire.animation.person import Size
    from facewire.media.marks.caption import Caption

EVERYONE = "all"
SOUNDS = DRIVER, SOURCE, NONE = ("driver", "source", "none")


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add --head, --size, --caption and --unmarked."""
    parser.add_argument(
        "--head", action="store_true", help="show the square of the head alone instead of the whole photo"
    )
    parser.add_argument(
        "--size",
        metavar="N|own",
        help="longest side of the whole photo at most, or side of the head's square, in pixels; own is the "
        "photo's own (default: 1920, with --head or --crop none 256)",
    )
    parser.add_argument(
        "--caption",
        nargs="?",
        const="",
        metavar="TEXT",
        help="write on every picture that it is synthetic, or TEXT",
    )
    parser.add_argument(
        "--unmarked",
        action="store_true",
        help="do not say in the file that a model made it; many countries' law asks for the mark, and so does "
        "fairness to whoever is shown and whoever looks: leave it in what others will see",
    )


def add_transfer_options(parser: argparse.ArgumentParser) -> None:
    """Add --regions, --strength, --edit, --retarget, --sound, --from and --to."""
    add_edit_option(parser)
    add_key_option(parser)
    parser.add_argument("--smooth", action="store_true", help="take the tremble out of the driver's motion")
    parser.add_argument(
        "--regions",
        default="all",
        metavar="R[,R...]",
        help="what of the driver is carried over: lips, eyes, brows, gaze, expression, pose, all (default: all)",
    )
    parser.add_argument(
        "--strength",
        type=number("strength", 0, 3),
        default=1.0,
        metavar="X",
        help="how far the driver's motion leads away from the source's own: 0.5 half as far (default: 1)",
    )
    parser.add_argument(
        "--retarget",
        default="",
        metavar="P[,P]",
        help="open eyes or lips as far as the driver's are, whatever the source's are: eyes, lips; with weights of "
        "LivePortrait and a driving video",
    )
    parser.add_argument(
        "--sound",
        choices=SOUNDS,
        default=DRIVER,
        help="whose sound goes along; source is for videos that are edited (default: driver)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=number("from", 0, unit=" seconds"),
        default=0.0,
        metavar="SECONDS",
        help="begin there: in the driving video, or in the video that is edited (default: 0)",
    )
    parser.add_argument(
        "--to",
        dest="end",
        type=number("to", 0, unit=" seconds", open_below=True),
        metavar="SECONDS",
        help="end there (default: at the end)",
    )


def add_edit_option(parser: argparse.ArgumentParser) -> None:
    """Add --edit."""
    parser.add_argument(
        "--edit",
        metavar="NAME=VALUE[,...]",
        help="sliders from -1 to 1: smile, blink or blink=LEFT:RIGHT, mouth, brows, gaze=RIGHT:UP; such as "
        "smile=0.5,gaze=-0.3:0.1",
    )


def add_key_option(parser: argparse.ArgumentParser) -> None:
    """Add --key."""
    parser.add_argument(
        "--key",
        dest="keys",
        nargs=2,
        action="append",
        default=[],
        metavar=("SECONDS", "NAME=VALUE[,...]"),
        help="sliders, and yaw, pitch and roll, at that moment of the result; can be given several times, and "
        "between two keys the value goes straight from one to the other",
    )


def keys_of(given: argparse.Namespace) -> Keys:
    """Return the keyframes."""
    from facewire.animation.keyframes import parse_key

    return tuple(parse_key(seconds, values) for seconds, values in given.keys)


def people_of(given: argparse.Namespace, animator: Animator, source: str) -> list[Person]:
    """Return whom --face means of a photo.

    Raises:
        NoFaceFound: there are not so many.
    """
    if given.face == EVERYONE:
        return animator.people(source, size=size_of(given))
    faces = given.face if isinstance(given.face, tuple) else (given.face,)
    return [
        animator.person(source, crop_mode=given.crop, face=face, head=given.head, size=size_of(given))
        for face in faces
    ]


def size_of(given: argparse.Namespace) -> Size:
    """Return the size that was asked for.

    Raises:
        ConfigError: it is none.
    """
    from facewire.animation.person import checked_size

    text: str | None = given.size
    return checked_size(int(text) if text is not None and text.isdecimal() else text)


def caption_of(given: argparse.Namespace) -> Caption | None:
    """Return what is written on every picture."""
    from facewire.media.marks.caption import USUAL, Caption

    return None if given.caption is None else Caption(given.caption or USUAL)


def edit_of(given: argparse.Namespace) -> Edit:
    """Return the sliders."""
    from facewire.animation.edits import Edit, parse_edit

    return Edit() if given.edit is None else parse_edit(given.edit)


def regions_of(given: argparse.Namespace) -> frozenset[str]:
    """Return what is carried over."""
    from facewire.animation.regions import parse_regions

    return parse_regions(given.regions)


def retarget_of(given: argparse.Namespace) -> frozenset[str]:
    """Return what is open as far as the driver's.

    Raises:
        ConfigError: it is neither eyes nor lips.
    """
    from facewire.animation.transfer import NETWORKS
    from facewire.base.errors import ConfigError

    parts = frozenset(part.strip() for part in given.retarget.split(",") if part.strip())
    if not parts <= NETWORKS.keys():
        raise ConfigError("retarget", given.retarget, f"some of {','.join(NETWORKS)}")
    return parts


def span_of(given: argparse.Namespace) -> Span:
    """Return which part of the video is meant."""
    from facewire.animation.clips.source_video import Span

    return Span(given.start, given.end)
