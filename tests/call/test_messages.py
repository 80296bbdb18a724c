"""The closed message sets: what is said is understood, anything else is refused with a reason and no quotation."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import ProtocolError
from facewire.base.wire import LONGEST_TEXT, MessageSet
from facewire.call.messages import page_messages as page
from facewire.call.messages import peer_messages as peer
from facewire.call.messages import signal_messages as signal

HEX = "ab" * 32
EVERY: list[tuple[MessageSet[Any], Any]] = [
    (peer.PEER_MESSAGES, peer.Hello(model="0" * 16, table=1, table_hash="f" * 16, size=256, keypoints=20)),
    (peer.PEER_MESSAGES, peer.Photo(epoch=0, bytes=1000, sha256=HEX, anchor="00ff")),
    (peer.PEER_MESSAGES, peer.PhotoHeld(epoch=7)),
    (peer.PEER_MESSAGES, peer.Refresh()),
    (peer.PEER_MESSAGES, peer.Keyframe()),
    (peer.PEER_MESSAGES, peer.Bye(reason="done")),
    (signal.TO_SERVER, signal.Enter(admission=HEX)),
    (signal.TO_SERVER, signal.Say(body="x", seal=HEX)),
    (signal.TO_SERVER, signal.Leave()),
    (signal.TO_AGENT, signal.Seated(seat="a", key="0" * 32)),
    (signal.TO_AGENT, signal.Other(here=True)),
    (signal.TO_AGENT, signal.Refused(reason="full")),
    (signal.SEALED, signal.Sealed(kind="offer", attempt="0" * 16, sdp="v=0\r\n")),
    (page.TO_AGENT, page.Enter(key="k")),
    (page.TO_AGENT, page.Offer(sdp="v=0")),
    (page.TO_AGENT, page.TakePhoto()),
    (page.TO_AGENT, page.Join(invitation="")),
    (page.TO_AGENT, page.HangUp()),
    (page.TO_AGENT, page.Mute(on=True)),
    (page.TO_AGENT, page.CameraOff(on=False)),
    (page.TO_AGENT, page.Thin(on=True)),
    (page.TO_AGENT, page.View(yaw=-10.5, frontal=True)),
    (page.TO_PAGE, page.Own(mode="video", reasons=("no face",))),
    (page.TO_PAGE, page.Line(step="thin", why="thin mode was chosen", twice=("face",))),
    (page.TO_PAGE, page.Remote(mode="synthesis", avatar=True)),
]


@pytest.mark.parametrize(("kinds", "message"), EVERY)
def test_there_and_back(kinds: MessageSet[Any], message: Any) -> None:
    assert kinds.parse(kinds.encode(message)) == message


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        (page.TO_AGENT, ""),
        (page.TO_AGENT, "null"),
        (page.TO_AGENT, "[" * 100_000),
        (page.TO_AGENT, '{"type": ["mute"]}'),
        (page.TO_AGENT, '{"type": "mute"}'),
        (page.TO_AGENT, '{"type": "mute", "on": 1}'),
        (page.TO_AGENT, '{"type": "mute", "on": true, "more": 1}'),
        (page.TO_AGENT, '{"type": "view", "yaw": NaN}'),
        (page.TO_AGENT, '{"type": "view", "yaw": 46}'),
        (page.TO_AGENT, '{"type": "view", "yaw": 1e999}'),
        (page.TO_AGENT, '{"type": "welcome", "room": "x"}'),
        (peer.PEER_MESSAGES, '{"type": "photo", "epoch": 0, "bytes": 999999, "sha256": "' + HEX + '", "anchor": ""}'),
        (peer.PEER_MESSAGES, '{"type": "photo", "epoch": -1, "bytes": 1, "sha256": "' + HEX + '", "anchor": ""}'),
        (peer.PEER_MESSAGES, '{"type": "photo", "epoch": 0, "bytes": 1, "sha256": "' + HEX + '", "anchor": "0"}'),
        (peer.PEER_MESSAGES, '{"type": "photo-held", "epoch": 123456789012345678901234567890}'),
        (peer.PEER_MESSAGES, json.dumps({"type": "bye", "reason": "x" * 201})),
        (signal.TO_SERVER, json.dumps({"type": "enter", "admission": "g" * 64})),
        (signal.TO_SERVER, json.dumps({"type": "say", "body": "x" * 20_481, "seal": HEX})),
        (signal.SEALED, json.dumps({"type": "sealed", "kind": "offer", "attempt": "0" * 16, "sdp": "hello"})),
        (signal.TO_SERVER, "x" * (LONGEST_TEXT + 1)),
    ],
)  # fmt: skip
def test_refused(kinds: MessageSet[Any], text: str) -> None:
    with pytest.raises(ProtocolError):
        kinds.parse(text)


@pytest.mark.parametrize("shows", ["1025", "-1", "512.5", "null"])
def test_nobody_shows_faces_of_any_size(shows: str) -> None:
    text = peer.PEER_MESSAGES.encode(EVERY[0][1])
    assert '"shows":0' in text
    with pytest.raises(ProtocolError, match="shows"):
        peer.PEER_MESSAGES.parse(text.replace('"shows":0', f'"shows":{shows}'))


def test_what_was_said_is_not_quoted() -> None:
    with pytest.raises(ProtocolError) as caught:
        page.TO_AGENT.parse('{"type": "enter", "key": ["my secret"]}')
    assert "secret" not in str(caught.value)


def test_a_stream_cannot_be_called_anything_but_synthesised() -> None:
    text = peer.PEER_MESSAGES.encode(EVERY[0][1]).replace('"synthesised":true', '"synthesised":false')
    assert "false" in text
    with pytest.raises(ProtocolError):
        peer.PEER_MESSAGES.parse(text)


NAMES = (
    "enter",
    "offer",
    "join",
    "view",
    "mute",
    "hello",
    "photo",
    "photo-held",
    "bye",
    "say",
    "sealed",
    "seated",
)
FIELDS = (
    "key",
    "sdp",
    "on",
    "yaw",
    "epoch",
    "bytes",
    "sha256",
    "anchor",
    "body",
    "seal",
    "kind",
    "version",
    "model",
)
ALL: tuple[MessageSet[Any], ...] = (
    page.TO_AGENT,
    peer.PEER_MESSAGES,
    signal.TO_SERVER,
    signal.TO_AGENT,
    signal.SEALED,
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    255,
    2**70,
    0.5,
    -1e308,
    math.nan,
    math.inf,
    "",
    "a",
    HEX,
    "offer",
    "v=0",
    [],
    [[]],
    {},
)


def test_any_message() -> None:
    chance = random.Random(5)
    for _ in range(3000):
        fields = {chance.choice(FIELDS): chance.choice(VALUES) for _ in range(chance.randrange(5))}
        text = json.dumps({"type": chance.choice(NAMES), **fields})
        for kinds in ALL:
            try:
                message = kinds.parse(text)
            except ProtocolError:
                continue
            assert kinds.parse(kinds.encode(message)) == message


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    for kinds in (page.TO_AGENT, peer.PEER_MESSAGES, signal.TO_SERVER, signal.TO_AGENT):
        with pytest.raises(ProtocolError):
            kinds.parse(text)
