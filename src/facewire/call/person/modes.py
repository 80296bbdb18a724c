"""Which picture is sent: synthesis, ordinary video, or none; changed slowly, so that nothing flickers.

    synthesis --bad for 0.6 s--> (only "looks different", and a new source may help: refresh once) --> video
    video     --good for 2 s---> synthesis, with a new source if the old one no longer fits

Ordinary video is also sent to a side whose machine draws few pictures a second, as long as it says so.

With an avatar there is no way to ordinary video: whoever hides behind one must not be shown by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facewire.call.person.judge import Judgement, Reason
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO

BAD_SECONDS = 0.6
GOOD_SECONDS = 2.0
REFRESH_SECONDS = 5.0
"""After a refresh, so long no other one is tried."""

FEW, ENOUGH = 6, 8
"""Pictures a second: a side that draws fewer than FEW is sent ordinary video until it draws ENOUGH."""

Order = Literal["none", "refresh", "to video", "to synthesis"]


@dataclass(frozen=True, slots=True)
class ModeSettings:
    """What the user allows."""

    video: bool = True
    """Ordinary video of the camera may be sent when synthesis does not fit."""
    refresh: bool = True
    """The source may be replaced by a picture from the camera."""
    avatar: bool = False
    """The face shown is not that of the user: never show the camera, never replace the source."""


class ModeKeeper:
    """The mode of one sender."""

    def __init__(self, settings: ModeSettings) -> None:
        self.settings = settings
        self.camera_off = False
        self.refused = False
        """The user does not want ordinary video to be sent."""
        self.reasons: tuple[Reason, ...] = ()
        """What spoke against synthesis last."""
        self._slow: int | None = None
        """Pictures a second that the other side draws, if these are few."""
        self._video = False
        self._bad_since: float | None = None
        self._good_since: float | None = None
        self._refreshed_at = float("-inf")

    @property
    def mode(self) -> int:
        """SYNTHESIS, VIDEO or PAUSED."""
        if self.camera_off:
            return PAUSED
        wanted = self._video or self._slow is not None
        return VIDEO if wanted and self.may_show_camera else SYNTHESIS

    @property
    def may_show_camera(self) -> bool:
        """True if ordinary video is allowed at all."""
        return self.settings.video and not self.settings.avatar and not self.refused

    @property
    def why(self) -> tuple[str, ...]:
        """What speaks against synthesis, for people."""
        if self._slow is None or self.mode != VIDEO:
            return self.reasons
        return (*self.reasons, f"the other side draws {self._slow} pictures a second")

    def hear_draws(self, per_s: int | None) -> None:
        """Note how many pictures a second the other side draws; None: it does not say."""
        few = per_s is not None and per_s < (FEW if self._slow is None else ENOUGH)
        self._slow = per_s if few else None

    def hear(self, judgement: Judgement, now: float) -> Order:
        """Take a judgement and return what to do."""
        self.reasons = judgement.reasons
        if judgement.good:
            self._bad_since = None
            self._good_since = now if self._good_since is None else self._good_since
            if self._video and now - self._good_since >= GOOD_SECONDS:
                self._video = False
                return "to synthesis"
            return "none"
        self._good_since = None
        self._bad_since = now if self._bad_since is None else self._bad_since
        if now - self._bad_since < BAD_SECONDS:
            return "none"
        if judgement.stale and self._may_refresh(now):
            self._refreshed_at = now
            self._bad_since = None
            return "refresh"
        if not self._video and self.may_show_camera:
            self._video = True
            return "to video"
        return "none"

    def reject(self, now: float) -> None:
        """Take the last order back: the person before the camera is not the one of the source."""
        self.reasons = ("another person",)
        self._video = self.may_show_camera
        self._good_since, self._bad_since = None, now

    def _may_refresh(self, now: float) -> bool:
        allowed = self.settings.refresh and not self.settings.avatar
        return allowed and now - self._refreshed_at >= REFRESH_SECONDS
