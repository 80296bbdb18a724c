"""The table of a call: every state, every event, against one written by hand; and what holds whatever comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.call.conversation.course import Course
from facewire.call.conversation.states import TABLE, TIME_LIMITS, Action, Event, State, outcome

HEAD = "join admitted refused here gone opened broken greeted misfit bye hang signal timeout"
COLUMNS = dict(
    zip(
        HEAD.split(),
        (
            Event.JOIN, Event.ADMITTED, Event.REFUSED, Event.PEER_HERE, Event.PEER_GONE, Event.OPENED, Event.BROKEN,
            Event.GREETED, Event.MISFIT, Event.BYE, Event.HANG_UP, Event.SIGNAL_LOST, Event.TIMEOUT,
        ),
        strict=True,
    )
)  # fmt: skip

# "." nothing happens; otherwise the first letters of the next state and of the action.
EXPECTED = """
            join admitted refused here gone opened broken greeted misfit bye hang signal timeout
idle        J/AS .        .       .    .    .      .      .       .      .   .    .      .
joining     .    W/NO     E/FI    C/CO .    .      .      .       .      .   E/FI E/FI   E/FI
waiting     .    .        E/FI    C/CO .    .      .      .       .      .   E/FI LO/AG  .
connecting  .    .        E/FI    C/CO W/DR G/GR   LO/AG  .       E/FI   .   E/FI LO/AG  LO/AG
greeting    .    .        .       C/CO .    .      LO/AG  LI/ST   E/FI   E/FI E/FI .     LO/AG
live        .    .        .       C/CO .    .      LO/AG  .       E/FI   E/FI E/FI .     .
lost        .    W/NO     E/FI    C/CO .    .      .      .       .      .   E/FI LO/AG  LO/AG
ended       J/AS .        .       .    .    .      .      .       .      .   .    .      .
"""
STATES = {"J": State.JOINING, "W": State.WAITING, "C": State.CONNECTING, "G": State.GREETING, "LI": State.LIVE,
          "LO": State.LOST, "E": State.ENDED}  # fmt: skip
ACTIONS = {"AS": Action.ASK, "NO": Action.NOTHING, "CO": Action.CONNECT, "GR": Action.GREET, "ST": Action.START,
           "DR": Action.DROP, "AG": Action.AGAIN, "FI": Action.FINISH}  # fmt: skip


def cells() -> Iterator[tuple[State, Event, str]]:
    head, *rows = EXPECTED.strip().splitlines()
    for row in rows:
        name, *marks = row.split()
        for event, mark in zip(head.split(), marks, strict=True):
            yield State(name), COLUMNS[event], mark


def test_the_table_is_complete() -> None:
    assert {(state, event) for state, event, _ in cells()} == {(s, e) for s in State for e in Event}
    assert {(state, event) for state, row in TABLE.items() for event in row} == {
        (s, e) for s in State for e in Event
    }


@pytest.mark.parametrize(("state", "event", "mark"), list(cells()))
def test_every_outcome(state: State, event: Event, mark: str) -> None:
    if mark == ".":
        assert outcome(state, event) == (state, Action.NOTHING)
    else:
        target, action = mark.split("/")
        assert outcome(state, event) == (STATES[target], ACTIONS[action])


def test_hanging_up_ends_everything_that_has_begun() -> None:
    for state in State:
        begun = state not in (State.IDLE, State.ENDED)
        assert (outcome(state, Event.HANG_UP)[1] is Action.FINISH) == begun


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_a_call_is_live_only_after_connecting_and_greeting(events: list[Event]) -> None:
    course, actions = Course(0.0), []
    for step, event in enumerate(events):
        actions.append(course.on(event, float(step)))
        if course.state is State.LIVE:
            since = max(i for i, action in enumerate(actions) if action is Action.CONNECT)
            assert Action.GREET in actions[since:]
            assert Action.START in actions[since:]
            assert Action.FINISH not in actions[since:]


def test_states_that_must_not_last_do_not() -> None:
    for state, limit in TIME_LIMITS.items():
        assert outcome(state, Event.TIMEOUT) != (state, Action.NOTHING)
        course = Course(0.0)
        course.state = state
        assert not course.is_overdue(limit)
        assert course.is_overdue(limit + 0.1)
    idle = Course(0.0)
    assert not idle.is_overdue(1e9)
