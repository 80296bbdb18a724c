"""Frames as numbered pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import OutputError
from facewire.media.image import load_image
from facewire.media.marks.synthetic_mark import read_mark
from facewire.media.video import Frame, opened_sink


def test_pictures_are_numbered_and_kept_bit_by_bit(tmp_path: Path) -> None:
    pictures = [np.full((6, 8, 3), 50 * number, np.uint8) for number in range(3)]
    with opened_sink(tmp_path / "a-%03d.png", (8, 6), Fraction(25), synthetic=True, crf=18) as sink:
        for number, picture in enumerate(pictures):
            sink.write(Frame(picture, number, Fraction(1, 25)))
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["a-001.png", "a-002.png", "a-003.png"]
    assert all((load_image(file) == picture).all() for file, picture in zip(files, pictures, strict=True))
    assert read_mark(files[0]) is not None


@pytest.mark.parametrize("name", ["%d-%d.png", "%d.mp4", "100%-%d.png"])
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        opened_sink(tmp_path / name, (8, 6), Fraction(25))


def test_none_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no frame"), opened_sink(tmp_path / "%d.png", (8, 6), Fraction(25)):
        pass
