"""The course of a call as a table: every state, every event, what follows (docs/call.md section 2).

    IDLE -> JOINING -> WAITING -> CONNECTING -> GREETING -> LIVE -> ENDED
                          ^            ^------------ LOST <---'

Events that make no sense in a state are in the table too, and do nothing.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a call stands."""

    IDLE = "idle"
    """No room chosen; the page shows the checks."""
    JOINING = "joining"
    """The signalling server is being asked for a place."""
    WAITING = "waiting"
    """Alone in the room."""
    CONNECTING = "connecting"
    """The other agent is there; the connection is being built."""
    GREETING = "greeting"
    """Connected; greetings and photos are on their way."""
    LIVE = "live"
    """Both sides hear and see."""
    LOST = "lost"
    """The connection broke; it is being built again, with the same identity."""
    ENDED = "ended"
    """Over; a new call starts from here as from IDLE."""


class Event(Enum):
    """What can happen."""

    JOIN = "join"
    """The user enters a room."""
    ADMITTED = "admitted"
    """The server gave a place; nobody else is there yet."""
    REFUSED = "refused"
    """The server gave none."""
    PEER_HERE = "peer here"
    """The other one is in the room and can be connected."""
    PEER_GONE = "peer gone"
    """The other one left the room."""
    OPENED = "opened"
    """The connection to the other agent is open."""
    BROKEN = "broken"
    """The connection failed, or nothing has come for too long."""
    GREETED = "greeted"
    """Greetings fit, and both hold the other's photo."""
    MISFIT = "misfit"
    """The other side broke the rules, or cannot be understood."""
    BYE = "bye"
    """The other one hung up."""
    HANG_UP = "hang up"
    """The user hung up, or closed the page."""
    SIGNAL_LOST = "signal lost"
    """The signalling server cannot be reached."""
    TIMEOUT = "timeout"
    """The state has lasted too long."""


class Action(Enum):
    """What the agent does on the way into the next state."""

    NOTHING = "nothing"
    ASK = "ask the server for a place"
    CONNECT = "build the connection"
    GREET = "send greeting and photo"
    START = "start picture and sound"
    DROP = "drop the connection, keep the place"
    AGAIN = "drop the connection and ask the server again"
    FINISH = "drop everything"


Row = dict[Event, tuple[State, Action]]
_S, _E, _A = State, Event, Action

TIME_LIMITS: dict[State, float] = {
    State.JOINING: 10.0,
    State.CONNECTING: 20.0,
    State.GREETING: 20.0,
    State.LOST: 20.0,
}
"""Seconds after which TIMEOUT happens; the other states may last."""


def _row(state: State, **outcomes: tuple[State, Action]) -> Row:
    """Return a full row: what is not named does nothing."""
    named = {_E[name]: outcome for name, outcome in outcomes.items()}
    return {event: named.get(event, (state, _A.NOTHING)) for event in _E}


_ENDS = (_S.ENDED, _A.FINISH)
_AGAIN = (_S.LOST, _A.AGAIN)
_CONNECTS = (_S.CONNECTING, _A.CONNECT)

TABLE: dict[State, Row] = {
    _S.IDLE: _row(_S.IDLE, JOIN=(_S.JOINING, _A.ASK)),
    _S.JOINING: _row(
        _S.JOINING,
        ADMITTED=(_S.WAITING, _A.NOTHING),
        PEER_HERE=_CONNECTS,
        REFUSED=_ENDS,
        SIGNAL_LOST=_ENDS,
        TIMEOUT=_ENDS,
        HANG_UP=_ENDS,
    ),
    _S.WAITING: _row(_S.WAITING, PEER_HERE=_CONNECTS, REFUSED=_ENDS, SIGNAL_LOST=_AGAIN, HANG_UP=_ENDS),
    _S.CONNECTING: _row(
        _S.CONNECTING,
        OPENED=(_S.GREETING, _A.GREET),
        PEER_HERE=_CONNECTS,
        PEER_GONE=(_S.WAITING, _A.DROP),
        BROKEN=_AGAIN,
        TIMEOUT=_AGAIN,
        SIGNAL_LOST=_AGAIN,
        REFUSED=_ENDS,
        MISFIT=_ENDS,
        HANG_UP=_ENDS,
    ),
    _S.GREETING: _row(
        _S.GREETING,
        GREETED=(_S.LIVE, _A.START),
        PEER_HERE=_CONNECTS,
        BROKEN=_AGAIN,
        TIMEOUT=_AGAIN,
        MISFIT=_ENDS,
        BYE=_ENDS,
        HANG_UP=_ENDS,
    ),
    # The server may die or see the other one leave while both still talk: only silence breaks a live call.
    _S.LIVE: _row(_S.LIVE, PEER_HERE=_CONNECTS, BROKEN=_AGAIN, MISFIT=_ENDS, BYE=_ENDS, HANG_UP=_ENDS),
    _S.LOST: _row(
        _S.LOST,
        ADMITTED=(_S.WAITING, _A.NOTHING),
        PEER_HERE=_CONNECTS,
        SIGNAL_LOST=_AGAIN,
        TIMEOUT=_AGAIN,
        REFUSED=_ENDS,
        HANG_UP=_ENDS,
    ),
    _S.ENDED: _row(_S.ENDED, JOIN=(_S.JOINING, _A.ASK)),
}


def outcome(state: State, event: Event) -> tuple[State, Action]:
    """Return the next state and what to do on the way."""
    return TABLE[state][event]
