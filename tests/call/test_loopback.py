"""Whole calls in virtual time, with stand-ins for the networks and fixed costs: the same numbers every time."""

from __future__ import annotations

from functools import cache
from itertools import cycle
from typing import Any

import numpy as np
import pytest

from facewire.base.errors import CallError
from facewire.call.conversation import sound_sender
from facewire.call.conversation.steering import Steering
from facewire.call.line.steps import STEPS, Step
from facewire.call.loopback.loopback import Loopback, LoopbackSettings
from facewire.call.loopback.report import LoopbackReport
from facewire.codec.tables.shipped import shipped_tables
from facewire.media.sound.opus import OpusEncoder, Sound
from facewire.transport.link import LinkSettings
from facewire.transport.shapes import SHAPES, LinkShape
from tests.call.stand_ins import SIZE, Pixels, engine, finder, frame

FRAMES = [frame(step) for step in range(60)]
STEADY, LIFT, AFTER = 18.0, 35.0, 4.5
"""Seconds in which a steady line has shown what it does, of a ride, and after a line's last phase."""
PACKETS = 25
"""Pieces of sound that are coded, then sent over and over."""


@cache
def packets(bit_rate: int, packet_ms: int) -> list[bytes]:
    """Return packets of noise."""
    encoder, noise = OpusEncoder(bit_rate, packet_ms), np.random.default_rng(0)
    return [encoder.encode(noise.normal(0, 2000, encoder.samples).astype(np.int16)) for _ in range(PACKETS)]


class Repeating(OpusEncoder):
    """Packets as large and as frequent as ever; nobody listens to them."""

    def __init__(self, bit_rate: int = 24_000, packet_ms: int = 40, before: Sound | None = None) -> None:
        super().__init__(bit_rate, packet_ms)
        self._packets = cycle(packets(bit_rate, packet_ms))

    def encode(self, sound: Sound) -> bytes:
        assert sound.shape == (self.samples,)
        return next(self._packets)


@pytest.fixture(autouse=True)
def sound_quickly_coded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_sender, "OpusEncoder", Repeating)


def call(
    seconds: float = 8.0,
    link: LinkSettings | LinkShape | None = None,
    frames: list[Pixels] | None = None,
    **settings: Any,
) -> LoopbackReport:
    chosen = LoopbackSettings(
        seconds=seconds,
        link=link or LinkSettings(),
        costs="fixed",
        pictures=settings.pop("pictures", 1),
        **settings,
    )
    return Loopback(engine(), finder(), shipped_tables(), frames or FRAMES, chosen).run()


@pytest.mark.slow
def test_a_perfect_link_keeps_every_promise() -> None:
    report = call()
    assert report.delivered > 0.95
    assert report.face_kbit_per_s <= 8
    assert report.ip_kbit_per_s <= 45
    assert report.sound_kbit_per_s == pytest.approx(24, rel=0.03)
    assert report.delay_ms.median <= 250
    assert report.longest_freeze_ms <= 150
    assert report.sound_concealed < 0.03
    assert report.lip_skew_ms.p95 <= 80
    assert report.set_up_s < 2
    assert report.state == ("live", "live")
    assert report.psnr is not None
    assert report.psnr > 25


@pytest.mark.slow
def test_a_large_face_costs_a_larger_photo_and_nothing_else() -> None:
    frames = [frame(step, 512) for step in range(10)]
    small, large = (call(4.0, frames=frames, size=size) for size in (None, 512))
    assert (small.side, large.side) == (SIZE, 512)
    assert large.face_kbit_per_s == small.face_kbit_per_s
    assert large.control_bytes > small.control_bytes + 1000
    assert large.psnr is not None
    assert large.psnr > 25


@pytest.mark.slow
def test_runs_are_repeatable() -> None:
    link = LinkSettings(loss=0.1, burst=2, delay_ms=30, jitter_ms=5)
    first, second = call(4.0, link, seed=3), call(4.0, link, seed=3)
    memory = {"memory_mb": 0, "memory_growth": 0}
    assert first.to_json() | memory == second.to_json() | memory


@pytest.mark.slow
@pytest.mark.parametrize(
    "link",
    [
        LinkSettings(loss=0.1),
        LinkSettings(loss=0.1, burst=2, delay_ms=40, jitter_ms=8, reorder=0.02),
        LinkSettings(delay_ms=20, jitter_ms=20, reorder=0.1),
        LinkSettings(rate_kbit_per_s=64, delay_ms=10),
    ],
)
def test_bad_links_are_survived(link: LinkSettings) -> None:
    report = call(6.0, link)
    assert report.longest_freeze_ms <= 400
    assert report.delivered > 0.94 - 1.25 * link.loss
    assert report.lip_skew_ms.p95 <= 80
    assert report.state == ("live", "live")


