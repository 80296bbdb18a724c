"""How the process of a command ends: at once, with its exit code, its output, and what was to be done at the end."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import atexit, sys
atexit.register(print, "the first of all")
from facewire.cli import main
main.main = lambda: print("done") or 7
class Late:
    def __del__(self):
        print("taken apart")
late = Late()
register = atexit.register
def registers(leave):
    register(leave)
    register(print, "at the end")
atexit.register = registers
main.command()
"""


def test_a_command_ends_with_its_code_its_output_and_what_was_to_be_done() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.splitlines() == ["done", "at the end"]


def test_a_refused_command_ends_with_its_code() -> None:
    words = [sys.executable, "-m", "facewire.cli.main", "info", "nothing-of-that-name.fwv"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 3
    assert "nothing-of-that-name.fwv" in done.stderr
