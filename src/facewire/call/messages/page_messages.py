"""What the page and its agent say to each other over the control websocket; a photo comes as one binary message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facewire.animation.view import LIMITS
from facewire.base.wire import VERSION, MessageSet, short, within
from facewire.call.set_up import SetUpTimes
from facewire.transport.web.door import Enter as Enter
from facewire.transport.web.door import Failure as Failure

LARGEST_PHOTO_FILE = 4 * 1024 * 1024
"""Bytes of a photo that the page may send; it shrinks large ones first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """The page's WebRTC offer."""

    sdp: str

    def __post_init__(self) -> None:
        short("sdp", self.sdp, 32 * 1024)


@dataclass(frozen=True, kw_only=True, slots=True)
class TakePhoto:
    """Use what the camera shows now as the photo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """Enter a room: that of an invitation link, or with "" the agent's own."""

    invitation: str = ""

    def __post_init__(self) -> None:
        short("invitation", self.invitation, 500)


@dataclass(frozen=True, kw_only=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mute:
    """Sound off or on."""

    on: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraOff:
    """Picture off or on."""

    on: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Thin:
    """Thin mode on or off; off, the call follows the line."""

    on: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdinaryVideo:
    """Whether ordinary video of the camera may be sent where synthesis does not fit."""

    on: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How far the remote face is turned, degrees; `frontal` makes it look at the viewer."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    frontal: bool = False

    def __post_init__(self) -> None:
        for axis, limit in LIMITS.items():
            within(axis, getattr(self, axis), -limit, limit)


ToAgent = Enter | Offer | TakePhoto | Join | HangUp | Mute | CameraOff | Thin | OrdinaryVideo | View


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """The agent takes the page in. `room` is what a call without an invitation would be in; a page that was loaded
    again goes on with what was muted and off before. Without `video_allowed` none is sent, whatever the
    page asks for."""

    version: int = VERSION
    room: str
    avatar_allowed: bool
    video_allowed: bool = True
    size: int
    muted: bool = False
    camera_off: bool = False
    thin: bool = False
    video: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The agent's WebRTC answer."""

    sdp: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What the camera sees, twice a second before a call."""

    picture: bool
    face: bool
    faces: int
    light: Literal["dark", "good", "bright", "unknown"]
    photo: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoResult:
    """Whether the photo can be used; `avatar` if it shows somebody else and that is allowed."""

    ok: bool
    problem: str = ""
    avatar: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """Where the call stands; `link` is the invitation, `problem` why it ended."""

    state: str
    link: str = ""
    problem: str = ""
    photo_progress: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """What the other side's picture is."""

    mode: Literal["synthesis", "video", "off"]
    avatar: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """What this side's picture is, and what speaks against synthesis."""

    mode: Literal["synthesis", "video", "off"]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """How this side sends: name of the step, why it is not the richest, what is sent twice against losses."""

    step: str
    why: str
    twice: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One direction, kbit/s: face, sound, ordinary video, everything but photos with headers; photos so far, kB."""

    face: float
    sound: float
    video: float
    ip: float
    photos: float
    frames: float
    h264: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Meters:
    """Once a second in a call; round trip and playout delay in ms, loss 0 to 1; share of the pictures that was drawn,
    the others were moved (animation/live/sparing.py)."""

    sent: Way
    received: Way
    round_trip: float
    loss: float
    delay: float
    drawn: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected:
    """The other side's face is there; seconds until the call was live and until then, and the phases, ms."""

    live: float
    whole: float
    phases: SetUpTimes


ToPage = Welcome | Answer | Check | PhotoResult | Course | Remote | Own | Line | Meters | Connected | Failure

TO_AGENT: MessageSet[ToAgent] = MessageSet(
    {
        "enter": Enter,
        "offer": Offer,
        "take-photo": TakePhoto,
        "join": Join,
        "hang-up": HangUp,
        "mute": Mute,
        "camera-off": CameraOff,
        "thin": Thin,
        "video": OrdinaryVideo,
        "view": View,
    }
)
TO_PAGE: MessageSet[ToPage] = MessageSet(
    {
        "welcome": Welcome,
        "answer": Answer,
        "check": Check,
        "photo-result": PhotoResult,
        "course": Course,
        "remote": Remote,
        "own": Own,
        "line": Line,
        "meters": Meters,
        "connected": Connected,
        "failure": Failure,
    }
)
