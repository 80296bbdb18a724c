"""What the command line decides about a local agent."""

from __future__ import annotations

from dataclasses import dataclass

from facewire.call.meeting.rtc_peer import IceServer
from facewire.transport.invitation import Invitation


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSettings:
    """What the command line decides."""

    signal: str
    room: str
    invitation: Invitation | None = None
    """The other side's, if one was given."""
    ice: tuple[IceServer, ...] = ()
    relay: bool = False
    """Only through TURN servers: the other side learns no address of this machine."""
    allow_avatar: bool = False
    video: bool = True
    trailer: bool = True
    thin: bool = False
    """Thin mode from the start; otherwise the call follows the line."""
    size: int | None = None
    """Side of the largest face that is shown and sent, pixels; None: 512 where this machine shows 25 a second of
    them, else what the networks make."""
