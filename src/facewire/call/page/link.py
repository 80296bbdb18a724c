"""WebRTC between the page and its agent, on one machine: camera and microphone in, remote face and sound out."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from aioice.ice import get_host_addresses
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from facewire.base.errors import ProtocolError
from facewire.call.page.prompt_buffer import hasten
from facewire.media.frame import Pixels
from facewire.media.live.frame import SoundIntake, pixels_of, sound_frame, video_frame
from facewire.media.sound.opus import Sound

SOUND_SAMPLES = 960
"""20 ms."""
VIDEO_CLOCK = Fraction(1, 90_000)
_HIDDEN = re.compile(r"(a=candidate:\S+ \d+ \S+ \d+ )[0-9a-fA-F-]+\.local( .*)")
LEAST_RATE = 5.0
"""Pictures a second that the page gets even if nothing changes, so that its video never counts as ended."""


class CameraPicture:
    """A picture of the page's camera. It is turned into pixels when somebody looks at it, once, in any thread.

    Args:
        frame: as aiortc decoded it.
    """

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._pixels: Pixels | None = None
        self._lock = threading.Lock()

    @property
    def pixels(self) -> Pixels:
        """Return it as RGB (H, W, 3)."""
        with self._lock:
            if self._pixels is None:
                self._pixels, self._frame = pixels_of(self._frame), None
            return self._pixels


class FaceTrack(MediaStreamTrack):
    """The picture for the page: the newest one, as soon as it is there."""

    kind = "video"

    def __init__(self, size: int) -> None:
        super().__init__()
        self._picture = np.full((size, size, 3), 24, np.uint8)
        self._fresh = asyncio.Event()
        self._begin = time.monotonic()

    def show(self, picture: Pixels) -> None:
        """Show a picture from now on."""
        self._picture = picture
        self._fresh.set()

    async def recv(self) -> Any:
        """Return the next picture (aiortc asks)."""
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._fresh.wait(), 1 / LEAST_RATE)
        self._fresh.clear()
        return video_frame(self._picture, round((time.monotonic() - self._begin) * 90_000), VIDEO_CLOCK)


class SoundTrack(MediaStreamTrack):
    """The sound for the page, asked for every 20 ms.

    Args:
        read: returns that many samples of the moment.
    """

    kind = "audio"

    def __init__(self, read: Callable[[int], Sound]) -> None:
        super().__init__()
        self._read = read
        self._begin: float | None = None
        self._pieces = 0

    async def recv(self) -> Any:
        """Return the next 20 ms (aiortc asks)."""
        now = time.monotonic()
        if self._begin is None or now - self._begin - self._pieces * 0.02 > 1.0:  # the machine slept
            self._begin = now - self._pieces * 0.02
        wait = self._begin + self._pieces * 0.02 - now
        if wait > 0:
            await asyncio.sleep(wait)
        frame = sound_frame(self._read(SOUND_SAMPLES), self._pieces * SOUND_SAMPLES)
        self._pieces += 1
        return frame


def with_addresses(offer: str) -> str:
    """Return an offer in which every address that the browser hides behind an mDNS name stands openly.

    The browser runs on this machine, so it is one of this machine's; asking by multicast would take a second, and
    where nobody answers the connection would fail. One of several is the right one, and ICE finds it.
    """
    own = get_host_addresses(use_ipv4=True, use_ipv6=True)
    lines: list[str] = []
    for line in offer.split("\r\n"):
        hidden = _HIDDEN.fullmatch(line)
        lines += [hidden[1] + address + hidden[2] for address in own] if hidden else [line]
    return "\r\n".join(lines)


class PageLink:
    """One page's media.

    Args:
        size: side of the pictures shown.
        read_sound: returns that many samples to play now, 48 kHz.
        saw: called with every camera picture and the moment it came.
        heard: called with every piece of the microphone's sound.
    """

    def __init__(
        self,
        size: int,
        read_sound: Callable[[int], Sound],
        saw: Callable[[CameraPicture, float], None],
        heard: Callable[[Sound], None],
    ) -> None:
        self.face = FaceTrack(size)
        self._sound = SoundTrack(read_sound)
        self._saw, self._heard = saw, heard
        # An empty list: left out, aiortc would ask a public STUN server, for a connection within this machine.
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("track", self._found)
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, offer: str) -> str:
        """Return the answer to the page's offer.

        Raises:
            ProtocolError: it is none that can be used.
        """
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(with_addresses(offer), "offer"))
            for transceiver in self._connection.getTransceivers():
                track = self.face if transceiver.kind == "video" else self._sound
                transceiver.sender.replaceTrack(track)
                hasten(transceiver)
                transceiver.direction = "sendrecv"
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:
            # Broad on purpose: aiortc's parser raises whatever a malformed description leads to.
            raise ProtocolError(f"the page's offer cannot be used ({type(error).__name__})") from None
        return self._connection.localDescription.sdp

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(ConnectionError):
            await self._connection.close()

    def _found(self, track: MediaStreamTrack) -> None:
        take = self._take_pictures if track.kind == "video" else self._take_sound
        task = asyncio.create_task(take(track))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_pictures(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                while track._queue.qsize() > 1:  # on a busy machine only the newest counts
                    frame = await track.recv()
                self._saw(CameraPicture(frame), time.monotonic())

    async def _take_sound(self, track: MediaStreamTrack) -> None:
        intake = SoundIntake()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                self._heard(intake.samples(frame))
