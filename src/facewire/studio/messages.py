"""What the page and its studio say to each other; webcam pictures come, and previews go, as binary messages.

A preview: number u32, seconds f32, milliseconds of rendering f32, kind u16 (0 moving, 1 standing still and exact),
spare u16, then a JPEG or PNG.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from facewire.base.wire import VERSION, MessageSet, short, within
from facewire.studio.driver import Curves
from facewire.studio.jobs.queue import Job
from facewire.studio.jobs.tools import Compare as Compare
from facewire.studio.jobs.tools import Decode as Decode
from facewire.studio.jobs.tools import Encode as Encode
from facewire.studio.library import Medium
from facewire.studio.preview.native import FaceBox
from facewire.studio.preview.page_engine import Head
from facewire.studio.project import LONGEST_NAME, Project, Show
from facewire.transport.web.door import Enter as Enter
from facewire.transport.web.door import Failure as Failure

LARGEST_PICTURE = 2 * 1024 * 1024
"""Bytes of a webcam's picture."""
MOST_SELECTED = 64
_HEAD = struct.Struct("<IffHH")


def preview(number: int, seconds: float, milliseconds: float, exact: bool, picture: bytes) -> bytes:
    """Return a picture with its head."""
    return _HEAD.pack(number, seconds, milliseconds, int(exact), 0) + picture


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Choose something else; changes with the same gesture are one step of undo."""

    project: Project
    gesture: str = ""

    def __post_init__(self) -> None:
        short("gesture", self.gesture, 80)


@dataclass(frozen=True, kw_only=True, slots=True)
class Undo:
    """Go back a step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Redo:
    """Take back an undo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What the page can show: pixels of its stage; `zoom` shows the result's own pixels around a place in shares."""

    width: int
    height: int
    zoom: bool = False
    x: float = 0.5
    y: float = 0.5
    show: Show = "result"

    def __post_init__(self) -> None:
        within("width", self.width, 1, 8192)
        within("height", self.height, 1, 8192)
        within("x", self.x, 0, 1)
        within("y", self.y, 0, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """Play or stop, at a moment in seconds."""

    on: bool
    seconds: float

    def __post_init__(self) -> None:
        within("seconds", self.seconds, 0, 86400)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A preview was drawn."""

    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """How long the page's own engine takes for a head, and what computes there."""

    milliseconds: float
    name: str

    def __post_init__(self) -> None:
        within("milliseconds", self.milliseconds, 0, 1e6)
        short("name", self.name, 40)


@dataclass(frozen=True, kw_only=True, slots=True)
class Webcam:
    """Drive with the webcam, or no more; `again` takes what it shows next as the photo's own pose and expression."""

    on: bool
    again: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Render:
    """Queue what is chosen, for several photos and drivers; none means the chosen one, "" no driver at all."""

    photos: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (*self.photos, *self.drivers):
            short("name", name, LONGEST_NAME)
        within("photos", len(self.photos) * max(1, len(self.drivers)), 0, MOST_SELECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeFrame:
    """Put a frame of a video of the folder among the photos, and choose it."""

    name: str
    frame: int

    def __post_init__(self) -> None:
        short("name", self.name, LONGEST_NAME)
        within("frame", self.frame, 0, 10_000_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Do something with a job, or with 0 with the whole queue; `use` puts its result among the media."""

    job: int
    action: Literal["pause", "resume", "cancel", "again", "remove", "use"]


ToStudio = (
    Enter
    | Change
    | Undo
    | Redo
    | View
    | Play
    | Shown
    | Measured
    | Webcam
    | Render
    | Encode
    | Decode
    | Compare
    | TakeFrame
    | Order
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """The studio takes the page in; `web` says whether the page may try an engine of its own, from /web/."""

    version: int = VERSION
    folder: str
    engine: str
    web: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What is chosen, and the command line that does the same; `heard` counts the page's changes so far."""

    project: Project
    heard: int
    can_undo: bool
    can_redo: bool
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Engines:
    """Which engine renders what moves, in words, and whether it is the page's."""

    text: str
    page: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """A preview that the page renders itself: heads before the photo.

    number, seconds  as of a preview
    key              of the photo at this size; under another one squares and photo are fetched again
    """

    number: int
    seconds: float
    key: str
    heads: tuple[Head, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """What lies in the folder."""

    media: tuple[Medium, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """The chosen photo; `problem` says why it cannot be animated."""

    name: str
    width: int = 0
    height: int = 0
    faces: tuple[FaceBox, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """The chosen driver, and what the timeline shows: it, or of a video that is changed the video.

    seconds, rate, frames, curves  of the timeline
    reference   the driver's frame that stands for the photo, -1 for none
    own_rate    frames a second of the driver
    of_video    whether the timeline is that of a video that is changed: the driver begins where its part begins
    drives      whether there is a driver, and it could be read
    """

    name: str
    seconds: float = 0.0
    rate: float = 25.0
    frames: int = 0
    own_rate: float = 25.0
    of_video: bool = False
    drives: bool = False
    people: int = 1
    missing: int = 0
    reference: int = -1
    curves: Curves | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Working:
    """What takes a while: a stage and how far it is, 0 to 1; an empty stage is the end of it."""

    stage: str = ""
    share: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Playing:
    """Whether and where it plays; `webcam` says what drives, `heard` counts the page's `play`s so far."""

    heard: int
    on: bool
    seconds: float
    webcam: bool = False
    face: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    """The queue."""

    jobs: tuple[Job, ...]
    paused: bool


ToPage = Welcome | Engines | Heads | State | Media | Photo | Driver | Working | Playing | Jobs | Failure

TO_STUDIO: MessageSet[ToStudio] = MessageSet(
    {
        "enter": Enter,
        "change": Change,
        "undo": Undo,
        "redo": Redo,
        "view": View,
        "play": Play,
        "shown": Shown,
        "measured": Measured,
        "webcam": Webcam,
        "render": Render,
        "encode": Encode,
        "decode": Decode,
        "compare": Compare,
        "take-frame": TakeFrame,
        "order": Order,
    }
)
TO_PAGE: MessageSet[ToPage] = MessageSet(
    {
        "welcome": Welcome,
        "engines": Engines,
        "heads": Heads,
        "state": State,
        "media": Media,
        "photo": Photo,
        "driver": Driver,
        "working": Working,
        "playing": Playing,
        "jobs": Jobs,
        "failure": Failure,
    }
)
