"""Shards: tar files of clips in WebDataset's layout, with a manifest and tables beside them.

    OUT/train-000000.tar, val-000000.tar ...   NAME.mp4, NAME.labels.safetensors, NAME.json of clip after clip
    OUT/clips.csv       a row for each clip: description, shard, where video and labels lie in it
    OUT/rejected.csv    a row for each piece that was left out: video, seconds, reason, measured value
    OUT/videos.csv      a row for each raw video: what it was made from, how many clips
    OUT/manifest.json   settings, shards with hashes, hashes of the tables: written last

The order is that of the videos' keys, and no times or owners are stored, so the same videos and settings give the
same bytes, however often the work was interrupted. Videos that come later go into further shards; packed ones stay.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, MediaError
from facewire.base.files import atomic_output, name_bytes, read_json, sha256_of, write_json
from facewire.data.preparation.clip_file import DESCRIPTION, LABELS, VIDEO, ClipDescription
from facewire.data.preparation.parts import PARTS, Member, Record, part_path, read_tar, write_tar
from facewire.data.preparation.settings import RATE, PrepareConfig
from facewire.data.preparation.takes import REASONS

FORMAT = "facewire-shards-1"
MANIFEST, CLIPS, REJECTED, VIDEOS = "manifest.json", "clips.csv", "rejected.csv", "videos.csv"

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar."""

    name: str
    split: str
    bytes: int
    clips: int
    frames: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder of shards holds."""

    settings: PrepareConfig
    shards: tuple[Shard, ...]
    tables: Mapping[str, str]
    """SHA-256 of every table by name."""


def read_manifest(out: Path) -> Manifest | None:
    """Return the manifest of a folder, None where there is none.

    Raises:
        MediaError: it is of another version, or damaged.
    """
    path = out / MANIFEST
    if not path.exists():
        return None
    try:
        stored = read_json(path)
        if stored["format"] != FORMAT:
            raise MediaError(path, f"is of format {stored['format']}, not {FORMAT}: prepare again")
        return Manifest(
            from_dict(PrepareConfig, stored["settings"]),
            tuple(from_dict(Shard, shard) for shard in stored["shards"]),
            {str(name): str(digest) for name, digest in stored["tables"].items()},
        )
    except (ConfigError, KeyError, TypeError, AttributeError) as problem:
        raise MediaError(path, f"is no manifest of shards ({problem}): prepare again") from problem


def read_table(out: Path, name: str, manifest: Manifest) -> list[Row]:
    """Return the rows of a table.

    Raises:
        MediaError: it is not the one that the manifest names.
    """
    path = out / name
    if sha256_of(path) != manifest.tables.get(name):
        raise MediaError(path, "is not the table that manifest.json names: prepare again")
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return list(csv.DictReader(stream))


def pack(
    out: Path,
    records: Sequence[Record],
    config: PrepareConfig,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Manifest:
    """Put the parts of new videos into shards, beside those that are there; return the manifest.

    Args:
        out: the folder.
        records: of videos that are in no shard yet, by key; their parts are removed in the end.
        config: settings of all shards in the folder.
        progress: told how many videos are packed.

    Raises:
        OutputError: the folder cannot be written.
        MediaError: a part is damaged.
    """
    before = read_manifest(out)
    tables: dict[str, list[Row]] = {name: [] for name in (CLIPS, REJECTED, VIDEOS)}
    shards: list[Shard] = []
    if before is not None:
        shards = list(before.shards)
        tables = {name: read_table(out, name, before) for name in tables}
    done = Counter[str]()
    for split in ("train", "val"):
        first = sum(shard.split == split for shard in shards)
        wanted = [record for record in records if any(clip.split == split for clip in record.clips)]
        for number, batch in enumerate(_batches(out, wanted, config.shard_bytes), start=first):
            shard, rows = _write_shard(out, f"{split}-{number:06d}.tar", split, batch)
            shards.append(shard)
            tables[CLIPS] += rows
            done.update(record.key for record, _ in batch)
            progress(len(done), len(records))
    for record in records:
        for rejected in record.rejected:
            tables[REJECTED].append({"source": record.key, **_texts(asdict(rejected))})
        tables[VIDEOS].append(
            {"key": record.key, "made_from": record.made_from, "clips": str(len(record.clips))}
        )
    digests = {name: write_table(out / name, rows) for name, rows in tables.items()}
    write_json(out / MANIFEST, _manifest(config, shards, digests, tables))
    for record in records:
        for suffix in (".tar", ".json"):
            with suppress(OSError):
                part_path(out, record.key, suffix).unlink(missing_ok=True)
    manifest = read_manifest(out)
    assert manifest is not None
    return manifest


def _batches(out: Path, records: Sequence[Record], most: int) -> Iterator[list[tuple[Record, list[Member]]]]:
    """Yield what goes into each shard: whole videos, until it is large enough."""
    batch: list[tuple[Record, list[Member]]] = []
    size = 0
    for record in records:
        path = part_path(out, record.key, ".tar")
        try:
            members = read_tar(path)
        except Exception as problem:  # tarfile's errors share no base with those of a short file
            raise MediaError(path, f"is damaged ({problem}): remove it and prepare again") from problem
        batch.append((record, members))
        size += sum(len(member.data) for member in members)
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _write_shard(
    out: Path, name: str, split: str, batch: Sequence[tuple[Record, list[Member]]]
) -> tuple[Shard, list[Row]]:
    """Write one tar; return it with its clips' rows of the table."""
    members = [member for _, part in batch for member in part]
    clips = [clip for record, _ in batch for clip in record.clips]
    with atomic_output(out / name) as temporary:
        with temporary.open("wb") as stream:
            places = dict(zip((member.name for member in members), write_tar(stream, members), strict=True))
        digest, size = sha256_of(temporary), temporary.stat().st_size
    rows = []
    for clip in clips:
        row = _texts(asdict(clip)) | {"shard": name}
        for end, column in ((VIDEO, "video"), (LABELS, "labels")):
            offset, length = places[f"{clip.name}.{end}"]
            row |= {f"{column}_offset": str(offset), f"{column}_bytes": str(length)}
        rows.append(row)
    return Shard(name, split, size, len(clips), sum(clip.frames for clip in clips), digest), rows


