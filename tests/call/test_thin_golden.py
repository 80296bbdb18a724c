"""A thin call bit for bit: what stands behind the first sound packets, to be followed by other programs."""

from __future__ import annotations

from dataclasses import replace

from facewire.transport.bundle import Bundle
from facewire.transport.line_report import LineReport
from facewire.transport.trailer import split
from tests.call.test_conversation import PARTY, SMALL, SOURCE, Two

GOLDEN = [
    # media time, bytes of Opus, trailer: the first packet is still that of the rich step
    (0, 120, "090200006ec2583d647b13ac47c6a942da"),
    (1920, 90, "81090c090102007ea6e1cd28ce"),
    (7680, 90, "810a160702029f232ddae3021c0302fe0d351caaa237d0818a77db9154bef051188fb0224ab8155b63"),
    (13440, 90, "890080003e090c170402fba29ea4500e39125b2135d7c6e04024843d9272d0"),
    (19200, 90, "810a16090502006aa8226b8213020b06028a2137f4539b0c66e2"),
]
"""The third brings two faces (0x0a: two, every second left out), the fourth a report: nothing lost, no waiting, 31
kbit/s, thin mode wanted."""


def test_the_first_messages_of_a_thin_call() -> None:
    two = Two(replace(PARTY, thin=True), PARTY)
    two.sides[0].new_source(replace(SOURCE, preview=SMALL.data))
    two.greet()
    sent: list[tuple[int, int, str]] = []
    hear = two.sides[1].hear_media

    def keep(payload: bytes, timestamp: int, now: float) -> None:
        sound, trailer = split(payload)
        sent.append((timestamp - two.offsets[0], len(sound), trailer.hex()))
        hear(payload, timestamp, now)

    two.sides[1].hear_media = keep  # type: ignore[method-assign]
    two.run(0.6)
    assert sent[: len(GOLDEN)] == GOLDEN


def test_what_they_say() -> None:
    first, *_, report, last = [Bundle.parse(bytes.fromhex(trailer)) for *_, trailer in GOLDEN]
    assert not first.thinned
    assert report.report == LineReport(loss=0, wait=0, kbit_per_s=31, thin=True)
    assert [age for age, _ in last.faces] == [22, 2]  # 88 and 8 ms before the end of the sound
