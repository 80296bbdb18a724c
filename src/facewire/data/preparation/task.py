"""The unit of work: prepare one video and store what it gave. Runs wherever it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facewire.base.config import to_dict
from facewire.data.preparation.lists.videos import RawVideo
from facewire.data.preparation.parts import Record, fingerprint, read_record, write_part
from facewire.data.preparation.settings import PrepareConfig
from facewire.data.preparation.takes import Rejected
from facewire.data.preparation.video import Prepared, prepare_video


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a video, in numbers."""

    key: str
    clips: int
    rejected: int
    problem: str = ""
    """Why the whole video is lost, where it is."""


@dataclass(frozen=True, slots=True)
class Task:
    """Prepares videos into a folder that all workers see."""

    out: Path
    config: PrepareConfig

    def __call__(self, video: RawVideo) -> Outcome:
        """Prepare a video, unless that is done already.

        Raises:
            OutputError: the folder cannot be written.
        """
        record = read_record(self.out, video.key)
        if record is None or record.made_from != made_from(video, self.config):
            record = self.store(video, prepare_video(video, self.config))
        return outcome_of(record)

    def lost(self, video: RawVideo, reason: str) -> Outcome:
        """Store that the process which prepared a video died."""
        return outcome_of(self.store(video, Prepared(rejected=[Rejected("crashed", reason)])))

    def store(self, video: RawVideo, prepared: Prepared) -> Record:
        """Store what a video gave."""
        clips, rejected = tuple(prepared.clips), tuple(prepared.rejected)
        record = Record(video.key, made_from(video, self.config), clips, rejected)
        write_part(self.out, record, prepared.members, prepared.thumbnails)
        return record


def made_from(video: RawVideo, config: PrepareConfig) -> str:
    """Return a hash of everything that a video's clips follow from: its bytes' number, what is wanted, settings."""
    size = video.path.stat().st_size if video.path.exists() else -1
    settings = {name: value for name, value in to_dict(config).items() if name != "shard_bytes"}
    if not settings["most_enlarged"]:  # as before there was this setting
        del settings["most_enlarged"]
    wanted = [str(tube) for tube in video.tubes]
    return fingerprint(video.key, size, video.identity, video.split, wanted, settings)


def outcome_of(record: Record) -> Outcome:
    """Return the numbers of a record."""
    whole = ("missing", "unreadable", "crashed", "low-bit-rate")
    problems = [f"{found.reason}: {found.detail}" for found in record.rejected if found.reason in whole]
    return Outcome(record.key, len(record.clips), len(record.rejected), problems[0] if problems else "")
