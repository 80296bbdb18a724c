"""Shards that `facewire prepare` made, ready for training.

    table of clips          read once: a row for each clip
    labels of a clip        read from the shard when it is drawn; the latest are kept
    frames                  decoded from the clip's video when they are drawn, or all of them once, into the cache

Decoding on the fly costs a few milliseconds a frame and no disk; decoded clips cost 200 kB a frame at 256x256 and no
time. `decoded` chooses.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from math import radians
from pathlib import Path

from facewire.base.errors import MediaError, OutputError
from facewire.base.files import atomic_output, sha256_of
from facewire.data.clips import LEAST_FRAMES, ClipSet, FrameSource, LabelledClip
from facewire.data.frame_cache import cached_frames
from facewire.data.labels import ClipLabels
from facewire.data.preparation.clip_file import decode_labels
from facewire.data.preparation.settings import RATE
from facewire.data.preparation.shards import CLIPS, MANIFEST, Manifest, Row, read_manifest, read_table
from facewire.media.frame import Pixels
from facewire.media.image import resize
from facewire.media.timing.frame_picker import pick_frames

MOST_CACHED_BYTES = 32 * 1024**3
"""Decoded clips are kept where all of them together take no more than this, and half of the free disk."""
LABELS_IN_MEMORY = 4096
"""Clips whose labels are kept: 130 kB each."""

Progress = Callable[[str, int, int | None], None]


def is_shards(folder: Path) -> bool:
    """Say whether a folder holds shards."""
    return (folder / MANIFEST).is_file()


@dataclass(frozen=True, slots=True)
class _Piece:
    """Bytes in a shard."""

    shard: Path
    offset: int
    length: int

    def read(self) -> bytes:
        try:
            with self.shard.open("rb") as stream:
                stream.seek(self.offset)
                data = stream.read(self.length)
        except OSError as problem:
            raise MediaError(
                self.shard, f"cannot be read ({problem.strerror}): copy the shards again"
            ) from problem
        if len(data) < self.length:
            raise MediaError(self.shard, "is cut off: copy the shards again")
        return data


@lru_cache(LABELS_IN_MEMORY)
def _labels(piece: _Piece, side: int, name: str) -> ClipLabels:
    return decode_labels(piece.read(), side, name)


@dataclass(frozen=True, slots=True)
class DecodedFrames:
    """Frames decoded one by one when they are asked for."""

    video: _Piece
    side: int
    name: str

    def __getitem__(self, index: int, /) -> Pixels:
        (pixels,) = pick_frames(self.video.read(), [int(index)], RATE, self.name)
        return pixels if pixels.shape[0] == self.side else resize(pixels, (self.side, self.side))


@dataclass(frozen=True, slots=True)
class ShardClip:
    """A clip in a shard; see `data.clips.LabelledClip`."""

    name: str
    frames: FrameSource
    seen: int
    mean_turn: float
    length: int
    side: int
    stored: _Piece = field(repr=False)

    def __len__(self) -> int:
        return self.length

    @property
    def labels(self) -> ClipLabels:
        """Labels of all frames."""
        return _labels(self.stored, self.side, self.name)


def open_shards(
    folder: Path,
    cache: Path,
    side: int,
    split: str = "train",
    decoded: bool | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> ClipSet:
    """Open the clips of a split at `side` pixels.

    Args:
        folder: of the shards.
        cache: folder for decoded clips.
        side: of the pictures; they are resized where shards have another.
        split: train or val.
        decoded: whether all clips are decoded into the cache first; None where there is room.
        progress: told how many clips are ready.

    Raises:
        MediaError: the shards are damaged, or hold no clip of this split.
        OutputError: the cache cannot be written.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise MediaError(folder, "holds no shards: make some with facewire prepare")
    _check(folder, manifest)
    rows = [row for row in read_table(folder, CLIPS, manifest) if row.get("split") == split]
    rows = [row for row in rows if int(row["seen"]) >= LEAST_FRAMES]
    if not rows:
        raise MediaError(folder, f"holds no clips for {split}: prepare more videos, or set --val-share")
    if decoded is None:
        decoded = _has_room(cache, sum(int(row["frames"]) for row in rows) * 3 * side * side)
    clips: list[LabelledClip] = []
    digests = {shard.name: shard.sha256 for shard in manifest.shards}
    if decoded:
        _make_folder(cache)
    for number, row in enumerate(rows):
        progress("clips", number, len(rows))
        clips.append(_clip(folder, row, digests[row["shard"]], side, cache if decoded else None))
    progress("clips", len(rows), len(rows))
    return ClipSet(clips, [], sha256_of(folder / MANIFEST))


def _clip(folder: Path, row: Row, digest: str, side: int, cache: Path | None) -> ShardClip:
    shard = folder / row["shard"]
    video = _Piece(shard, int(row["video_offset"]), int(row["video_bytes"]))
    frames: FrameSource = DecodedFrames(video, side, row["name"])
    if cache is not None:
        frames = _cached(video, row, digest, side, cache)
    return ShardClip(
        name=row["name"],
        frames=frames,
        seen=int(row["seen"]),
        mean_turn=radians(float(row["mean_turn"])),
        length=int(row["frames"]),
        side=side,
        stored=_Piece(shard, int(row["labels_offset"]), int(row["labels_bytes"])),
    )


def _cached(video: _Piece, row: Row, digest: str, side: int, cache: Path) -> FrameSource:
    """Return the frames of a clip, decoded into the cache where they are not there yet."""
    key = hashlib.sha256(f"{digest} {video.offset} {side}".encode()).hexdigest()[:12]
    stored = cache / f"{row['name']}-{key}.npy"
    copy = stored.with_suffix(".mp4")
    if not stored.exists():
        with atomic_output(copy) as temporary:
            temporary.write_bytes(video.read())
    try:
        return cached_frames(copy, stored, side)
    finally:
        with suppress(OSError):
            copy.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(folder, f"cannot be made ({problem.strerror}): choose another --cache") from problem


def _check(folder: Path, manifest: Manifest) -> None:
    """Raise where a shard is missing or of another size; hashes would take too long."""
    for shard in manifest.shards:
        path = folder / shard.name
        if not path.is_file() or path.stat().st_size != shard.bytes:
            raise MediaError(path, "is missing or not whole: copy the shards again")


def _has_room(cache: Path, needed: int) -> bool:
    place = next((path for path in (cache, *cache.parents) if path.is_dir()), Path.cwd())
    return needed <= min(MOST_CACHED_BYTES, shutil.disk_usage(place).free // 2)
