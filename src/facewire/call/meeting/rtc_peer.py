"""The connection between two agents: one Opus stream and two data channels over ICE and DTLS, by aiortc.

    media     -> RTP, payload as it is: Opus with its trailer, never decoded by aiortc
    reliable  -> data channel "facewire", ordered
    loose     -> data channel "facewire-loose", unordered, never sent again

Of aiortc two methods are replaced. `_handle_rtp_packet` of the one receiver: packets are wanted as they came, and its
own jitter buffer and decoder would lose the trailer. `_send_rtcp` of both: RTCP costs 1.0 kbit/s each way and says
nothing that the reports behind the sound do not. Of aioice one gets another limit: `get_component_candidates`
waits 5 s for servers that do not answer, longer than a call may take to come up. Another is replaced: its
`query_consent` waits half a second for an answer, and so ends every call over a satellite after 30 s. What is done
so that a call comes up soon on a thin line stands in `description.py`, `quick_dtls.py` and `quick_sctp.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aioice.stun import TransactionError
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtp import RtpPacket

from facewire.base.errors import CallError, ConfigError, ProtocolError
from facewire.call.meeting.description import attribute, sent, taken
from facewire.call.meeting.quick_dtls import be_patient
from facewire.call.meeting.quick_sctp import SCTP_INIT, QuickSctp
from facewire.media.live.frame import packet

MOST_WAITING = 25
"""Sound packets that wait to be sent, 1 s; older ones are dropped."""
MOST_BUFFERED = 1 << 20
"""Bytes that wait on a data channel; beyond, the connection counts as broken (reliable) or messages are dropped."""
LONGEST_MESSAGE = 64 * 1024
CONSENT_SECONDS, CONSENT_TRIES, MOST_MISSED = 8.0, 3, 3
"""Seconds between questions whether packets are still wanted (RFC 7675); how often each is asked, for 3.5 s in all;
how many without an answer end the connection."""
MOST_EARLY = 64
CLOSED = "the connection was closed while it was built"
LONGEST_DESCRIPTION = 16 * 1024
RELIABLE, LOOSE = "facewire", "facewire-loose"
_ICE_URL = re.compile(r"(stuns?|turns?):[^\s?]+(\?transport=(udp|tcp))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class IceServer:
    """A STUN or TURN server; name and password only for TURN."""

    url: str
    name: str | None = None
    password: str | None = None

    def __post_init__(self) -> None:
        if not _ICE_URL.fullmatch(self.url):
            raise ConfigError("ice", self.url, "stun:HOST:PORT or turn:HOST:PORT?transport=udp")

    def __repr__(self) -> str:
        return f"IceServer({self.url!r})"


@dataclass(frozen=True, slots=True)
class PeerHandlers:
    """Who hears of what; all are called on the event loop. `found` when ICE has found a way."""

    media: Callable[[bytes, int], None]
    reliable: Callable[[str | bytes], None]
    loose: Callable[[bytes], None]
    found: Callable[[], None]
    opened: Callable[[], None]
    broken: Callable[[], None]


class PacketTrack(MediaStreamTrack):
    """Coded sound, handed in packet by packet."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._queue: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue(MOST_WAITING)

    def put(self, payload: bytes, timestamp: int) -> None:
        """Send a packet; the oldest is dropped if they pile up."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait((payload, timestamp))

    async def recv(self) -> Any:
        """Return the next packet (aiortc asks)."""
        payload, timestamp = await self._queue.get()
        return packet(payload, timestamp)


class RtcPeer:
    """One connection attempt and, if it succeeds, the connection.

    Args:
        handlers: who hears of what.
        servers: STUN and TURN.
        relay: go through TURN servers only, so that the other side learns no address of this machine.
        patience: seconds that STUN and TURN servers have to answer; then it goes on without them.
    """

    def __init__(
        self,
        handlers: PeerHandlers,
        servers: tuple[IceServer, ...] = (),
        *,
        relay: bool = False,
        patience: float = 5.0,
    ) -> None:
        ice = [RTCIceServer(server.url, server.name, server.password) for server in servers]
        policy = RTCIceTransportPolicy.RELAY if relay else RTCIceTransportPolicy.ALL
        # One transport for sound and channels from the start, so that only one gathers.
        self._connection = RTCPeerConnection(
            RTCConfiguration(ice, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE, iceTransportPolicy=policy)
        )
        self._relay, self._patience = relay, patience
        self._gathering: asyncio.Task[None] | None = None
        self._handlers = handlers
        self._track = PacketTrack()
        self._channels: dict[str, RTCDataChannel] = {}
        self._early: list[str | bytes] = []
        """Messages of the reliable channel that came before both were open."""
        self._opened = self._closed = False
        self._connection.on("datachannel", self._found_channel)
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("iceconnectionstatechange", self._ice_changed)
        self._add_sound()
        self._sctp: QuickSctp | None = None

    async def gather(self) -> None:
        """Gather the ways to this machine, so that offer or answer need not wait for it.

        Raises:
            CallError: only TURN servers may be used and none answered.
            ConnectionError: the connection was closed meanwhile.
        """
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._gatherer.gather())
        await asyncio.shield(self._gathering)
        if self._closed:
            raise ConnectionError(CLOSED)
        if self._relay and not self._gatherer.getLocalCandidates():
            raise CallError("no TURN server answered: check --ice, --turn-user and the password")

    async def offer(self) -> str:
        """Return this side's offer.

        Raises:
            CallError, ConnectionError: see `gather`.
        """
        self._keep(self._connection.createDataChannel(RELIABLE))
        self._keep(self._connection.createDataChannel(LOOSE, ordered=False, maxRetransmits=0))
        self._sctp = self._quick_sctp()
        await self.gather()
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._described(begun=True)

    async def answer(self, offer: str) -> str:
        """Return the answer to an offer.

        Raises:
            ProtocolError: it is none.
            CallError, ConnectionError: see `gather`.
        """
        await self._set_remote(offer, "offer")
        await self.gather()
        try:
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except (ValueError, IndexError) as error:
            raise ProtocolError(f"an offer that cannot be answered ({type(error).__name__})") from None
        return self._described(begun=self._sctp is not None and self._sctp.agreed)

    async def accept(self, answer: str) -> None:
        """Take the answer to the own offer.

        Raises:
            ProtocolError: it is none.
            ConnectionError: the connection was closed meanwhile.
        """
        await self._set_remote(answer, "answer")

    def media(self, payload: bytes, timestamp: int) -> None:
        """Send a sound packet."""
        self._track.put(payload, timestamp)

    def reliable(self, message: str | bytes) -> None:
        """Send on the reliable channel; nothing happens while it is not open."""
        self._send(RELIABLE, message)

    def loose(self, message: bytes) -> None:
        """Send on the channel that may lose."""
        self._send(LOOSE, message)

    @property
    def relayed(self) -> bool:
        """True if packets go through this side's TURN server; aioice sends them as channel data, 4 bytes each."""
        pairs: Any = self._gatherer._connection._nominated
        return any(pair.local_candidate.type == "relay" for pair in pairs.values())

    async def bytes_sent(self) -> tuple[int, int]:
        """Return (packets, bytes above UDP) sent so far."""
        for report in (await self._connection.getStats()).values():
            if report.type == "transport":
                return int(report.packetsSent), int(report.bytesSent)
        return 0, 0

    async def close(self) -> None:
        """Close the connection; no handler is called any more."""
        self._closed = True
        with contextlib.suppress(ConnectionError):
            await self._connection.close()

    def _add_sound(self) -> None:
        self._connection.addTrack(self._track)
        codecs = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.name == "opus"]
        self._connection.getTransceivers()[0].setCodecPreferences(codecs)
        sender, receiver = self._connection.getSenders()[0], self._connection.getReceivers()[0]
        self._gatherer = sender.transport.transport.iceGatherer
        ice: Any = self._gatherer._connection
        ice.get_component_candidates = partial(ice.get_component_candidates, timeout=self._patience)
        ice.query_consent = partial(keep_consent, ice)

        async def handle(packet: RtpPacket, arrival_time_ms: int) -> None:
            if not self._closed:
                self._handlers.media(packet.payload, packet.timestamp)

        async def say_nothing(packets: object) -> None:
            """Send no RTCP: reports on the line travel behind the sound."""

        be_patient(sender.transport)
        receiver._handle_rtp_packet = handle  # type: ignore[method-assign]
        receiver._send_rtcp = say_nothing  # type: ignore[method-assign,assignment]
        sender._send_rtcp = say_nothing  # type: ignore[method-assign]

    def _described(self, *, begun: bool) -> str:
        """Return the own description, with how SCTP begins if the other side may know of that."""
        more = [f"a={SCTP_INIT}:{self._sctp.begins}"] if begun and self._sctp is not None else []
        return sent(self._connection.localDescription.sdp, *more)

    def _quick_sctp(self) -> QuickSctp | None:
        sctp = self._connection.sctp
        return None if sctp is None else QuickSctp(sctp)

    async def _set_remote(self, text: str, kind: str) -> None:
        if len(text) > LONGEST_DESCRIPTION:
            raise ProtocolError("a session description that is too long")
        begun = attribute(text, SCTP_INIT)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(taken(text), kind))
        except ConnectionError:
            raise ConnectionError(CLOSED) from None
        except Exception as error:
            # Broad on purpose: aiortc's parser raises whatever a malformed description leads to.
            raise ProtocolError(
                f"a session description that cannot be used ({type(error).__name__})"
            ) from None
        self._sctp = self._sctp or self._quick_sctp()
        if begun and self._sctp is not None:
            self._sctp.hear(begun)

    def _found_channel(self, channel: RTCDataChannel) -> None:
        if channel.label not in (RELIABLE, LOOSE) or channel.label in self._channels:
            channel.close()
            return
        self._keep(channel)
        self._check_open()

    def _keep(self, channel: RTCDataChannel) -> None:
        self._channels[channel.label] = channel
        channel.on("open", self._check_open)
        channel.on("close", self._broke)
        channel.on("message", lambda message: self._heard(channel.label, message))

    def _heard(self, label: str, message: str | bytes) -> None:
        if self._closed:
            return
        if len(message) > LONGEST_MESSAGE or len(self._early) >= MOST_EARLY:
            self._broke()
        elif label == RELIABLE and not self._opened:
            self._early.append(message)
        elif label == RELIABLE:
            self._handlers.reliable(message)
        elif isinstance(message, bytes):
            self._handlers.loose(message)

    def _send(self, label: str, message: str | bytes) -> None:
        channel = self._channels.get(label)
        if self._closed or channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount > MOST_BUFFERED:
            if label == RELIABLE:
                self._broke()
            return
        with contextlib.suppress(ConnectionError):
            channel.send(message)

    def _check_open(self) -> None:
        states = [channel.readyState for channel in self._channels.values()]
        if not self._opened and not self._closed and states == ["open", "open"]:
            self._opened = True
            self._handlers.opened()
            early, self._early = self._early, []
            for message in early:
                self._heard(RELIABLE, message)

    def _ice_changed(self) -> None:
        if self._connection.iceConnectionState == "completed" and not self._closed:
            self._handlers.found()

    def _state_changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._broke()

    def _broke(self) -> None:
        if not self._closed:
            self._closed = True
            self._handlers.broken()


async def keep_consent(ice: Any) -> None:
    """Ask now and then whether the other side still wants packets; close aioice's connection if it does not say."""
    missed = 0
    while missed < MOST_MISSED:
        await asyncio.sleep(CONSENT_SECONDS * random.uniform(0.8, 1.2))
        for pair in tuple(ice._nominated.values()):
            request, key = ice.build_request(pair, nominate=False), ice.remote_password.encode()
            try:
                await pair.protocol.request(
                    request, pair.remote_addr, integrity_key=key, retransmissions=CONSENT_TRIES - 1
                )
                missed = 0
            except TransactionError:
                missed += 1
    ice._query_consent_task = None  # it is this one, and would be waited for
    await ice.close()
