"""What a command reads and where it writes, looked at before anything else happens.

    places.declare(parser, Input("source", photo), Output("output", names=video_name))

A command declares it once beside its options; the command line calls `check_inputs` and `check_outputs` before it
runs the command: inputs are there and of the kind that is wanted, outputs can be written, may be replaced, and are
none of the inputs, whatever path or link leads there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewire.base.errors import MediaError, MotionFileError, OutputError, WeightsError
from facewire.base.files import check_output, check_output_folder, check_regular_file

PIPE = "-"
"""Standard input or output."""
YES = frozenset({"y", "yes"})

Check = Callable[[str], None]
"""Raises unless a path is what is wanted."""
Names = Callable[[str, argparse.Namespace], None]
"""Raises unless a file may have this name, given everything else on the command line."""


def any_file(path: str) -> None:
    """Take a file of any kind, not empty and readable."""
    check_regular_file(Path(path))


def unchecked(path: str) -> None:
    """Leave it to the command, which looks there first of all."""


def anything(path: str) -> None:
    """Take whatever is there: a file, a folder, a pipe."""
    try:
        Path(path).stat()
    except OSError as error:
        raise MediaError(path, "no such file or folder: check the path") from error


def any_folder(path: str) -> None:
    """Take a folder."""
    if not _is_folder(path):
        raise MediaError(path, "is not a folder: check the path")


def file_or_folder(path: str) -> None:
    """Take a file or a folder."""
    if not _is_folder(path):
        any_file(path)


def weights(path: str) -> None:
    """Take a published name, or a weights file that has its manifest beside it."""
    from facewire.networks.manifest import read_manifest, resolve

    read_manifest(resolve(path))


def networks(path: str) -> None:
    """Take a folder of metrics' networks."""
    if not _is_folder(path):
        raise WeightsError(path, "no such folder of networks: check the path")


def network(path: str) -> None:
    """Take the file of a network that a loss needs."""
    if not Path(path).is_file():
        raise WeightsError(path, "no such file: check the path")


def photo(path: str) -> None:
    """Take a picture."""
    any_file(path)
    kind = kind_of(path)
    if kind == "video":
        raise MediaError(path, "is a video, and a photo belongs here: save one of its frames as a picture")
    if kind == "talk":
        raise MediaError(path, "is a recorded motion or a talk, and a photo belongs here")


def video(path: str) -> None:
    """Take a video, an animation or a single picture."""
    from facewire.media.video import VideoReader

    any_file(path)
    if _is_talk(path):
        raise MediaError(path, "is a talk or a recorded motion: facewire decode makes a video of a talk")
    VideoReader(path).close()


def talk(path: str) -> None:
    """Take a .fwv file, or a video that carries a talk."""
    from facewire.talks.carrier.opening import carries_talk

    any_file(path)
    kind = kind_of(path)
    if kind not in (None, "talk") and not (kind == "video" and carries_talk(path)):
        raise MotionFileError(
            path, f"is a {kind}, and a talk belongs here: facewire encode makes one of a video"
        )


def kind_of(path: str | Path) -> str | None:
    """Return what a file is: "talk", "picture", "video", or None if nobody knows."""
    from facewire.media.image import is_picture
    from facewire.media.video import VideoReader

    if _is_talk(path):
        return "talk"
    if is_picture(path):
        return "picture"
    try:
        VideoReader(path).close()
    except MediaError:
        return None
    return "video"


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # too long, or a loop of links
        return False


def _is_talk(path: str | Path) -> bool:
    from facewire.bitstream.header import MAGIC

    with Path(path).open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def ends_in(*suffixes: str) -> Names:
    """Return what takes only names with one of the suffixes."""

    def check(path: str, given: argparse.Namespace) -> None:
        if Path(path).suffix.lower() not in suffixes:
            named = Path(path).with_suffix(suffixes[0])
            raise OutputError(path, f"this file ends in {' or '.join(suffixes)}: call it {named}")

    return check


def picture_name(path: str, given: argparse.Namespace) -> None:
    """Take what a picture can be saved as."""
    from facewire.media.image import check_picture_name

    check_picture_name(path)


def video_name(path: str, given: argparse.Namespace) -> None:
    """Take what a video can be written as, or numbered pictures."""
    from facewire.media.picture_sequence import check_sequence_name, is_sequence
    from facewire.media.video_writer import check_video_name

    (check_sequence_name if is_sequence(path) else check_video_name)(path)


