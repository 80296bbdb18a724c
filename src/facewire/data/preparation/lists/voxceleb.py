"""VoxCeleb2 as published: one text file for each utterance, with the face's box in every frame.

    txt/id00012/_raOc3-IRsw/00110.txt        in dev/ and test/ where both were unpacked

        Identity  :     id00012
        Reference :     _raOc3-IRsw
        Offset    :     2
        FV Conf   :     20.230  (1)
        ASD Conf  :     2.765

        FRAME   X       Y       W       H
        000349  0.319   0.067   0.424   0.753

FRAME counts 25 frames per second of the whole video, from 0; X, Y, W and H are shares of the picture (VoxCeleb1:
pixels of a picture 360 lines high; not read here). The videos are VIDEOS/_raOc3-IRsw.mp4. Clips are called
PERSON#VIDEO#UTTERANCE#NUMBER. The box says which face is meant; the crop is ours.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from facewire.base.errors import MediaError
from facewire.data.preparation.lists.videos import RawVideo, Tube, in_order, key_of

FRAMES_PER_SECOND = 25
HEADER = ("FRAME", "X", "Y", "W", "H")
OFFICIAL = {"dev": "train", "test": "val"}
"""Folders above the persons' that name the published split."""


def voxceleb_videos(videos: Path, annotations: Path) -> list[RawVideo]:
    """Return the videos of the utterances below a folder, each with its tubes, by key.

    Args:
        videos: folder of the whole videos; those that are not there are reported as missing later.
        annotations: folder with PERSON/VIDEO/UTTERANCE.txt anywhere below it.

    Raises:
        MediaError: there is no utterance, or one is not in this format.
    """
    files = sorted(annotations.rglob("*/*/*.txt")) if annotations.is_dir() else []
    if not files:
        raise MediaError(annotations, "holds no PERSON/VIDEO/UTTERANCE.txt: give VoxCeleb2's folder txt")
    tubes: dict[tuple[str, str], list[Tube]] = defaultdict(list)
    splits: dict[tuple[str, str], str | None] = {}
    for file in files:
        person, video = file.parts[-3:-1]
        tubes[person, video].append(read_utterance(file))
        above = file.relative_to(annotations).parts[:-3] + annotations.parts[-2:]
        splits[person, video] = next((OFFICIAL[part] for part in above if part in OFFICIAL), None)
    return in_order(
        RawVideo(
            key_of(f"{person}#{video}"),
            _file(videos, video),
            person,
            splits[person, video],
            tuple(utterances),
        )
        for (person, video), utterances in tubes.items()
    )


def read_utterance(path: Path) -> Tube:
    """Return the tube of one utterance: its time, and the middle of the face's boxes.

    Raises:
        MediaError: the file is not in this format.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        begin = next(n for n, line in enumerate(lines) if tuple(line.split()) == HEADER) + 1
        rows = [[float(cell) for cell in line.split()] for line in lines[begin:] if line.strip()]
        frames = [int(row[0]) for row in rows]
        boxes = [(x, y, x + width, y + height) for _, x, y, width, height in rows]
        left, top, right, bottom = (_median([box[side] for box in boxes]) for side in range(4))
    except (OSError, UnicodeDecodeError, StopIteration, ValueError, IndexError) as problem:
        raise MediaError(path, "is no utterance of VoxCeleb2: its columns are FRAME X Y W H") from problem
    if not max(left, top, right, bottom) <= 2:
        raise MediaError(path, "counts boxes in pixels, as VoxCeleb1 does: only VoxCeleb2 is read")
    person, video = path.parts[-3:-1]
    return Tube(
        f"{person}#{video}#{path.stem}",
        min(frames) / FRAMES_PER_SECOND,
        (max(frames) + 1) / FRAMES_PER_SECOND,
        (left, top, right, bottom),
    )


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _file(videos: Path, name: str) -> Path:
    """Return the video of that name, whatever its suffix."""
    found = (videos / f"{name}{suffix}" for suffix in (".mp4", ".mkv", ".webm"))
    return next((path for path in found if path.exists()), videos / f"{name}.mp4")
