"""Random motions through the codec in Python and in JavaScript: what each writes, and what each reads of it."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facewire.bitstream.header import FILE, RAW, STREAM, Profile
from facewire.bitstream.sections import MIME_PNG
from facewire.codec.decoder import DecodedFrame
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.talk import TalkReader, TalkWriter, talk_header

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Talk:
    """Motions (T, 6 + 3K), how many keypoints each keeps, and how they are coded."""

    profile: Profile
    motions: Floats
    kept: list[int]
    confirm_after: int | None = None
    group: int | None = None


def random_talks(tables: CodecTables, motions: int, seed: int) -> list[Talk]:
    """Return talks of so many motions in all: calm and wild ones, in every profile."""
    rng = np.random.default_rng(seed)
    talks, left = list[Talk](), motions
    while left > 0:
        count = min(left, int(rng.integers(1, 120)))
        profile: Profile = (FILE, STREAM, RAW)[len(talks) % 3]
        kept = rng.integers(1, tables.keypoints + 1, count)
        whole = rng.random(count) < 0.7
        talks.append(
            Talk(
                profile,
                _walk(rng, count, 6 + 3 * tables.keypoints),
                np.where(whole, tables.keypoints, kept).tolist(),
                None if rng.random() < 0.3 else int(rng.integers(1, 40)),
                int(rng.integers(1, 130)),
            )
        )
        left -= count
    return talks


def _walk(rng: np.random.Generator, count: int, components: int) -> Floats:
    """Return a random walk whose steps are anything from none to jumps out of what the format can say."""
    scale = 10.0 ** rng.uniform(-4, 1, (count, 1)) * (rng.random((count, 1)) < 0.9)
    steps = rng.normal(0, 1, (count, components)) * scale
    jumps = rng.random((count, 1)) < 0.05
    motions: Floats = np.where(jumps, steps, np.cumsum(steps * 0.01, axis=0)).astype(np.float32)
    return motions


def written(talk: Talk, tables: CodecTables) -> bytes:
    """Return the stream that Python makes of a talk."""
    sink = io.BytesIO()
    used = None if talk.profile == RAW else tables
    header = talk_header(
        talk.profile,
        used,
        weights_sha256=bytes(32),
        size=(256, 256),
        fps=Fraction(25),
        keypoints=tables.keypoints,
    )
    writer = TalkWriter(sink, header, used, group=talk.group, confirm_after=talk.confirm_after)
    frames = [MotionFrame.from_vector(row, kept) for row, kept in zip(talk.motions, talk.kept, strict=True)]
    writer.source(frames[0] if used else None, b"\x01", MIME_PNG)
    for frame in frames:
        writer.frame(frame)
    writer.finish()
    return sink.getvalue()


def decoded(stream: bytes, tables: CodecTables) -> bytes:
    """Return rows of frame number, kept and all components of a stream, float32, as Python reads them."""
    rows = [
        np.concatenate(((item.number, item.motion.used), item.motion.vector())).astype(np.float32)
        for item in TalkReader(io.BytesIO(stream), lambda *_: tables)
        if isinstance(item, DecodedFrame)
    ]
    return np.array(rows).tobytes()


def in_javascript(
    talks: Sequence[Talk], streams: Sequence[bytes], tables: str
) -> tuple[list[bytes], list[bytes]]:
    """Return the streams that JavaScript makes of talks, and what it reads of streams."""
    question = {
        "tables": tables,
        "talks": [_packed(talk) for talk in talks],
        "streams": [base64.b64encode(stream).decode() for stream in streams],
    }
    assert NODE is not None
    script = ROOT / "web" / "test" / "both_sides.js"
    done = subprocess.run(
        [NODE, str(script)], input=json.dumps(question), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    made, read = ([base64.b64decode(text) for text in answer[key]] for key in ("written", "decoded"))
    return made, read


def _packed(talk: Talk) -> dict[str, Any]:
    motions = base64.b64encode(talk.motions.tobytes()).decode()
    return {
        "profile": talk.profile,
        "motions": motions,
        "kept": talk.kept,
        "confirm_after": talk.confirm_after,
        "group": talk.group,
    }
