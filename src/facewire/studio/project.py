"""A project: everything that is chosen, as strict settings; a small JSON file beside the media.

    project.json  {"version": 1, "photo": "photo.jpg", "faces": [0], "driver": "talk.mp4", "look": {...}, ...}

Names are those of files in the project's folder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from facewire.animation.animate import AnimateOptions
from facewire.animation.clips.source_video import Span, is_video
from facewire.animation.edits import Edit
from facewire.animation.keyframes import Key, Keys
from facewire.animation.regions import REGIONS
from facewire.animation.view import LIMITS, ViewPath
from facewire.base.config import from_dict, to_dict
from facewire.base.errors import ConfigError, MediaError
from facewire.base.files import read_json, write_json
from facewire.base.wire import short, within

VERSION = 1
FILE = "project.json"
MOST_FACES, MOST_KEYS, LONGEST_NAME = 16, 500, 255
SIDES = (64, 4096)
"""Of a size that can be asked for here, in pixels."""
MOST_CRF = 51
Slider = Literal[
    "smile", "blink_left", "blink_right", "gaze_right", "gaze_up", "mouth", "brows", "yaw", "pitch", "roll"
]
Kind = Literal["mp4", "webm", "gif", "png", "still", "fwv"]
Show = Literal["result", "before", "background", "matte"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Sliders from -1 to 1, and how the head is turned in degrees; 0 leaves it as it is."""

    smile: float = 0.0
    blink_left: float = 0.0
    blink_right: float = 0.0
    gaze_right: float = 0.0
    gaze_up: float = 0.0
    mouth: float = 0.0
    brows: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            most = LIMITS.get(one.name, 1.0)
            within(one.name, getattr(self, one.name), -most, most)

    @property
    def edit(self) -> Edit:
        """The sliders as the renderer takes them."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in LIMITS}
        left, right = values.pop("blink_left"), values.pop("blink_right")
        blink = {"blink": left} if left == right else {"blink left": left, "blink right": right}
        rows = {name.replace("_", " "): value for name, value in values.items()} | blink
        return Edit({name: value for name, value in rows.items() if value})

    @property
    def view(self) -> ViewPath:
        """The angles as the renderer takes them."""
        return ViewPath((self.yaw,), (self.pitch,), (self.roll,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyframe:
    """A slider's value at a moment: seconds of the driver."""

    slider: Slider
    seconds: float
    value: float

    def __post_init__(self) -> None:
        within("seconds", self.seconds, 0, 86400)
        Look(**{self.slider: self.value})

    def key(self, start: float) -> Key:
        """Return it as the renderer takes it, for a clip that begins at a moment of the driver."""
        at = round(max(0.0, self.seconds - start), 6)
        if self.slider in LIMITS:
            return Key(at, angles={self.slider: self.value})
        return Key(at, Edit({self.slider.replace("_", " "): self.value}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """How the driver's motion is carried over."""

    relative: bool = True
    reference: str = "best"
    regions: tuple[str, ...] = ("all",)
    smooth: bool = False
    face: int = 0
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if self.reference not in ("best", "first") and not self.reference.isdecimal():
            raise ConfigError("reference", self.reference, "best, first, or the number of a frame")
        if not self.regions or not set(self.regions) <= set(REGIONS):
            raise ConfigError("regions", self.regions, f"some of {', '.join(REGIONS)}")
        within("face", self.face, 0, MOST_FACES)
        if not math.isfinite(self.start) or (self.end is not None and not math.isfinite(self.end)):
            raise ConfigError("start", self.start, "seconds")
        Span(self.start, self.end)

    @property
    def span(self) -> Span:
        """The part of the driver that is used."""
        return Span(self.start, self.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a render gives; size 0 is the usual one."""

    kind: Kind = "mp4"
    size: int = 0
    head: bool = False
    crf: int = 18
    full_colour: bool = False
    sound: bool = True

    def __post_init__(self) -> None:
        if self.size:
            within("size", self.size, *SIDES)
        within("crf", self.crf, 0, MOST_CRF)


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """Everything that is chosen."""

    version: int = VERSION
    photo: str = ""
    faces: tuple[int, ...] = (0,)
    driver: str = ""
    motion: Motion = Motion()
    look: Look = Look()
    keys: tuple[Keyframe, ...] = ()
    result: Result = Result()

    def __post_init__(self) -> None:
        if self.version != VERSION:
            raise ConfigError("version", self.version, f"{VERSION}: this project is of another Facewire")
        for name in (self.photo, self.driver):
            short("name", name, LONGEST_NAME)
            if name and Path(name).name != name:
                raise ConfigError("name", "(a path)", "the name of a file in the project's folder")
        if not 1 <= len(self.faces) <= MOST_FACES or min(self.faces) < 0:
            raise ConfigError("faces", self.faces, f"1 to {MOST_FACES} numbers of faces")
        if len(set(self.faces)) < len(self.faces) or len(self.keys) > MOST_KEYS:
            raise ConfigError("faces or keys", "(too many)", "each face once, few keyframes")

    @property
    def is_of_video(self) -> bool:
        """Whether a video is changed, not a photo."""
        return is_video(self.photo)

    @property
    def moving_keys(self) -> Keys:
        """The keyframes as the renderer takes them."""
        return tuple(
            key.key(self.motion.start if self.driver or self.is_of_video else 0.0) for key in self.keys
        )

    @property
    def options(self) -> AnimateOptions:
        """How motion is carried over and shown."""
        return AnimateOptions(
            relative=self.motion.relative and bool(self.driver),
            reference=self.motion.reference,
            regions=frozenset(self.motion.regions) if self.driver else frozenset({"all"}),
            edit=self.look.edit,
            view=self.look.view,
            keys=self.moving_keys,
        )


def read_project(path: Path) -> Project:
    """Return a project.

    Raises:
        MediaError: the file cannot be read, is no JSON, or no project of this version.
    """
    data: Any = read_json(path)
    try:
        return from_dict(Project, data)
    except ConfigError as error:
        raise MediaError(path, f"is no project of this Facewire: {error}") from error


def write_project(path: Path, project: Project) -> None:
    """Write a project atomically.

    Raises:
        OutputError: it cannot be written.
    """
    write_json(path, to_dict(project))


def with_faces(project: Project, count: int) -> Project:
    """Return a project whose chosen faces are among `count`."""
    kept = tuple(face for face in project.faces if face < count)
    return replace(project, faces=kept or (0,))
