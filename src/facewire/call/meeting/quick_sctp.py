"""The protocol of the channels, SCTP, begun without its own round trips: INIT chunks travel in the descriptions.

    a=sctp-init:BASE64 in the offer, and in the answer if the offer had it (draft-hancke-tsvwg-snap)

A browser or program that does not know the attribute answers without it, and the usual handshake follows. Channels
that this side opens are used behind the message that opens them (RFC 8832, 6), not a round trip later.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import math
import struct
from typing import Any

from aiortc.rtcsctptransport import InitChunk, RTCSctpTransport, tsn_minus_one

from facewire.base.errors import ProtocolError

SCTP_INIT = "sctp-init"
"""Name of the attribute."""
CONFIRM_SECONDS, CONFIRM_PACKETS = 0.2, 2
"""After how long what came is confirmed, after how many packets at once, as RFC 9260, 6.2, has it; aiortc would
confirm each, for 93 bytes."""
CLOSE_SECONDS = 0.03
"""Where packets come so close together the line is not thin, and the last of them is not waited with so long."""
LONGEST_INIT = 2048


class QuickSctp:
    """Works on one connection's SCTP from before it starts.

    Args:
        sctp: an RTCSctpTransport of aiortc; three of its methods are replaced.
    """

    def __init__(self, sctp: Any) -> None:
        self._sctp = sctp
        self._theirs: InitChunk | None = None
        self._usual_init, self._usual_state, self._usual_sack = sctp._init, sctp._set_state, sctp._send_sack
        self._unconfirmed, self._came = 0, -math.inf
        sctp._init, sctp._set_state, sctp._send_sack = self._init, self._set_state, self._send_sack

    @property
    def agreed(self) -> bool:
        """True if the other side's description had the attribute."""
        return self._theirs is not None

    @property
    def begins(self) -> str:
        """What the own description says."""
        chunk = InitChunk()
        chunk.initiate_tag = self._sctp._local_verification_tag
        chunk.advertised_rwnd = self._sctp._advertised_rwnd
        chunk.outbound_streams = self._sctp._outbound_streams_count
        chunk.inbound_streams = self._sctp._inbound_streams_max
        chunk.initial_tsn = self._sctp._local_tsn
        self._sctp._set_extensions(chunk.params)
        return base64.b64encode(bytes(chunk)).decode()

    def hear(self, value: str) -> None:
        """Take what the other side's description says.

        Raises:
            ProtocolError: it is no INIT chunk.
        """
        try:
            data = base64.b64decode(value, validate=True)
            kind, flags, length = struct.unpack_from("!BBH", data)
            if kind != InitChunk.type or not 20 <= length <= len(data) <= LONGEST_INIT:
                raise ValueError(kind)
            chunk = InitChunk(flags, data[4:length])
        except (binascii.Error, ValueError, struct.error, IndexError):
            raise ProtocolError("a session description with an INIT chunk that is none") from None
        if not chunk.initiate_tag or not chunk.outbound_streams or not chunk.inbound_streams:
            raise ProtocolError("a session description with an INIT chunk that no connection can begin with")
        self._theirs = chunk

    async def _init(self) -> None:
        """Begin: at once if both INIT chunks are known, else by sending one."""
        theirs, sctp = self._theirs, self._sctp
        if theirs is None:
            await self._usual_init()
            return
        sctp._last_received_tsn = sctp._reconfig_response_seq = tsn_minus_one(theirs.initial_tsn)
        sctp._remote_verification_tag = theirs.initiate_tag
        sctp._ssthresh = theirs.advertised_rwnd
        sctp._get_extensions(theirs.params)
        sctp._inbound_streams_count = min(theirs.outbound_streams, sctp._inbound_streams_max)
        sctp._outbound_streams_count = min(sctp._outbound_streams_count, theirs.inbound_streams)
        sctp._set_state(sctp.State.ESTABLISHED)

    async def _send_sack(self) -> None:
        """Confirm what came: at once if it was the second packet or something is missing, else soon."""
        loop = asyncio.get_running_loop()
        close, self._came = loop.time() - self._came < CLOSE_SECONDS, loop.time()
        self._unconfirmed += 1
        missing = self._sctp._sack_misordered or self._sctp._sack_duplicates
        if missing or self._unconfirmed >= CONFIRM_PACKETS:
            await self._confirm()
        elif self._unconfirmed == 1:
            loop.call_later(CLOSE_SECONDS if close else CONFIRM_SECONDS, self._confirm_late)

    def _confirm_late(self) -> None:
        if self._unconfirmed and self._sctp._association_state == self._sctp.State.ESTABLISHED:
            self._late = asyncio.create_task(self._confirm())

    async def _confirm(self) -> None:
        self._unconfirmed = 0
        with contextlib.suppress(ConnectionError):
            await self._usual_sack()

    def _set_state(self, state: RTCSctpTransport.State) -> None:
        self._usual_state(state)
        if state == self._sctp.State.ESTABLISHED:
            for channel, _, _ in tuple(self._sctp._data_channel_queue):
                channel._setReadyState("open")
