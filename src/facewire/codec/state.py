"""MotionFrame, the wire-side twin of `geometry.HeadMotion`: one instant, numpy, no batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facewire.base.errors import ConfigError, ShapeError

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

POSE = 6
"""Components before the expression: yaw, pitch, roll, translation x, y, z."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionFrame:
    """What one frame says about one head; conventions of `geometry.pose` and docs/bitstream.md section 2.

    angles       (3,)    float32, yaw, pitch, roll in radians
    translation  (3,)    float32, picture units: the picture spans [-1, 1]
    expression   (K, 3)  float32, one offset per keypoint, picture units
    kept         how many keypoints of the ordered list are used, 1 to K; None means all
    """

    angles: Floats
    translation: Floats
    expression: Floats
    kept: int | None = None

    def __post_init__(self) -> None:
        for name, shape in (("angles", (3,)), ("translation", (3,)), ("expression", None)):
            value = np.ascontiguousarray(getattr(self, name), dtype=np.float32)
            if value.shape != (shape or (len(value), 3)) or not value.size:
                raise ShapeError(name, str(shape or "(K, 3)"), value.shape)
            object.__setattr__(self, name, value)
        if not np.isfinite(self.vector()).all():
            raise ConfigError("motion", "NaN or infinite", "finite numbers")
        if self.kept is not None and not 1 <= self.kept <= self.keypoints:
            raise ConfigError("kept", self.kept, f"1 to {self.keypoints}")

    @property
    def keypoints(self) -> int:
        """K."""
        return len(self.expression)

    @property
    def used(self) -> int:
        """Number of keypoints in use: `kept`, or K."""
        return self.keypoints if self.kept is None else self.kept

    def vector(self) -> Floats:
        """Return all components in the order of the wire, (6 + 3K,) float32."""
        return np.concatenate((self.angles, self.translation, self.expression.reshape(-1)))

    @classmethod
    def from_vector(cls, vector: npt.NDArray[np.floating], kept: int | None = None) -> MotionFrame:
        """Return the frame of components in the order of the wire, (6 + 3K,)."""
        if vector.ndim != 1 or vector.size <= POSE or (vector.size - POSE) % 3:
            raise ShapeError("vector", "(6 + 3K,)", vector.shape)
        return cls(
            vector[:3].astype(np.float32),
            vector[3:POSE].astype(np.float32),
            vector[POSE:].astype(np.float32).reshape(-1, 3),
            kept,
        )


@dataclass(frozen=True, slots=True)
class CoderState:
    """What a decoder remembers of a frame (docs/bitstream.md section 4). Never changed in place.

    levels  q, M integers -32767 to 32767
    steps   v, the last change of q, or None where it counts as 0
    memory  m, M integers 0 to 119, how much each coefficient moved lately
    lean    s, M integers 0 or 1, the sign of each one's last move
    kept    keypoints in use
    still   whether nothing moved in this frame
    """

    levels: list[int]
    steps: list[int] | None
    memory: list[int]
    lean: list[int]
    kept: int
    still: bool = False

    @classmethod
    def zero(cls, coefficients: int, keypoints: int) -> CoderState:
        """Return the state before anything was coded."""
        return cls([0] * coefficients, None, [0] * coefficients, [0] * coefficients, keypoints)