@pytest.mark.slow
@pytest.mark.parametrize(("burst", "seed"), [(1.0, 0), (2.0, 1), (3.0, 0), (4.0, 1), (5.0, 0), (5.0, 1)])
def test_losses_in_a_row_leave_no_frozen_face(burst: float, seed: int) -> None:
    link = LinkSettings(loss=0.1, burst=burst, delay_ms=40, jitter_ms=8)
    report = call(8.0, link, pictures=0, seed=seed)
    assert report.longest_freeze_ms <= 400
    assert report.longest_without_news_ms <= 40 * (
        report.lost_in_a_row + 2
    )  # no transport can do much better
    assert report.state == ("live", "live")


@pytest.mark.slow
def test_thin_by_hand_stands_no_longer_still_where_much_is_lost_and_copies_what_is_said() -> None:
    link = LinkSettings(loss=0.2, burst=5, longest_burst=5, delay_ms=40)
    report = call(40.0, link, pictures=0, thin=True)
    assert report.lost_in_a_row == 5
    assert report.longest_freeze_ms <= 400
    assert report.sound_concealed < 0.13  # a fifth is lost


@pytest.mark.slow
def test_a_cut_of_a_minute_heals_by_itself() -> None:
    report = call(72.0, LinkSettings(delay_ms=20, cut_start_s=5.0, cut_s=60.0), pictures=0)
    assert report.reconnects == 1
    assert report.reconnect_s is not None
    assert report.reconnect_s < 5
    assert report.state == ("live", "live")
    assert report.longest_cut_free_freeze_ms <= 400


@pytest.mark.slow
def test_without_trailers_it_works_and_costs_more() -> None:
    report = call(6.0, trailer=False)
    assert report.delivered > 0.8
    assert report.ip_kbit_per_s > 45


@pytest.mark.slow
def test_delay_does_not_grow() -> None:
    report = call(20.0, LinkSettings(delay_ms=30, jitter_ms=5), pictures=0)
    assert report.late_delay_ms.median <= report.early_delay_ms.median + 20


@pytest.mark.slow
def test_thin_mode_keeps_its_promises() -> None:
    report = call(12.0, thin=True)
    assert report.steps == {"thin": 12}
    assert report.line_kbit_per_s <= 16
    assert report.delay_ms.median <= 450
    assert report.lip_skew_ms.p95 <= 80
    assert report.longest_freeze_ms <= 150
    assert report.filled > 0.4 * report.frames  # what was left out is drawn between
    assert report.sound_concealed < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS[1:-1], ids=lambda step: step.name)
def test_lips_keep_to_the_sound_in_the_steps_between(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Steering, "step", property(lambda self: step if self.known else STEPS[0]))
    report = call(4.0, pictures=0)
    assert set(report.steps) == {step.name}
    assert report.lip_skew_ms.p95 <= 80
    assert report.longest_freeze_ms <= 150


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_thin_line_shows_a_face_within_five_seconds(seed: int) -> None:
    link = LinkSettings(rate_kbit_per_s=24, loss=0.02, delay_ms=50, queue_ms=1000)
    report = call(10.0, link, pictures=0, seed=seed)
    assert report.first_face_s is not None
    assert report.first_face_s < 5
    assert report.state == ("live", "live")
    assert report.longest_freeze_ms <= 400


@pytest.mark.slow
def test_the_thinnest_line_holds() -> None:
    report = call(40.0, LinkSettings(rate_kbit_per_s=16, delay_ms=300, queue_ms=2000), pictures=0, thin=True)
    assert report.reconnects == 0
    assert report.line_kbit_per_s <= 16
    assert report.late_delay_ms.median <= report.early_delay_ms.median + 20


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHAPES))
def test_lines_as_people_have_them(name: str) -> None:
    """All phases of a line that changes and some seconds after them; of one that does not, a part."""
    phases = SHAPES[name].phases
    changing = LIFT if name == "lift" else sum(seconds for seconds, _ in phases)
    steady = len(phases) == 1 and name != "lift"
    report = call(STEADY if steady else changing + AFTER, SHAPES[name], pictures=0)
    assert report.state == ("live", "live")
    assert report.lip_skew_ms.median <= 40
    if (
        name != "congested-3g"
    ):  # there the delay grows by seconds within seconds, and what comes is late for a while
        assert report.lip_skew_ms.p95 <= 80
    if name not in ("lift", "train", "gprs"):
        assert report.longest_freeze_ms <= 400


def test_a_single_picture_is_no_clip() -> None:
    with pytest.raises(CallError, match="too short"):
        Loopback(engine(), finder(), shipped_tables(), FRAMES[:1], LoopbackSettings())
