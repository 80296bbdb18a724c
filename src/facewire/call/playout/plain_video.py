"""Ordinary video for the moments when synthesis is the wrong tool: VP8 in fragments on a channel that may lose.

    u8 mark   u16 frame number   u8 fragment   u8 fragments, bit 7 keyframe   u32 media time   then at most 1000 bytes

A frame with a missing fragment is dropped, and with it what builds on it, until a keyframe comes; the receiver asks.
"""

from __future__ import annotations

import struct

from facewire.base.errors import BitstreamError, CorruptPacket
from facewire.media.frame import Pixels
from facewire.media.live.video import Vp8Decoder, Vp8Encoder, check_vp8
from facewire.transport.wrap import unwrap

MARK = 0x56
FRAGMENT_BYTES = 1_000
MOST_FRAGMENTS = 64
FRAMES_PER_SECOND = 10
BIT_RATE = 80_000
ASK_SECONDS = 0.5
"""Between two requests for a keyframe."""
MOST_OPEN = 8
"""Frames that are being put together at most."""

_HEAD = struct.Struct("<BHBBI")
_NUMBERS = 1 << 16


class VideoSender:
    """Codes pictures and cuts them into messages."""

    def __init__(self, side: int) -> None:
        self._encoder = Vp8Encoder(side, FRAMES_PER_SECOND, BIT_RATE)
        self._number = 0
        self._keyframe = True

    def keyframe(self) -> None:
        """Make the next picture one that stands alone."""
        self._keyframe = True

    def send(self, picture: Pixels, capture: int) -> list[bytes]:
        """Return the messages of a picture taken at media time `capture`; none if the encoder left it out."""
        data = self._encoder.encode(picture, keyframe=self._keyframe)
        if not data or len(data) > FRAGMENT_BYTES * MOST_FRAGMENTS:
            return []
        self._keyframe = False
        alone = 0 if data[0] & 1 else 0x80
        parts = [data[at : at + FRAGMENT_BYTES] for at in range(0, len(data), FRAGMENT_BYTES)]
        heads = (
            _HEAD.pack(MARK, self._number % _NUMBERS, index, len(parts) | alone, capture % (1 << 32))
            for index in range(len(parts))
        )
        self._number += 1
        return [head + part for head, part in zip(heads, parts, strict=True)]


class VideoReceiver:
    """Puts messages together and decodes what can be decoded."""

    def __init__(self) -> None:
        self.wants_keyframe = False
        """True when nothing can be shown until a keyframe comes."""
        self.refused = 0
        self._decoder = Vp8Decoder()
        self._open: dict[int, dict[int, bytes]] = {}
        self._done = -1
        self._asked = float("-inf")

    def take(self, message: bytes) -> Pixels | None:
        """Take a message and return a picture if it completed one that can be shown.

        Raises:
            CorruptPacket: it is no such message.
        """
        if len(message) <= _HEAD.size:
            raise CorruptPacket(0, "too short for a piece of video")
        mark, number, index, flags, _ = _HEAD.unpack_from(message)
        count, alone = flags & 0x7F, bool(flags & 0x80)
        part = message[_HEAD.size :]
        if mark != MARK or not index < count <= MOST_FRAGMENTS or len(part) > FRAGMENT_BYTES:
            raise CorruptPacket(0, "not a piece of video")
        whole_number = number if self._done < 0 else unwrap(number, self._done, _NUMBERS)
        if whole_number <= self._done and not alone:
            return None
        parts = self._open.setdefault(whole_number, {})
        parts[index] = part
        while len(self._open) > MOST_OPEN:
            del self._open[min(self._open)]
        if len(parts) < count:
            return None
        return self._show(whole_number, b"".join(parts[key] for key in sorted(parts)), alone)

    def ask(self, now: float) -> bool:
        """Say whether to ask for a keyframe now."""
        if not self.wants_keyframe or now - self._asked < ASK_SECONDS:
            return False
        self._asked = now
        return True

    def _show(self, number: int, data: bytes, alone: bool) -> Pixels | None:
        self._open = {key: parts for key, parts in self._open.items() if key > number}
        if not alone and (self._done < 0 or number != self._done + 1 or self.wants_keyframe):
            self._done = max(self._done, number)
            self.wants_keyframe = True
            return None
        self._done = number
        try:
            check_vp8(data)
            pictures = self._decoder.decode(data)
        except BitstreamError:
            self.refused += 1
            self.wants_keyframe = True
            return None
        self.wants_keyframe = False
        return pictures[-1] if pictures else None
