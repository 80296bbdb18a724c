"""What an agent tells its page: what is new to it, and once a second the meters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from facewire.call.conversation.conversation import Conversation
from facewire.call.conversation.meters import Direction, H264Comparison
from facewire.call.messages import page_messages as page
from facewire.call.person.modes import ModeKeeper
from facewire.call.person.performer import Performance
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO

METER_SECONDS = 1.0
DARK, BRIGHT = 50.0, 215.0
"""Mean grey of the head crop, 0 to 255."""

ModeName = Literal["synthesis", "video", "off"]
MODE_NAMES: dict[int, ModeName] = {SYNTHESIS: "synthesis", VIDEO: "video", PAUSED: "off"}


def _nobody(message: page.ToPage) -> None:
    """Say it to nobody."""


class PageReporter:
    """Speaks to the page that is there, if one is."""

    def __init__(self) -> None:
        self.frames_sent = 0
        """Since the meters were last told."""
        self.sent_h264, self.shown_h264 = H264Comparison(), H264Comparison()
        self._say: Callable[[page.ToPage], None] = _nobody
        self._told: dict[type[page.ToPage], page.ToPage] = {}

    def page_came(self, say: Callable[[page.ToPage], None]) -> None:
        """Speak to another page from now on, which knows nothing yet."""
        self._say = say
        self._told.clear()

    def page_left(self) -> None:
        """Speak to nobody."""
        self._say = _nobody

    def say(self, message: page.ToPage) -> None:
        """Tell the page something."""
        self._say(message)

    def tell(self, message: page.ToPage) -> None:
        """Tell the page something unless it knows it already."""
        if self._told.get(type(message)) != message:
            self._told[type(message)] = message
            self._say(message)

    def tell_modes(self, talk: Conversation, keeper: ModeKeeper) -> None:
        """Tell what either side shows, and why."""
        self.tell(page.Remote(mode=MODE_NAMES[talk.their_mode], avatar=talk.their_avatar))
        self.tell(page.Own(mode=MODE_NAMES[talk.mode], reasons=keeper.why))

    def tell_line(self, talk: Conversation) -> None:
        """Tell how this side sends, and why."""
        line = talk.line
        marks = (("face", line.protection.faces), ("sound", line.protection.sound))
        twice = tuple(name for name, sent in marks if sent)
        self.tell(page.Line(step=line.step.name, why=line.reason, twice=twice))

    def tell_check(self, last: Performance | None, has_photo: bool) -> None:
        """Tell what the camera shows; `last` is None if it shows nothing."""
        if last is None:
            self.tell(page.Check(picture=False, face=False, faces=0, light="unknown", photo=has_photo))
            return
        grey = float(last.sight.crop.mean())
        light: Literal["dark", "good", "bright"] = (
            "dark" if grey < DARK else "bright" if grey > BRIGHT else "good"
        )
        self.tell(
            page.Check(
                picture=True,
                face=last.sight.found and last.reading.present,
                faces=last.sight.faces,
                light=light,
                photo=has_photo,
            )
        )

    def say_meters(self, talk: Conversation, now: float, drawn: float) -> None:
        """Tell the meters of the last second, and which share of the pictures was drawn rather than moved."""
        meters = talk.meters
        rate, self.frames_sent = self.frames_sent / METER_SECONDS, 0
        self.say(
            page.Meters(
                sent=_way(meters.sent, now, rate, self.sent_h264.kbit_per_s),
                received=_way(meters.received, now, meters.shown.per_s(now), self.shown_h264.kbit_per_s),
                round_trip=1000 * (talk.sender.round_trip or 0.0),
                loss=talk.line.meter.loss,
                delay=1000 * talk.playout.delay,
                drawn=round(drawn, 2),
            )
        )


def _way(direction: Direction, now: float, frames: float, h264: float) -> page.Way:
    return page.Way(
        face=round(direction.face.kbit_per_s(now), 2),
        sound=round(direction.sound.kbit_per_s(now), 2),
        video=round(direction.video.kbit_per_s(now), 2),
        ip=round(direction.ip.kbit_per_s(now), 2),
        photos=round(direction.photos / 1000, 2),
        frames=round(frames, 1),
        h264=round(h264, 1),
    )
