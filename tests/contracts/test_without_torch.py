"""Commands that run in OpenVINO with the shipped weights load no torch: a second less until the first picture."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from skimage.data import astronaut

from facewire.media.frame import Frame
from facewire.media.image import resize, save_image
from facewire.media.video import VideoWriter

RATE = Fraction(25)
PROGRAM = """
import sys
from facewire.cli.main import main
codes = [main(line.split("|")) for line in sys.argv[1:]]
import facewire.call.agent, facewire.call.person.engine
from facewire.animation.animator import Animator
networks = facewire.call.person.engine.NetworkEngine.of(animator := Animator.named(), animator.open("auto")[0])
print(codes, networks.size, "torch" in sys.modules)
"""


@pytest.mark.slow
def test_files_are_made_and_calls_begin_without_torch(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    photo, driving, talk = (str(tmp_path / name) for name in ("photo.png", "driving.mp4", "talk.fwv"))
    picture = resize(astronaut(), (256, 256))
    save_image(photo, picture)
    with VideoWriter(driving, (256, 256), RATE) as writer:
        for number in range(3):
            writer.write(Frame(picture, number, 1 / RATE))
    lines = (
        ("animate", photo, driving, "-o", str(tmp_path / "a.mp4"), "--yaw", "5", "--edit", "smile=0.3"),
        ("encode", driving, "-o", talk),
        ("decode", talk, "-o", str(tmp_path / "d.mp4")),
        ("rotate", photo, "-o", str(tmp_path / "turned.png")),
        ("rotate", photo, "-o", str(tmp_path / "one.png"), "--yaw", "20", "--edit", "smile=0.5"),
        ("demo", photo, "-o", str(tmp_path / "demo"), "--frames", "2"),
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            *("|".join((*line, "-q", "--json", "--threads", "1")) for line in lines),
        ],
        env=os.environ | {"FACEWIRE_CACHE": str(tmp_path / "cache"), "FACEWIRE_ENGINE": "openvino"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"{[0] * len(lines)} 256 False", done.stderr
