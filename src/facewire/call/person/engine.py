"""What a call needs of the networks, and nothing more: one picture at a time, wire frames in and out.

photo ---------> Portrait               once a source
head crop -----> MotionFrame, face?     sender, every frame
MotionFrame ---> picture                receiver, every frame, as large as the photo
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facewire.animation.animator import Animator
from facewire.animation.composition.composer import Composer
from facewire.animation.smoothing import MotionSmoother
from facewire.bitstream.header import FINGERPRINT_BYTES
from facewire.call.person.portrait import Portrait
from facewire.codec.state import MotionFrame
from facewire.engines.engine import Engine, FaceSquare
from facewire.engines.parts import Drawn
from facewire.face.crop import CropBox
from facewire.face.relatives.framing import Framing
from facewire.geometry.head_motion import HeadMotion
from facewire.media.frame import Pixels
from facewire.media.image import resize
from facewire.networks.carry import Carry, carry_of
from facewire.talks.bridge import to_frames, to_motions


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sender's network says of a head crop: the motion, and whether there is a face at all."""

    motion: MotionFrame
    present: bool


class FaceEngine(Protocol):
    """The networks of one side. Sender and receiver may use it at the same time, from one thread each."""

    @property
    def size(self) -> int:
        """S, the side of the networks' own pictures, pixels."""

    @property
    def fingerprint(self) -> bytes:
        """First 8 bytes of the SHA-256 of the weights."""

    def person(self, picture: Pixels) -> Portrait:
        """Return a head crop (N, N, 3), N at least S, as a source."""

    def own_motion(self, person: Portrait) -> MotionFrame:
        """Return the motion that a source has in its picture."""

    def read(self, crop: Pixels, now: float) -> Seen:
        """Return the motion of the camera's next head crop (S, S, 3), taken at `now`, seconds; smoothed."""

    def render(
        self, person: Portrait, motion: MotionFrame, turn: NDArray[np.float32] | None = None
    ) -> Pixels:
        """Return a picture (N, N, 3) of a person in a motion; `turn` is R_u, (3, 3), of the receiver's view."""

    def draw(self, person: Portrait, motion: MotionFrame) -> Drawn | None:
        """Return a person in a motion as the networks draw them, (S, S, 3), and which keypoint moved what of it; None
        of models that do not say."""

    @property
    def framing(self) -> Framing | None:
        """How squares are laid around heads; None: as ours."""

    def relative(self, motion: MotionFrame, reference: MotionFrame, own: MotionFrame) -> MotionFrame:
        """Return the source's own motion plus what changed since `reference`."""


def motion_seen(motion: MotionFrame, turn: NDArray[np.float32] | None = None) -> HeadMotion:
    """Return a motion as the receiver looks at it; `turn` is R_u, (3, 3)."""
    motions = to_motions([motion])
    return motions if turn is None else motions.turned_at_neck(turn)


class NetworkEngine:
    """The project's networks through one of the `engines`, for one camera.

    Args:
        engine: runs the model.
        weights_sha256: of the weights file, hexadecimal.
        carry: how the model carries changes over.
        framing: how squares are laid around heads; None: as ours.
        compact: the model is the compact one, so that pictures may be moved instead of drawn, and looked at again.
    """

    def __init__(
        self,
        engine: Engine,
        weights_sha256: str,
        carry: Carry = HeadMotion.relative,
        framing: Framing | None = None,
        *,
        compact: bool = False,
    ) -> None:
        self._engine, self._carry, self._framing, self._compact = engine, carry, framing, compact
        self._fingerprint = bytes.fromhex(weights_sha256)[:FINGERPRINT_BYTES]
        self._smoother = MotionSmoother()
        self._square: FaceSquare | None = None

    @classmethod
    def of(cls, animator: Animator, engine: Engine) -> NetworkEngine:
        """Return the networks of an animator through an engine that was opened for them."""
        weights, carry = animator.manifest.sha256, carry_of(animator.foreign)
        return cls(engine, weights, carry, animator.framing, compact=animator.compact)

    @property
    def size(self) -> int:
        """S, the side of the networks' own pictures, pixels."""
        return self._engine.size

    @property
    def framing(self) -> Framing | None:
        """How squares are laid around heads; None: as ours."""
        return self._framing

    @property
    def fingerprint(self) -> bytes:
        """First 8 bytes of the SHA-256 of the weights."""
        return self._fingerprint

    def person(self, picture: Pixels) -> Portrait:
        """Return a head crop (N, N, 3), N at least S, as a source."""
        side = len(picture)
        if side == self.size:
            return Portrait(self._engine.identity(picture), movable=self._compact)
        composer = Composer(picture, CropBox(0, 0, side))
        prepared = self._engine.identity(resize(picture, (self.size, self.size)))
        if prepared.layers is not None:
            composer.separate(*prepared.layers)
        return Portrait(prepared, composer, self._compact)

    def own_motion(self, person: Portrait) -> MotionFrame:
        """Return the motion that a source has in its picture."""
        return next(to_frames(person.prepared.motion))

    def read(self, crop: Pixels, now: float) -> Seen:
        """Return the motion of the camera's next head crop (S, S, 3), taken at `now`, seconds; smoothed."""
        reading = self._engine.read(crop, self._square)
        if not reading.present and self._square is not None:  # it jumped: look for it in the whole crop
            reading = self._engine.read(crop)
        self._square = reading.square if reading.present else None
        motion = self._smoother(reading.motion, now) if reading.present else reading.motion
        return Seen(next(to_frames(motion)), reading.present)

    def render(
        self, person: Portrait, motion: MotionFrame, turn: NDArray[np.float32] | None = None
    ) -> Pixels:
        """Return a picture (N, N, 3) of a person in a motion."""
        seen = motion_seen(motion, turn)
        if person.composer is None:
            return self._engine.render(person.prepared, seen, motion.kept)
        return person.composer.square(self._engine.compose(person.prepared, seen, motion.kept))

    def draw(self, person: Portrait, motion: MotionFrame) -> Drawn | None:
        """Return a person in a motion as the networks draw them, (S, S, 3), and which keypoint moved what of it."""
        if not self._compact:
            return None
        return self._engine.draw(person.prepared, motion_seen(motion), motion.kept)

    def relative(self, motion: MotionFrame, reference: MotionFrame, own: MotionFrame) -> MotionFrame:
        """Return the source's own motion plus what changed since `reference`, as the model composes turns."""
        driven, first, source = (to_motions([frame]) for frame in (motion, reference, own))
        return next(to_frames(self._carry(driven, first, source)))
