"""The DTLS handshake on a thin line, where a flight of messages takes longer than OpenSSL waits for the next one.

After a second, and then with whatever comes, it would send every flight again, some 800 bytes. Its clock cannot be
set from Python, so what it says again is left out, unless nothing came for two seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

MORE_PATIENCE = 1.0
"""Seconds that each flight has beside those of OpenSSL, which begin with one."""
RECORD_HEAD, MESSAGE_HEAD = 13, 12
HANDSHAKE = 22


def be_patient(dtls: Any) -> None:
    """Have aiortc's DTLS transport wait longer and repeat less; before it starts."""
    shake_hands, ice, repeats = dtls._do_handshake, dtls.transport, Repeats()
    send: Callable[[bytes], Awaitable[None]] = ice._send

    async def send_new(data: bytes) -> None:
        rest = data if dtls.encrypted else repeats.left_out(data)
        if rest:
            await send(rest)

    async def with_patience() -> None:
        wait, repeat = dtls._ssl.DTLSv1_get_timeout, dtls._ssl.DTLSv1_handle_timeout

        def later() -> float | None:
            left = wait()
            return None if left is None else left + MORE_PATIENCE

        def again() -> Any:
            repeats.forget()
            return repeat()

        dtls._ssl.DTLSv1_get_timeout, dtls._ssl.DTLSv1_handle_timeout = later, again
        ice._send = send_new
        try:
            await shake_hands()
        finally:
            ice._send = send

    dtls._do_handshake = with_patience


class Repeats:
    """Knows what was sent of a handshake."""

    def __init__(self) -> None:
        self._ends: dict[tuple[int, int, int], int] = {}
        """Of each message: how many of its bytes were sent."""

    def forget(self) -> None:
        """Let everything go again."""
        self._ends.clear()

    def left_out(self, datagram: bytes) -> bytes:
        """Return what of a datagram was not sent before."""
        records = list(_records(datagram))
        new = [record for record, name, end in records if end > self._ends.get(name, 0)]
        for _, name, end in records:
            self._ends[name] = max(end, self._ends.get(name, 0))
        return b"".join(new)


def _records(datagram: bytes) -> Iterator[tuple[bytes, tuple[int, int, int], int]]:
    """Yield each record, which message it belongs to (kind, epoch, number) and up to which byte of it."""
    at = 0
    while at + RECORD_HEAD <= len(datagram):
        kind, epoch, length = struct.unpack_from("!B2xH6xH", datagram, at)
        record = datagram[at : at + RECORD_HEAD + length]
        number, end = 0, 1
        if kind == HANDSHAKE and epoch == 0 and length >= MESSAGE_HEAD:
            number = int.from_bytes(record[17:19], "big")
            end = 1 + int.from_bytes(record[19:22], "big") + int.from_bytes(record[22:25], "big")
        yield record, (kind, epoch, number), end
        at += len(record)
