"""The head of a `.fwv` file (docs/bitstream.md section 8)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal
from zlib import crc32

from facewire.base.errors import CorruptPacket, NotAStream, UnsupportedVersion
from facewire.bitstream.reader import checked

MAGIC: Final = b"\x89FWV"
MAJOR, MINOR = 1, 0
REFERENCES = 1
"""Minor version from which on a stream may hold reference sections."""
RECALLS = 2
"""Minor version from which on a stream may hold recalls."""
BARE_PICTURES = 3
"""Minor version from which on pictures may be AV1 key frames without a container."""
CONVENTION = 1
"""The only convention of axes and angles, section 2."""
SYNTHETIC = 1
"""Flag bit: the pictures that come of this stream are synthetic. Always set."""

Profile = Literal[1, 2, 3]
STREAM: Final = 1
FILE: Final = 2
RAW: Final = 3

FINGERPRINT_BYTES = 8
"""Bytes of a SHA-256 that name weights or tables."""
MOST_KEYPOINTS = 64
SMALLEST_SIDE, LARGEST_SIDE = 16, 16384
FASTEST = 1000
"""Frames a second."""
PREFIX_BYTES, LEAST_BYTES, MOST_BYTES = 8, 43, 1024
"""Magic, versions and length; a whole header of version 1.0; the longest header."""

_LAYOUT = struct.Struct("<4sBBHBBH8sH8sHHHHB")


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What holds for a whole file.

    profile      1 stream, 2 file, 3 raw
    fingerprint  first 8 bytes of the SHA-256 of the model's weights
    table        id of the coding tables, 0 in profile raw
    table_hash   first 8 bytes of the SHA-256 of their artefact, zeros in profile raw
    width height pixels of the synthesised picture
    fps          frames a second, exact
    keypoints    K
    minor        version of the format: the lowest that has all that the stream holds
    """

    profile: Profile
    fingerprint: bytes
    table: int
    table_hash: bytes
    width: int
    height: int
    fps: Fraction
    keypoints: int
    minor: int = field(default=MINOR, compare=False)

    def __post_init__(self) -> None:
        if len(self.fingerprint) != FINGERPRINT_BYTES or len(self.table_hash) != FINGERPRINT_BYTES:
            raise ValueError("model fingerprint and table hash are 8 bytes each")
        self.check(0)

    def check(self, offset: int) -> None:
        """Raise CorruptPacket unless every field is within its limits."""
        checked(self.table, "the tables id", int(self.profile != RAW), 0xFFFF, offset + 20)
        if self.profile == RAW and (self.table or any(self.table_hash)):
            raise CorruptPacket(offset + 20, "profile raw has no tables")
        checked(self.width, "the picture width", SMALLEST_SIDE, LARGEST_SIDE, offset + 30)
        checked(self.height, "the picture height", SMALLEST_SIDE, LARGEST_SIDE, offset + 32)
        checked(self.fps.numerator, "the frame rate's numerator", 1, 0xFFFF, offset + 34)
        checked(self.fps.denominator, "the frame rate's denominator", 1, 0xFFFF, offset + 36)
        if self.fps > FASTEST:
            raise CorruptPacket(offset + 34, f"{self.fps} frames a second are more than {FASTEST}")
        checked(self.keypoints, "the number of keypoints", 1, MOST_KEYPOINTS, offset + 38)
        checked(self.minor, "the minor version", 0, 0xFF, offset + 5)

    def to_bytes(self) -> bytes:
        """Return the header with its CRC."""
        fields = _LAYOUT.pack(
            *(MAGIC, MAJOR, self.minor, LEAST_BYTES, self.profile, CONVENTION, SYNTHETIC),
            *(self.fingerprint, self.table, self.table_hash, self.width, self.height),
            *(self.fps.numerator, self.fps.denominator, self.keypoints),
        )
        return fields + crc32(fields).to_bytes(4, "little")

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """Return the header of exactly its own bytes.

        Raises:
            CorruptPacket: the CRC does not fit or a field is outside its limits.
            UnsupportedVersion: profile, convention or flags of a later version.
            NotAStream: it is not marked as synthetic media.
        """
        if crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
            raise CorruptPacket(len(data) - 4, "the header's checksum does not fit")
        fields = _LAYOUT.unpack_from(data)
        minor = fields[2]
        profile, convention, flags = fields[4:7]
        if profile not in (STREAM, FILE, RAW):
            raise UnsupportedVersion(8, f"profile {profile}")
        if convention != CONVENTION:
            raise UnsupportedVersion(9, f"axis convention {convention}")
        if not flags & SYNTHETIC:
            raise NotAStream(10, "the stream is not marked as synthetic media, so it is refused")
        if flags != SYNTHETIC:
            raise UnsupportedVersion(10, f"flag word {flags:#06x}")
        fingerprint, table, table_hash, width, height, numerator, denominator, keypoints = fields[7:]
        if not denominator:
            raise CorruptPacket(36, "the frame rate's denominator is 0")
        return cls(
            profile=profile,
            fingerprint=fingerprint,
            table=table,
            table_hash=table_hash,
            width=width,
            height=height,
            fps=Fraction(numerator, denominator),
            keypoints=keypoints,
            minor=minor,
        )


def header_length(prefix: bytes) -> int:
    """Return the length of the header that begins with these 8 bytes.

    Raises:
        NotAStream: the magic is not ours.
        UnsupportedVersion: another major version.
        CorruptPacket: an impossible length.
    """
    if prefix[:4] != MAGIC:
        raise NotAStream(0)
    if prefix[4] != MAJOR:
        raise UnsupportedVersion(4, f"format version {prefix[4]}")
    return checked(int.from_bytes(prefix[6:8], "little"), "the header length", LEAST_BYTES, MOST_BYTES, 6)
