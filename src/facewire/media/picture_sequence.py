"""Frames as numbered pictures: frame-%04d.png becomes frame-0001.png, frame-0002.png and so on.

Each file is written whole or not at all; times and sound are not kept.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Self

from facewire.base.errors import OutputError
from facewire.media.frame import Frame
from facewire.media.image import check_picture_name, save_image

_NUMBER = re.compile(r"%(?:0\d+)?d")


def is_sequence(path: str | Path) -> bool:
    """Return whether a name stands for numbered pictures."""
    return _NUMBER.search(Path(path).name) is not None


def check_sequence_name(path: str | Path) -> None:
    """Raise OutputError unless pictures can be saved under such names."""
    name = Path(path).name
    if len(_NUMBER.findall(name)) != 1 or name.count("%") != 1:
        raise OutputError(path, "one number belongs into the name: call it such as frame-%04d.png")
    check_picture_name(path)


class PictureSequence:
    """Numbered pictures in the making.

    Args:
        path: their name, with %04d or the like where the number goes, from 1 on.
        overwrite: False refuses pictures that are there.
        synthetic: say in the files that a model made them.

    Raises:
        OutputError: the name has no number, or is none of a picture.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = True, synthetic: bool = False) -> None:
        check_sequence_name(path)
        self.path, self._overwrite, self._synthetic = Path(path), overwrite, synthetic
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def write(self, frame: Frame) -> None:
        """Write the next picture.

        Raises:
            OutputError: it cannot be written.
        """
        self._written += 1
        file = self.path.with_name(_NUMBER.sub(lambda found: found[0] % self._written, self.path.name))
        save_image(file, frame.pixels, overwrite=self._overwrite, synthetic=self._synthetic)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._written:
            raise OutputError(self.path, "no frame was written: the input has none")
