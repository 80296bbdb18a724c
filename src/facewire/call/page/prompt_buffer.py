"""Media from the page without waiting: what has come whole is handed on at once.

aiortc hands a picture on when the first packet of the next one comes, 40 ms late, and sound when three more packets
have come, 60 ms late. The page runs on the agent's machine: nothing overtakes there, the last packet of a picture is
marked (RFC 7741), and a packet of sound is whole by itself.
"""

from __future__ import annotations

from typing import Any, cast

from aiortc import RTCRtpTransceiver
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket

PACKETS = 512
"""Of pictures that wait at most for a lost one to be sent again; as in aiortc."""
HALF = 1 << 15
"""Of the 16-bit sequence numbers."""


class PromptPictures(JitterBuffer):
    """Gathers the packets of pictures."""

    def __init__(self) -> None:
        super().__init__(capacity=PACKETS, is_video=True)

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        """Return the oldest picture if all its packets are there (aiortc asks after every packet)."""
        while (first := self._at(0)) is not None and not _data(first):  # padding
            self.remove(1)
        if first is None:
            return None
        data = b""
        for count in range(self._capacity):
            packet = self._at(count)
            if packet is None or packet.timestamp != first.timestamp:
                break
            data += _data(packet)
            if packet.marker:
                self.remove(count + 1)
                return JitterFrame(data, first.timestamp)
        return super()._remove_frame(sequence_number)

    def _at(self, place: int) -> RtpPacket | None:
        """Return the packet that many behind the oldest."""
        return self._packets[(cast(int, self._origin) + place) % self._capacity]


class PromptSound(JitterBuffer):
    """Hands on every packet of sound as it comes; one that was overtaken is left out."""

    def __init__(self) -> None:
        super().__init__(capacity=1)
        self._newest: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take a packet; return that no keyframe is wanted, and its sound."""
        number = packet.sequence_number
        if self._newest is not None and not 0 < (number - self._newest) % (2 * HALF) < HALF:
            return False, None
        self._newest = number
        return False, JitterFrame(_data(packet), packet.timestamp)


def hasten(transceiver: RTCRtpTransceiver) -> None:
    """Let the receiver of a connection that is not open yet hand on at once what will come."""
    receiver: Any = transceiver.receiver
    receiver._RTCRtpReceiver__jitter_buffer = (
        PromptPictures() if transceiver.kind == "video" else PromptSound()
    )


def _data(packet: RtpPacket) -> bytes:
    """Return what aiortc's receiver left of a packet without the codec's own header."""
    return cast(bytes, cast(Any, packet)._data)
