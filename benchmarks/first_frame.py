"""How long the first picture takes after a command is called, with an empty cache and with a full one.

    python benchmarks/first_frame.py --times 3

Runs `facewire rotate` and `facewire animate` (scikit-image's astronaut, a driving video of one frame), each in a
process of its own, and prints seconds from the call: `picture_s` until the first picture is there, composed and about
to be written, `wall_s` until the file is finished and the process gone, and `processor_s` of all processors together,
which other programs lengthen less. --threads 1 keeps threads from waiting for each other by computing. The first run
of each has an empty cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from skimage.data import astronaut

from facewire.benchmarks.live import RATE, camera_frames
from facewire.media.frame import Frame
from facewire.media.image import save_image
from facewire.media.video import VideoWriter

WATCHED = """
import sys, time
from importlib.machinery import PathFinder

class Watch:
    def find_spec(name, path=None, target=None):
        if name != "facewire.animation.animate":
            return None
        spec = PathFinder.find_spec(name, path)
        load = spec.loader.exec_module
        def loaded(module):
            load(module)
            finished = module.AnimateOptions.finished
            def watched(options, picture):
                print("picture", time.monotonic(), file=sys.stderr)
                return finished(options, picture)
            module.AnimateOptions.finished = watched
        spec.loader.exec_module = loaded
        return spec

sys.meta_path.insert(0, Watch)
from facewire.cli.main import command
command()
"""
"""The command, which says when a picture is there, by the clock that all processes share (on Linux)."""


def main() -> None:
    """Run the commands, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=3, help="runs with a full cache")
    parser.add_argument("--threads", type=int, help="of the commands (default: all processors)")
    given = parser.parse_args()
    more = () if given.threads is None else ("--threads", str(given.threads))
    with tempfile.TemporaryDirectory() as folder:
        photo, driving = Path(folder, "photo.png"), Path(folder, "driving.mp4")
        save_image(photo, astronaut())
        with VideoWriter(driving, (640, 360), Fraction(RATE)) as writer:
            writer.write(Frame(camera_frames(astronaut(), (640, 360))[0], 0, Fraction(1, RATE)))
        commands = {
            "rotate": ("rotate", str(photo), "-o", f"{folder}/turned.png", "--yaw", "20"),
            "animate": ("animate", str(photo), str(driving), "-o", f"{folder}/talking.mp4"),
        }
        for name, words in commands.items():
            for state in ("cold", *("warm" for _ in range(given.times))):
                seconds = run((*words, *more), Path(folder, f"cache-{name}"))
                print(json.dumps({"command": name, "cache": state, **seconds}), flush=True)


def run(words: tuple[str, ...], cache: Path) -> dict[str, float]:
    """Run a command; return its seconds."""
    before, begin = used(), time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", WATCHED, *words, "-q", "--overwrite"],
        env=os.environ | {"FACEWIRE_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    end = time.monotonic()
    first = next(line for line in said.splitlines() if line.startswith("picture"))
    return {
        "picture_s": round(float(first.split()[1]) - begin, 2),
        "wall_s": round(end - begin, 2),
        "processor_s": round(used() - before, 2),
    }


def used() -> float:
    """Return the processor seconds of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
