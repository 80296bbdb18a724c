"""Every command line that a document or a help text shows is one that the real parser takes."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest

from facewire.cli import main as command_line
from facewire.cli.arguments import Parser
from facewire.cli.bench_batches import NAME as BENCH_BATCHES
from facewire.cli.bench_train import NAME as BENCH_TRAIN
from facewire.cli.places import Output
from facewire.talks.encoder import EncodeOptions

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
CALLED = re.compile(r"^facewire |-m facewire\.cli\.main ")
TWO_WORDS = (BENCH_BATCHES, BENCH_TRAIN)
NOT_PLACES = {
    *("command", "protocol", "preset", "weights", "device", "engine", "crop", "reference", "methods"),
    *(
        "yaw",
        "pitch",
        "roll",
        "room",
        "signal",
        "join",
        "ice",
        "turn_user",
        "host",
        "cluster",
        "init",
        "page",
    ),
    *("size", "caption", "edit", "keys", "regions", "retarget"),
}
"""Options with texts that name no place to check: words, addresses, angles; and --init, which is not looked at when a
run goes on."""
CHECKED_LATER = {("evaluate", "nets"), ("import", "output")}
"""--fetch makes that folder; a name in the weight folder."""


@cache
def subparsers() -> dict[str, argparse.ArgumentParser]:
    top = command_line.parser()
    (action,) = [one for one in top._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(action.choices)


def from_text(text: str) -> Iterator[str]:
    """Yield the command lines of a text: indented lines and inline code, without comments and without `facewire`."""
    text = re.sub(r" *\\\n\s*", " ", text)
    indented = [
        re.sub(r"(\S)(?:\s{2,}|\s+# ).*$", r"\1", line.strip()) for line in re.findall(r"^ +.*$", text, re.M)
    ]
    for shown in [*indented, *re.findall(r"`([^`\n]+)`", text)]:
        for part in re.split(r" (?:\||&&?)(?: |$)", shown):
            if (found := CALLED.search(part)) is not None:
                yield part[found.end() :].strip()


def words_of(line: str) -> list[str]:
    words = shlex.split(line)
    return [" ".join(words[:2]), *words[2:]] if " ".join(words[:2]) in TWO_WORDS else words


def shown_lines() -> list[tuple[str, str]]:
    """Return (where, words) of all command lines."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in DOCUMENTS}
    texts |= {f"{name} --help": parser.epilog or "" for name, parser in subparsers().items()}
    texts["--help"] = command_line.EPILOG
    return [(where, line) for where, text in texts.items() for line in from_text(text)]


LINES = shown_lines()


def test_the_documents_show_many() -> None:
    assert len(LINES) > 80
    assert ("README.md", "rotate photo.jpg -o sheet.png") in LINES
    assert (
        "animate --help",
        "animate photo.jpg driving.mp4 -o sweep.mp4 --yaw -30:30 --side-by-side",
    ) in LINES
    assert ("encode --help", "decode - -o -") in LINES
    assert ("training.md", "train paper-256 --data /shared/shards -o /shared/run --batch 256") in LINES


@pytest.mark.parametrize(("where", "line"), LINES)
def test_the_parser_takes_it(where: str, line: str) -> None:
    words = words_of(line)
    if words[0] in subparsers() and len(words) == 1:  # the name of a command in a sentence
        return
    with pytest.raises(SystemExit, match="0") if words[-1] == "--help" else nullcontext():
        command_line.parser().parse_args(words)


def test_every_option_that_the_readme_names_exists() -> None:
    known = {
        name for parser in subparsers().values() for one in parser._actions for name in one.option_strings
    }
    for span in re.findall(r"`(--[^`]+)`", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert re.split("[ =]", span)[0] in known, span


@pytest.mark.parametrize("command", sorted(subparsers()))
def test_every_place_of_a_command_is_declared(command: str) -> None:
    parser = subparsers()[command]
    places = parser.get_default("places")
    assert places is not None
    declared = {place.dest for place in places}
    for action in parser._actions:
        is_text = action.nargs != 0 and action.choices is None and action.type in (None, Path)
        if (
            is_text
            and action.dest not in NOT_PLACES | {"help"}
            and (command, action.dest) not in CHECKED_LATER
        ):
            assert action.dest in declared, f"{command}: {action.dest} is neither declared nor excused"
    files = any(isinstance(place, Output) and not place.folder for place in places)
    assert ("--no-overwrite" in parser.format_help()) == files


@pytest.mark.parametrize("value", ["-30:30", "-5", "-.5", "-1e3", "-30:", "-nan", "-inf:3", "0:-30"])
def test_what_begins_like_a_negative_number_is_a_value(value: str) -> None:
    parser = Parser()
    parser.add_argument("--yaw")
    parser.add_argument("-o")
    parser.add_argument("files", nargs="*")
    given = parser.parse_args(["--yaw", value, "-o", "out", "-5.mp4"])
    assert (given.yaw, given.o, given.files) == (value, "out", ["-5.mp4"])


def test_encode_does_by_default_what_its_options_do_by_default() -> None:
    given = command_line.parser().parse_args(["encode", "talk.mp4", "-o", "talk.fwv"])
    options = EncodeOptions()
    chosen = vars(given)
    for name in asdict(options).keys() & chosen.keys() - {"limit"}:  # that is for adaptive keypoints alone
        assert chosen[name] == getattr(options, name), name
    assert given.audio_rate == options.kbit_per_s
