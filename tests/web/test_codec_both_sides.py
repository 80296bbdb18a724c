"""The codec in JavaScript writes the bytes that Python writes, and reads of them what Python reads.

`python -m web.test_codec_both_sides 10000` in tests/ does it with so many motions.
"""

from __future__ import annotations

import sys

import pytest

from facewire.codec.tables.shipped import shipped_tables

from .both_sides import NODE, decoded, in_javascript, random_talks, written

MOTIONS = 300


def compare(names: tuple[str, ...], motions: int, seed: int) -> int:
    """Compare both sides with so many motions for each of the tables, and return how many streams were equal."""
    count = 0
    for name in names:
        tables = shipped_tables(name)
        talks = random_talks(tables, motions, seed)
        streams = [written(talk, tables) for talk in talks]
        made, read = in_javascript(talks, streams, name)
        assert made == streams
        assert read == [decoded(stream, tables) for stream in streams]
        count += len(streams)
    return count


@pytest.mark.skipif(NODE is None, reason="needs Node (apt-get install nodejs)")
@pytest.mark.parametrize("name", ["compact-standard", "generic-15-standard"])
def test_equal_bytes_and_values(name: str) -> None:
    assert compare((name,), MOTIONS, seed=len(name)) >= 3


if __name__ == "__main__":
    compare(("compact-standard", "compact-fine"), int(sys.argv[1]) // 2, seed=1)
