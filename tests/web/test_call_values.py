"""The messages that the tests in JavaScript compare with are those that Python says and refuses."""

from __future__ import annotations

import json

import pytest

from facewire.base.errors import BitstreamError, ProtocolError
from facewire.call.messages.peer_messages import PEER_MESSAGES
from facewire.transport.bundle import Bundle

from .call_values import BROKEN, FILE, REFUSED, values
from .test_motion_values import numbers


def test_the_file_is_up_to_date() -> None:
    held, now = json.loads(FILE.read_text(encoding="utf-8")), json.loads(json.dumps(values()))
    assert held.keys() == now.keys()
    for key in held:
        if key in ("differences", "metered", "turned"):
            assert numbers(held[key]) == pytest.approx(numbers(now[key]), abs=1e-5), key
        else:
            assert held[key] == now[key], key


@pytest.mark.parametrize("digits", BROKEN)
def test_what_the_page_refuses_is_refused_here(digits: str) -> None:
    with pytest.raises(BitstreamError):
        Bundle.parse(bytes.fromhex(digits))


@pytest.mark.parametrize("text", REFUSED)
def test_messages_that_the_page_refuses_are_refused_here(text: str) -> None:
    with pytest.raises(ProtocolError):
        PEER_MESSAGES.parse(text)
