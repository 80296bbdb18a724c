"""The caption is seen, in its corner only, at every size."""

from __future__ import annotations

import numpy as np
import pytest

from facewire.base.errors import ConfigError
from facewire.media.marks.caption import Caption


@pytest.mark.parametrize(("height", "width"), [(1080, 1920), (256, 256), (40, 30)])
def test_a_caption_lies_in_the_lower_left_corner(height: int, width: int) -> None:
    picture = np.full((height, width, 3), 128, np.uint8)
    shown = Caption("synthetic").on(picture)
    changed = (shown != picture).any(axis=2)
    assert shown[changed].min() < 60  # the strip
    assert shown[changed].max() > 200  # the letters
    assert changed[-1, 0]
    assert not changed[: height // 2].any()
    assert np.array_equal(picture, np.full_like(picture, 128))


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "x" * 201])
def test_a_caption_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="caption"):
        Caption(text)
