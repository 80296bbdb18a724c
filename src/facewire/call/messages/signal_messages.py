"""What agents and the signalling server say to each other, and what agents say through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facewire.base.errors import ConfigError, ProtocolError
from facewire.base.wire import VERSION, MessageSet, hexadecimal, short, within

LONGEST_BODY = 20 * 1024
"""Characters of what is passed on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enter:
    """An agent wants a seat; `key` is that of the seat it had before, or ""."""

    version: int = VERSION
    admission: str
    key: str = ""

    def __post_init__(self) -> None:
        within("version", self.version, 1, 1_000_000)
        hexadecimal("admission", self.admission, 64)
        if self.key:
            hexadecimal("key", self.key, 32)


ENTERING = "facewire-enter"
"""Websocket protocol that a server chooses if it takes the entry from the one behind it in the request."""


def as_protocol(entry: Enter) -> str:
    """Return an entry as the name of a websocket protocol, so that it goes with the request for the connection."""
    return f"{entry.version}.{entry.admission}.{entry.key}"


def from_protocol(name: str) -> Enter:
    """Return the entry that a websocket protocol's name holds.

    Raises:
        ProtocolError: it holds none.
    """
    try:
        version, admission, key = name.split(".")
        return Enter(version=int(version), admission=admission, key=key)
    except (ValueError, ConfigError):
        raise ProtocolError("an entry that is none") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Say:
    """Something for the other agent: a text and its seal."""

    body: str
    seal: str

    def __post_init__(self) -> None:
        short("body", self.body, LONGEST_BODY)
        hexadecimal("seal", self.seal, 64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """The agent goes for good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seated:
    """The server gave a seat; whoever shows `key` later gets the same one again."""

    seat: Literal["a", "b"]
    key: str

    def __post_init__(self) -> None:
        hexadecimal("key", self.key, 32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """The other seat was taken, taken again, or left."""

    here: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """No seat, and why; the server closes the connection."""

    reason: str

    def __post_init__(self) -> None:
        short("reason", self.reason, 200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """What agents seal: a session description of one attempt. A new attempt has a new number."""

    kind: Literal["offer", "answer"]
    attempt: str
    sdp: str

    def __post_init__(self) -> None:
        hexadecimal("attempt", self.attempt, 16)
        if not self.sdp.startswith("v=0"):
            raise ConfigError("sdp", "(hidden)", "a session description")
        short("sdp", self.sdp, LONGEST_BODY - 1024)


ToServer = Enter | Say | Leave
ToAgent = Seated | Other | Say | Refused

TO_SERVER: MessageSet[ToServer] = MessageSet({"enter": Enter, "say": Say, "leave": Leave})
TO_AGENT: MessageSet[ToAgent] = MessageSet({"seated": Seated, "other": Other, "say": Say, "refused": Refused})
SEALED: MessageSet[Sealed] = MessageSet({"sealed": Sealed})
