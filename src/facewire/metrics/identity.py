"""CSIM: are two faces the same person, by dlib's face recognition network.

    picture, 78 landmarks -> five points (eye corners, nose) -> 150 x 150 chip -> ResNet -> 128 numbers

CSIM is the cosine between the 128 numbers of two faces; range -1 to 1, higher is better. All of dlib's vectors lie
close together: over twelve people, 90 % of the pairs of one person lay within 0.93 to 0.99 and of strangers within
0.77 to 0.88. Two faces count as the same person if their Euclidean distance is below 0.6, dlib's own threshold
(99.4 % of pairs right on LFW); the same pairs lay within 0.21 to 0.54 and within 0.72 to 1.00.

The paper takes its CSIM from another network (ArcFace), so neither values nor differences are comparable.

The network is CC0 and comes with the optional packages `dlib-bin` and `face_recognition_models`; without them the
metric is not computed.

Source: King, dlib-ml (2009) and its model `dlib_face_recognition_resnet_model_v1`.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facewire.base.errors import ShapeError, WeightsError
from facewire.metrics.metric import Metric

CSIM = Metric(
    name="csim",
    title="CSIM",
    unit="",
    better="higher",
    range=(-1.0, 1.0),
    source="cosine of dlib's 128-D vectors; reconstruction: to the driving frame, elsewhere: to the source",
    note="not the paper's network; strangers already score about 0.8",
)
SAME_PERSON = Metric(
    name="same-person",
    title="same person",
    unit="share of frames",
    better="higher",
    range=(0.0, 1.0),
    source="dlib distance below its threshold of 0.6",
    note="a test with a threshold of its own, not the paper's",
)

THRESHOLD = 0.6
"""Euclidean distance below which dlib calls two faces the same person."""

FIVE_POINTS = (45, 42, 36, 39, 33)
"""dlib's five points in the classical order: outer and inner corner of each eye, right of the picture first; nose."""

MODEL_FILE = "models/dlib_face_recognition_resnet_model_v1.dat"

FloatArray = npt.NDArray[np.float64]


class IdentityNetwork:
    """dlib's network, loaded once."""

    def __init__(self, path: Path | None = None) -> None:
        """Load the network.

        Raises:
            WeightsError: a package or the file is missing; see `absence`.
        """
        problem = absence()
        if problem:
            raise WeightsError(MODEL_FILE, problem)
        self._dlib: Any = importlib.import_module("dlib")
        self._network = self._dlib.face_recognition_model_v1(str(path or _model_path()))

    def embed(self, picture: npt.NDArray[np.uint8], points: FloatArray) -> FloatArray:
        """Return the 128 numbers of a face.

        Args:
            picture: (H, W, 3) uint8 RGB.
            points: (68 or more, 2 or more) landmarks in pixels of the picture, classical order.
        """
        if points.ndim != 2 or len(points) < 68:
            raise ShapeError("points", "(68 or more, 2 or more)", points.shape)
        places = [
            self._dlib.point(round(float(points[i, 0])), round(float(points[i, 1]))) for i in FIVE_POINTS
        ]
        box = self._dlib.rectangle(0, 0, picture.shape[1] - 1, picture.shape[0] - 1)
        face = self._dlib.full_object_detection(box, self._dlib.points(places))
        numbers = self._network.compute_face_descriptor(np.ascontiguousarray(picture), face)
        return np.asarray(numbers, dtype=np.float64)


def absence() -> str:
    """Return why CSIM cannot be computed here, or an empty text."""
    missing = [name for name in ("dlib", "face_recognition_models") if importlib.util.find_spec(name) is None]
    if missing:
        return f"the optional package {' and '.join(missing)} is not installed: pip install 'facewire[eval]'"
    return "" if _model_path().is_file() else f"face_recognition_models does not hold {MODEL_FILE}"


def cosine(first: FloatArray, second: FloatArray) -> float:
    """Return CSIM of two vectors."""
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def distance(first: FloatArray, second: FloatArray) -> float:
    """Return the Euclidean distance of two vectors; below 0.6 dlib calls them one person."""
    return float(np.linalg.norm(first - second))


def _model_path() -> Path:
    # The package is found, not imported: importing it needs a part of setuptools that is gone.
    found = importlib.util.find_spec("face_recognition_models")
    folders = list(found.submodule_search_locations or ()) if found else []
    return Path(folders[0]) / MODEL_FILE if folders else Path(MODEL_FILE)
