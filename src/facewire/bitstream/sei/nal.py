"""NAL units of H.264 and H.265 and the messages (SEI) in them; H.264 7.3 and Annex B, H.265 the same.

access unit (Annex B bytes) <-> units <-> messages: payload type and bytes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from facewire.base.errors import CorruptPacket, TruncatedStream

START: Final = b"\0\0\0\1"
MOST_MESSAGES: Final = 4096
"""In one access unit."""


@dataclass(frozen=True, slots=True)
class Codec:
    """What NAL units of a video codec look like.

    name      of the codec, as libav calls its decoder
    shift     places by which the type lies above the lowest bit of a unit's first byte
    types     one more than the largest type
    pictures  one more than the largest type that holds a part of a picture
    messages  types of units that hold messages
    head      of a unit with messages before the picture
    """

    name: str
    shift: int
    types: int
    pictures: int
    messages: frozenset[int]
    head: bytes

    def type_of(self, unit: bytes) -> int:
        """Return the type of a unit of at least one byte."""
        return unit[0] >> self.shift & self.types - 1

    def holds_picture(self, unit: bytes) -> bool:
        """Return whether a unit is a part of a picture."""
        kind = self.type_of(unit)
        return kind < self.pictures and (self.shift > 0 or kind > 0)

    def holds_messages(self, unit: bytes) -> bool:
        """Return whether a unit holds messages."""
        return self.type_of(unit) in self.messages


H264: Final = Codec("h264", 0, 32, 6, frozenset({6}), b"\x06")
H265: Final = Codec("hevc", 1, 64, 32, frozenset({39, 40}), b"\x4e\x01")


@dataclass(frozen=True, slots=True)
class Message:
    """One SEI message: its payload type and bytes; `offset` of the unit in the stream."""

    kind: int
    payload: bytes
    offset: int = 0


def units_of(data: bytes) -> list[bytes]:
    """Return the units of an access unit in Annex B form, without start codes; what precedes the first is dropped."""
    pieces = data.split(b"\0\0\1")[1:]
    return [unit for piece in pieces if (unit := piece.rstrip(b"\0"))]


def access_unit(units: Sequence[bytes]) -> bytes:
    """Return units in Annex B form."""
    return b"".join(START + unit for unit in units)


def with_messages(data: bytes, messages: Sequence[Message], codec: Codec) -> bytes:
    """Return an access unit whose only messages are these, before its picture."""
    units = [unit for unit in units_of(data) if not codec.holds_messages(unit)]
    place = next((at for at, unit in enumerate(units) if codec.holds_picture(unit)), len(units))
    if messages:
        units.insert(place, message_unit(messages, codec))
    return access_unit(units)


def message_unit(messages: Sequence[Message], codec: Codec) -> bytes:
    """Return the unit of messages."""
    parts = [_numbered(m.kind) + _numbered(len(m.payload)) + m.payload for m in messages]
    return codec.head + _escaped(b"".join(parts) + b"\x80")


def messages_of(data: bytes, codec: Codec, offset: int = 0) -> Iterator[Message]:
    """Yield the messages of an access unit at `offset` of the stream.

    Raises:
        TruncatedStream: a unit ends inside a message.
        CorruptPacket: there are more than 4096.
    """
    count = 0
    for unit in units_of(data):
        if not codec.holds_messages(unit):
            continue
        content, at = _plain(unit[len(codec.head) :]).rstrip(b"\0"), 0
        while at < len(content) - 1:
            kind, at = _number(content, at, offset)
            size, at = _number(content, at, offset)
            if at + size > len(content):
                raise TruncatedStream(offset, "a message beside a picture ends too early")
            count += 1
            if count > MOST_MESSAGES:
                raise CorruptPacket(offset, f"more than {MOST_MESSAGES} messages beside one picture")
            yield Message(kind, content[at : at + size], offset)
            at += size


def _numbered(value: int) -> bytes:
    """Return a payload type or size: 255 as often as it goes, then the rest."""
    return b"\xff" * (value // 255) + bytes((value % 255,))


def _number(content: bytes, at: int, offset: int) -> tuple[int, int]:
    value = 0
    while at < len(content):
        value, at = value + content[at], at + 1
        if content[at - 1] != 0xFF:
            return value, at
    raise TruncatedStream(offset, "a message beside a picture ends too early")


def _escaped(content: bytes) -> bytes:
    """Return bytes in which no start code can be seen: 3 is put before a byte 0 to 3 that follows two zeros."""
    out, zeros = bytearray(), 0
    for byte in content:
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def _plain(content: bytes) -> bytes:
    return content.replace(b"\0\0\3", b"\0\0")
