"""What a call says, as Python says it, for the tests of the modules in JavaScript.

`python -m web.call_values` in tests/ writes the file anew; test_call_values.py says whether it is out of date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import BitstreamError
from facewire.call.conversation.face_sender import FaceSender
from facewire.call.conversation.states import TABLE
from facewire.call.line.line_meter import LineMeter
from facewire.call.messages.peer_messages import (
    PEER_MESSAGES,
    Bye,
    Hello,
    Keyframe,
    Photo,
    PhotoHeld,
    Refresh,
)
from facewire.call.messages.signal_messages import (
    SEALED,
    TO_AGENT,
    TO_SERVER,
    Enter,
    Leave,
    Other,
    Refused,
    Say,
    Sealed,
    Seated,
)
from facewire.call.person.judge import difference
from facewire.call.person.view import FreeView
from facewire.codec.state import MotionFrame
from facewire.codec.tables.shipped import shipped_tables
from facewire.transport.bundle import Bundle
from facewire.transport.face_message import PAUSED, VIDEO, Acknowledgement
from facewire.transport.invitation import Invitation
from facewire.transport.line_report import LineReport
from facewire.transport.opus_head import opus_samples
from facewire.transport.pieces import digest, pieces
from facewire.transport.trailer import join

FILE = Path(__file__).parents[2] / "web" / "test" / "call_values.json"
SERVER, ROOM, TOKEN = "https://signal.example.org/deep", "talk-7", "A" * 21 + "_-" + "z" * 19 + "w"
BODY = '{"type":"sealed"} \u00e9'
REPORT = LineReport(loss=0.13, run=0.07, wait=0.21, kbit_per_s=33.3, thin=True)
ACK = Acknowledgement(300, 200)
FACES = tuple((10 * n, bytes(range(n, n + 5 + n))) for n in range(1, 8))
BUNDLES = (
    Bundle(),
    Bundle(mode=PAUSED, avatar=True),
    Bundle(ack=Acknowledgement(511, 3)),
    Bundle(mode=VIDEO, ack=ACK),
    Bundle(ack=ACK, faces=FACES[:1]),
    Bundle(faces=((400, b"ab"), (-3, b"cd"))),
    Bundle(faces=FACES[:3]),
    Bundle(ack=ACK, faces=FACES, report=REPORT, thinned=True),
    Bundle(faces=FACES[:1], report=LineReport()),
    Bundle(report=REPORT, copy=(12, b"\x08opus")),
    Bundle(avatar=True, ack=ACK, faces=FACES[:2], copy=(1, b"\x08")),
)
BROKEN = (
    "",
    "00",
    "81",
    "21ff",
    "31",
    "05",
    "0500",
    "09",
    "0901",
    "41",
    "4900",
    "490105ab",
    "8110",
    "810101",
    "81010100",
    "c100",
    "c10001",
    "8900",
    "0141",
    "810001",
)
PEER = (
    Hello(
        model="0" * 16,
        table=4,
        table_hash="ab" * 8,
        size=256,
        shows=512,
        keypoints=20,
        avatar=True,
        holds="c" * 64,
    ),
    Photo(epoch=3, bytes=12, sha256="d" * 64, anchor="00ff", held=True),
    PhotoHeld(epoch=65535),
    Refresh(),
    Keyframe(),
    Bye(reason="tired"),
)
SAID = (Enter(admission="e" * 64, key="f" * 32), Say(body="text", seal="1" * 64), Leave())
HEARD = (
    Seated(seat="b", key="2" * 32),
    Other(here=False),
    Say(body="t", seal="3" * 64),
    Refused(reason="full"),
)
ZEROS = "0" * 64
REFUSED = (
    "", "[]", "{}", "null", "3", '{"type":"hell"}', '{"type":"bye","reason":3}', '{"type":"bye","more":1}',
    '{"type":"photo-held","epoch":65536}', '{"type":"photo-held","epoch":true}', '{"type":"photo-held"}',
    '{"type":"photo-held","epoch":1.5}', '{"type":"bye","reason":"' + "x" * 201 + '"}', '{"type":["bye"]}',
    '{"type":"hello","synthesised":false}',
    '{"type":"photo","epoch":0,"bytes":262145,"sha256":"' + ZEROS + '","anchor":""}',
    '{"type":"photo","epoch":0,"bytes":2,"sha256":"' + ZEROS + '","anchor":"0"}',
    '{"type":"photo","epoch":0,"bytes":2,"sha256":"' + ZEROS.replace("0", "G") + '","anchor":"00"}',
)  # fmt: skip
REPORTS = (REPORT, LineReport(), LineReport(kbit_per_s=0.75), LineReport(draws=5), LineReport(draws=300))
SHARES = ((1, 0, None), (3, 0, None), (2, 2, 1), (1, 2, None), (2, 2, 5), (3, 2, 8), (3, 0, 11), (2, 2, 12))
"""Of each message: faces, limit in pixels, which frame was confirmed before."""
STRIPES = ((0, 0), (2, 0), (5, 1), (9, 3), (40, 7))
"""Shift and disturbance of pictures that are compared with the plain one."""
HEADS = ("08", "48", "78", "00", "f8", "fb", "fb04", "fb00", "fb7f", "19", "1a", "1b03", "")


def values() -> dict[str, Any]:
    """Return everything that the tests compare."""
    invitation = Invitation(SERVER, ROOM, TOKEN)
    photo = bytes(np.random.default_rng(3).integers(0, 256, 2300, np.uint8))
    return {
        "invitation": {
            "link": invitation.link,
            "address": invitation.join_address,
            "admission": invitation.admission,
            "body": BODY,
            "seals": {seat: invitation.seal(seat, BODY) for seat in "ab"},
        },
        "bundles": [bundle.to_bytes().hex() for bundle in BUNDLES],
        "broken": list(BROKEN),
        "trailer": join(b"sound", b"face").hex(),
        "reports": [report.alone().hex() for report in REPORTS],
        "peer": [PEER_MESSAGES.encode(message) for message in PEER],
        "said": [TO_SERVER.encode(message) for message in SAID],
        "heard": [TO_AGENT.encode(message) for message in HEARD],
        "sealed": SEALED.encode(Sealed(kind="offer", attempt="4" * 16, sdp="v=0\r\n")),
        "refused": list(REFUSED),
        "opus": [[head, _samples(head)] for head in HEADS],
        "photo": photo.hex(),
        "digest": digest(photo).hex(),
        "pieces": [piece.hex() for piece in pieces(7, photo)],
        "states": {
            state.value: {
                event.value: [after.value, action.name.lower()] for event, (after, action) in row.items()
            }
            for state, row in TABLE.items()
        },
        "metered": _metered(),
        "turned": _turned(),
        "messages": _messages(),
        "differences": [difference(_striped(0, 0), _striped(*way)) for way in STRIPES],
    }


def _striped(shift: int, disturbance: int) -> NDArray[np.uint8]:
    """Return a picture, (64, 64, 3), that the tests in JavaScript make by the same sums."""
    y, x, colour = np.mgrid[0:64, 0:64, 0:3]
    waves = np.sin(0.31 * (x + shift) + 0.23 * y) + np.sin(0.17 * x - 0.41 * y + disturbance + 0.5 * colour)
    picture: NDArray[np.uint8] = np.floor(128 + 60 * waves).astype(np.uint8)
    return picture


def _samples(head: str) -> int | None:
    try:
        return opus_samples(bytes.fromhex(head))
    except BitstreamError:
        return None


def _metered() -> list[list[float]]:
    """Return packets (start, samples, arrival) of a bad line, and loss, run, wait and rate after each."""
    rng, meter, rows, end = np.random.default_rng(5), LineMeter(), [], 0
    for number in range(220):
        start, end = end, end + (1920 if number < 150 else 5760)
        if number % 17 in (3, 4):
            continue
        now = end / 48_000 + float(rng.exponential(0.02)) + (0.3 if 60 < number < 90 else 0)
        meter.bytes_came(150, now)
        meter.sound_came(start, end - start, now)
        report = meter.report(now)
        rows.append([start, end - start, now, report.loss, report.run, report.wait, report.kbit_per_s])
    return rows


def _messages() -> dict[str, Any]:
    """Return motions, and the face packets of messages that hold some of them each, after confirmations."""
    rng, tables = np.random.default_rng(8), shipped_tables()
    size = 6 + 3 * tables.keypoints
    walk = np.cumsum(rng.normal(0, 0.004, (size, sum(count for count, _, _ in SHARES))), axis=1).T.round(4)
    motions = [MotionFrame(row[:3], row[3:6], row[6:].reshape(-1, 3)) for row in walk.astype(np.float32)]
    sender = FaceSender(tables)
    sender.confirm(sender.offer(b"", motions[0]).epoch)
    rows, rest = [], iter(motions)
    for count, limit, confirmed in SHARES:
        if confirmed is not None:
            sender.acknowledge(Acknowledgement(confirmed, 0), 0.0, 0.0)
        packets = [
            sender.encode(next(rest), 0.0, limit=limit, chained=place > 0).hex() for place in range(count)
        ]
        rows.append([limit, confirmed, packets])
    return {"motions": walk.tolist(), "rows": rows}


def _turned() -> list[list[float]]:
    """Return the turns of a view that is dragged, then lets go, for a head that sways."""
    view, rows = FreeView(), []
    view.aim(30, -12, 0, frontal=True)
    for number in range(14):
        if number == 8:
            view.aim(0, 0, 0, frontal=False)
        head = MotionFrame(
            np.array([0.1 * number, 0.2, -0.05], np.float32),
            np.zeros(3, np.float32),
            np.zeros((2, 3), np.float32),
        )
        turn = view.turn(head)
        rows.append([*head.angles.tolist(), *([] if turn is None else turn.reshape(-1).tolist())])
    return rows


if __name__ == "__main__":
    FILE.write_text(json.dumps(values()) + "\n", encoding="utf-8")
