"""The three commands: help with examples, and one line for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from facewire.cli import call
from facewire.cli.main import main, parser

TOKEN = "A" * 43


@pytest.mark.parametrize("command", ["call", "signal", "loopback"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args([command, "--help"])
    assert caught.value.code == 0
    assert f"facewire {command}" in capsys.readouterr().out.split("examples:")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["call", "--join", "https://host/join#room=talk&token=short"], 2, "token"),
        (["call", "--ice", "http://x"], 2, "stun:HOST:PORT"),
        (["loopback", "x.mp4", "--loss", "1"], 2, "loss"),
        (["loopback", "x.mp4", "--cut", "ten"], 2, "START:SECONDS"),
        (["loopback", "x.mp4", "--seconds", "0"], 2, "seconds"),
        (["call", "--thin", "--no-trailer"], 2, "one of them"),
        (["loopback", "x.mp4", "--pictures", "-1"], 2, "pictures"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert TOKEN not in error


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["signal"]) == 6
    assert "pip install 'facewire[call]'" in capsys.readouterr().err


def test_the_pages_files_are_where_the_commands_look() -> None:
    assert {path.name for path in call.SITE.iterdir()} >= {
        "index.html",
        "page.js",
        "page.css",
        "controls.js",
        "face.js",
        "join.html",
    }
    assert Path(call.SITE).name == "site"