def _manifest(
    config: PrepareConfig,
    shards: Sequence[Shard],
    digests: Mapping[str, str],
    tables: Mapping[str, list[Row]],
) -> dict[str, Any]:
    reasons = Counter(row["reason"] for row in tables[REJECTED])
    return {
        "format": FORMAT,
        "settings": to_dict(config),
        "rate": str(RATE),
        "members": [VIDEO, LABELS, DESCRIPTION],
        "videos": len(tables[VIDEOS]),
        "clips": len(tables[CLIPS]),
        "frames": sum(shard.frames for shard in shards),
        "identities": len({row["identity"] for row in tables[CLIPS]}),
        "rejected": {reason: reasons[reason] for reason in REASONS if reasons[reason]},
        "shards": [asdict(shard) for shard in shards],
        "tables": dict(digests),
    }


def _texts(values: Mapping[str, object]) -> Row:
    return {name: str(value) for name, value in values.items()}


def write_table(path: Path, rows: Iterable[Row]) -> str:
    """Write a table; return its hash."""
    stream, rows = io.StringIO(newline=""), list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))  # later versions add some
    writer = csv.DictWriter(stream, columns or ["empty"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data = name_bytes(stream.getvalue())
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def description_of(row: Row) -> ClipDescription:
    """Return the description in a row of the clips' table.

    Raises:
        KeyError, ValueError: it is not one.
    """
    kinds = {"int": int, "float": float, "str": str}
    there = [f for f in fields(ClipDescription) if row.get(f.name) or f.default is MISSING]
    return ClipDescription(**{f.name: kinds[str(f.type)](row[f.name]) for f in there})


def remove_leftovers(out: Path) -> None:
    """Remove the folders of parts that are empty now."""
    for folder in sorted((out / PARTS).glob("*")):
        with suppress(OSError):
            folder.rmdir()
