"""Signals that end a process become an exception, once, unless the caller had them ignored.

Handlers are called as Python calls them; tests/cli/test_ended.py sends signals, to processes of their own.
"""

from __future__ import annotations

import signal

import pytest

from facewire.base import endings
from facewire.base.endings import Ended, handled, once, signals_end
from tests.signals import deliver

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has fewer signals")


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_what_is_open(name: str, code: int) -> None:
    before, closed = signal.getsignal(signal.Signals[name]), []

    def work() -> None:
        with signals_end():
            try:
                deliver(signal.Signals[name])
            finally:
                closed.append(name)

    with pytest.raises(Ended, match=name) as caught:
        work()
    assert closed == [name]
    assert caught.value.exit_code == code
    assert signal.getsignal(signal.Signals[name]) is before


def test_a_second_signal_does_not_disturb_the_first_ones_cleaning() -> None:
    cleaned = []

    def work() -> None:
        with signals_end():
            try:
                deliver(signal.SIGTERM)
            finally:
                deliver(signal.SIGHUP)
                cleaned.append(True)

    with pytest.raises(Ended, match="SIGTERM"):
        work()
    assert cleaned


def test_a_later_signal_is_another_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "ONE_WISH_S", 0.0)
    came: list[int] = []
    handler = once(came.append)
    handler(15)
    handler(15)
    assert came == [15, 15]


def test_nohup_is_meant() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_end():
            deliver(signal.SIGHUP)
            with handled((signal.SIGHUP,), lambda number: pytest.fail("it was to be ignored")):
                deliver(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
