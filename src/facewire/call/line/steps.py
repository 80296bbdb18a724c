"""The steps of a call from rich to thin, and what each costs on the wire (docs/call.md section 10).

step -> bits of sound, length of a packet, which face frames -> kbit/s with every header
"""

from __future__ import annotations

from dataclasses import dataclass

from facewire.transport.overhead import rtp_bytes

FACE_SECONDS = 0.04
"""Between two pictures of the camera, as they are usually."""
FIRST_FACE_BYTES, NEXT_FACE_BYTES = 21, 13
"""Of the first face packet in a message, which builds on a confirmed frame, and of one that builds on the first."""
MESSAGE_BYTES, ENTRY_BYTES = 5, 2
"""Beside the faces: flags, acknowledgement, count, length of the trailer; age and length of each."""
REPORT_BYTES, REPORT_SECONDS = 4, 0.36
"""A report on the line, and how often one is sent."""
COPY_BIT_RATES = (12_000, 6_000)
"""Of the copies of sound, which are heard only where the sound itself was lost; none is better than the sound."""
GUARD_BIT_RATE = 4_000
"""Of those beside the thin step, which has no room for better ones."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What is sent twice, chosen by the loss that the other side measured.

    faces  the first face of an earlier packet goes along again
    sound  so does its sound, coded with so many bits per second; 0: it does not
    back   how many packets earlier, at least 1
    """

    faces: bool = False
    sound: int = 0
    back: int = 1


NONE = Protection()


@dataclass(frozen=True, slots=True)
class Step:
    """One way of sending.

    name            as the page shows it
    sound_bit_rate  bits per second of Opus, constant
    packet_ms       of sound in a packet; the faces of that time ride behind it
    face_every      1: every face frame is sent; 2 or 3: every second or third, and the receiver draws those between
    limit           pixels of a 256-pixel picture by which keypoints that are not sent may be off; 0: all are sent
    """

    name: str
    sound_bit_rate: int
    packet_ms: int
    face_every: int = 1
    limit: float = 0.0

    @property
    def samples(self) -> int:
        """Samples of sound in a packet, at 48 kHz."""
        return 48 * self.packet_ms

    def kbit_per_s(self, protection: Protection = NONE) -> float:
        """Return what the step takes on the wire, IP, UDP, RTP and SRTP included."""
        seconds = self.packet_ms / 1000
        faces = max(1.0, seconds / (FACE_SECONDS * self.face_every))
        size = self.sound_bit_rate * seconds / 8 + MESSAGE_BYTES + REPORT_BYTES * seconds / REPORT_SECONDS
        size += faces * ENTRY_BYTES + FIRST_FACE_BYTES + (faces - 1) * NEXT_FACE_BYTES
        if protection.faces:
            size += ENTRY_BYTES + FIRST_FACE_BYTES
        if protection.sound:
            size += 1 + protection.sound * seconds / 8
        return 8 * (rtp_bytes(0) + size) / seconds / 1000


STEPS = (
    Step("rich", 24_000, 40),
    Step("good", 16_000, 60),
    Step("medium", 12_000, 80),
    Step("low", 9_000, 120),
    Step("thin", 6_000, 120, face_every=2, limit=2.0),
)
GUARDED = Step("thin", 6_000, 120, face_every=3, limit=2.0)
"""The thin step where much is lost: fewer faces, so that copies of its sound fit beside it."""
RICH, THIN = 0, len(STEPS) - 1
"""Places in STEPS."""


def fitting(kbit_per_s: float, protection: Protection = NONE) -> int:
    """Return the place of the richest step that takes no more than this, the thinnest if none does."""
    places = (place for place, step in enumerate(STEPS) if step.kbit_per_s(protection) <= kbit_per_s)
    return next(places, THIN)
