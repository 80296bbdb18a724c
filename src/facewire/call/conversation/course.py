"""The course of one call: its state, driven by events and by time."""

from __future__ import annotations

from facewire.call.conversation.states import TIME_LIMITS, Action, Event, State, outcome


class Course:
    """Holds the state.

    Args:
        now: seconds.
    """

    def __init__(self, now: float) -> None:
        self.state = State.IDLE
        self._since = now

    def on(self, event: Event, now: float) -> Action:
        """Take an event and return what to do."""
        state, action = outcome(self.state, event)
        if state is not self.state or action is not Action.NOTHING:
            self._since = now
        self.state = state
        return action

    def is_overdue(self, now: float) -> bool:
        """Say whether the state has lasted too long; the caller then hands in TIMEOUT."""
        limit = TIME_LIMITS.get(self.state)
        return limit is not None and now - self._since > limit