@dataclass(frozen=True, slots=True)
class Input:
    """An argument that names what is read.

    dest   the attribute; it holds a path, a list of paths, or None
    check  what it must be
    pipe   "-" is standard input
    """

    dest: str
    check: Check = any_file
    pipe: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """An argument that names what is written.

    dest    the attribute; None writes nothing, or to a place of the command's own
    names   what the file may be called
    folder  a folder, made if need be; what is in it may be gone on with, so nobody is asked
    folder_if  says whether it is one this time
    writes  names in that folder that are written without looking
    pipe    "-" is standard output
    """

    dest: str
    names: Names | None = None
    folder: bool = False
    folder_if: Callable[[argparse.Namespace], bool] | None = None
    writes: tuple[str, ...] = ()
    pipe: bool = False


WEIGHTS = Input("weights", weights)


def declare(parser: argparse.ArgumentParser, *places: Input | Output) -> None:
    """Say what a command reads and writes; a command that writes a file gets --overwrite and --no-overwrite."""
    if any(isinstance(place, Output) and not place.folder for place in places):
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "-y",
            "--overwrite",
            dest="overwrite",
            action="store_const",
            const=True,
            help="replace a file that is there (default: on a terminal ask, else replace)",
        )
        group.add_argument(
            "-n",
            "--no-overwrite",
            dest="overwrite",
            action="store_const",
            const=False,
            help="never replace a file",
        )
    parser.set_defaults(places=places)


def check_inputs(given: argparse.Namespace) -> None:
    """Refuse what cannot be read.

    Raises:
        MediaError: an input is missing or of the wrong kind.
    """
    for place in _inputs(given):
        for path in _paths(given, place.dest):
            if place.pipe and path == PIPE:
                _check_standard_input()
            else:
                place.check(path)


def check_outputs(given: argparse.Namespace) -> None:
    """Refuse what cannot be written; `given.overwrite` is True or False afterwards where a file is.

    Raises:
        OutputError: an output cannot be written, is there and must stay, or is an input.
    """
    read = [Path(path) for place in _inputs(given) for path in _paths(given, place.dest) if path != PIPE]
    for place in given.places:
        if isinstance(place, Output):
            for path in _paths(given, place.dest):
                _check_output(place, path, given, read)


def _check_output(place: Output, path: str, given: argparse.Namespace, read: list[Path]) -> None:
    if place.pipe and path == PIPE:
        _check_standard_output()
    elif place.folder or (place.folder_if is not None and place.folder_if(given)):
        try:
            check_output_folder(path)
        except OutputError as error:
            option = f"--{place.dest.replace('_', '-')}"
            raise OutputError(path, f"{error.problem} ({option})") from error
        for written in (Path(path), *(Path(path, name) for name in place.writes)):
            _refuse_input(path, written, read)
    else:
        if path.endswith(os.sep):
            raise OutputError(path, "this is a folder: give the name of a file")
        check_output(path)
        if place.names is not None:
            place.names(path, given)
        _refuse_input(path, Path(path), read)
        check_output(path, overwrite=given.overwrite is not False)
        given.overwrite = _may_replace(path, given.overwrite)


def _inputs(given: argparse.Namespace) -> list[Input]:
    return [place for place in given.places if isinstance(place, Input)]


def _paths(given: argparse.Namespace, dest: str) -> Iterator[str]:
    """Yield the paths of an argument."""
    value: Any = getattr(given, dest)
    for path in value if isinstance(value, list) else [value]:
        if path is not None:
            yield str(path)


def _refuse_input(shown: str, written: Path, read: list[Path]) -> None:
    """Raise OutputError if a place is one that is read, by whatever name: paths, symbolic links, hard links."""
    for path in read:
        if written.exists() and path.exists() and written.samefile(path):
            raise OutputError(shown, f"is the input {path} itself, which would be lost: choose another name")


def _may_replace(path: str, overwrite: bool | None) -> bool:
    """Return the answer to whether a file may be replaced, asking where somebody can answer."""
    if overwrite is not None or not Path(path).exists() or not _somebody_is_there():
        return overwrite is not False
    print(f"facewire: {path} is already there. Replace it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in YES:
        raise OutputError(path, "is already there and stays: choose another name, or --overwrite")
    return True


def _somebody_is_there() -> bool:
    """Return whether a person can be asked; of several ranks (torchrun), whoever started them was."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr) and "LOCAL_RANK" not in os.environ


def _check_standard_input() -> None:
    if _is_terminal(sys.stdin):
        raise MediaError("-", "standard input is the terminal: pipe a file in, or give its name")


def _check_standard_output() -> None:
    if _is_terminal(sys.stdout):
        raise OutputError(
            "-", "standard output is the terminal: pipe it somewhere, or give the name of a file"
        )


def _is_terminal(stream: Any) -> bool:
    asked = getattr(stream, "isatty", None)
    return bool(asked is not None and asked())
