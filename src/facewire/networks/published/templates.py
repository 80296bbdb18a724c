"""LivePortrait's driving templates: motion as a pickle of numbers, read without running anything that is in it.

    {n_frames, output_fps, motion: [{scale, R or R_d, exp, t}], c_eyes_lst, c_lip_lst}
      --> head motions as `RelativeTalkingHead` has them, frames a second, and how far eyes and lips are open

Nothing but numpy arrays, plain numbers and containers is built. The ratio lists are missing in many templates, and
older ones call them c_d_...; R is stored for points as rows.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facewire.base.errors import MotionFileError
from facewire.geometry.head_motion import HeadMotion
from facewire.networks.relatives.families import FAMILIES

SUFFIX: Final = ".pkl"
MOST_BYTES: Final = 16_000_000
"""Of a file; a frame takes about 500."""
KEYPOINTS: Final = FAMILIES["liveportrait"].keypoints
SHAPES: Final = {"scale": (1, 1), "R": (1, 3, 3), "exp": (1, KEYPOINTS, 3), "t": (1, 3)}
OLD: Final = {"R": "R_d", "c_eyes_lst": "c_d_eyes_lst", "c_lip_lst": "c_d_lip_lst"}
"""What older templates call a part."""
LARGEST_SCALE: Final = 10.0
ORTHONORMAL: Final = 1e-3
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Template:
    """What a template holds: motions (T), frames a second, and (T, 3) openness of left eye, right eye and lips."""

    motions: HeadMotion
    rate: int
    openness: Floats | None


def read_template(path: str | Path) -> Template:
    """Read a driving template.

    Raises:
        MotionFileError: it cannot be read, holds more than numbers, or is not a template.
    """
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as problem:
        raise MotionFileError(path, f"cannot be read ({problem.strerror})") from problem
    if len(content) > MOST_BYTES:
        raise MotionFileError(path, f"is larger than {MOST_BYTES // 1_000_000} MB: no driving template")
    try:
        return _template(_Numbers(io.BytesIO(content)).load())
    except pickle.UnpicklingError as problem:
        raise MotionFileError(path, f"is no driving template of numbers alone ({problem})") from problem
    except Exception as problem:  # a broken pickle raises whatever its broken parts do
        raise MotionFileError(
            path, f"is no driving template ({type(problem).__name__}: {problem})"
        ) from problem


class _Numbers(pickle.Unpickler):
    """Builds arrays and plain containers, and refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the three things that an array is made of."""
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return np.empty(0).__reduce__()[0]
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _template(held: Any) -> Template:
    frames, rate = held["motion"], held["output_fps"]
    if not (isinstance(rate, int) and 1 <= rate <= 1000 and len(frames) == held["n_frames"] >= 1):
        raise ValueError("counts do not fit")
    parts = {
        name: _stacked([_part(frame, name) for frame in frames], shape) for name, shape in SHAPES.items()
    }
    turns, scale = parts["R"], parts["scale"]
    off = np.abs(turns @ turns.transpose(0, 2, 1) - np.eye(3)).max()
    if off > ORTHONORMAL or (np.linalg.det(turns) < 0).any():
        raise ValueError("R does not turn")
    if not ((scale > 0) & (scale < LARGEST_SCALE)).all():
        raise ValueError("scale is out of its range")
    translation = np.concatenate((parts["t"][:, :2], -np.log(scale)), axis=1)
    motions = HeadMotion(
        turns.transpose(0, 2, 1).copy(),
        translation,
        parts["exp"].copy(),
    )
    return Template(motions, rate, _openness(held, len(frames)))


def _openness(held: Mapping[str, Any], count: int) -> Floats | None:
    eyes, lips = (_part(held, name, optional=True) for name in ("c_eyes_lst", "c_lip_lst"))
    if not eyes or not lips:
        return None
    both = (_stacked(eyes, (1, 2)), _stacked(lips, (1, 1)))
    if {len(part) for part in both} != {count}:
        raise ValueError("ratios do not fit")
    return np.concatenate(both, axis=1)


def _part(held: Mapping[str, Any], name: str, optional: bool = False) -> Any:
    """Return a part by its name or its old one."""
    for known in (name, OLD.get(name, name)):
        if known in held:
            return held[known]
    if optional:
        return None
    raise ValueError(f"{name} is missing")


def _stacked(rows: list[Any], shape: tuple[int, ...]) -> Floats:
    """Return float32 arrays of a shape, (1, ...) each, one after the other."""
    for row in rows:
        if not isinstance(row, np.ndarray) or row.dtype != np.float32 or row.shape != shape:
            raise ValueError(f"a part is not float32 {shape}")
    stacked: Floats = np.concatenate(rows)
    if not np.isfinite(stacked).all():
        raise ValueError("a number is not finite")
    return stacked
