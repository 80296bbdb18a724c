"""Generative face video messages (GFV, payload type 223 of H.274), as fields (docs/carriers.md).

All numbers are integers in units of 2^-precision; what they mean is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

PAYLOAD_TYPE: Final = 223
MOST_POINTS: Final = 256
MOST_TYPES: Final = 16
MOST_MATRICES: Final = 1024
MOST_SIDE: Final = 1024
MOST_ELEMENTS: Final = 4096
"""Of all matrices of a message together; the standard's limits alone would allow gigabytes."""
MOST_PRECISION: Final = 32
MOST_DEPTH: Final = 65536
LONGEST_TEXT: Final = 4096
LARGEST: Final = (1 << 32) - 2
"""Of any ue(v)."""
AFFINE, COVARIANCE, MOUTH, EYES, ROTATION, TRANSLATION, LOCATION, FEATURES = range(8)
"""Types of matrices; from FEATURES on their number and size are stated."""
BY_KEYPOINT: Final = (AFFINE, COVARIANCE)
OF_HEAD: Final = (ROTATION, TRANSLATION, LOCATION)


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Points of the face.

    precision  p, 1 to 32: numbers are in units of 2^-p
    points     (x, y) or (x, y, z) each
    depth      largest z, 1 to 65536; None without z
    """

    precision: int
    points: tuple[tuple[int, ...], ...]
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """Matrices of one type and size: `count` times `height` rows of `width` numbers, one after the other."""

    kind: int
    count: int
    height: int
    width: int
    elements: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matrices:
    """All matrices of a message, in units of 2^-precision (1 to 32)."""

    precision: int
    parts: tuple[Matrix, ...]

    def elements(self) -> list[int]:
        """Return all numbers in the order of the wire."""
        return [element for part in self.parts for element in part.elements]

    def with_elements(self, elements: Sequence[int]) -> Matrices:
        """Return matrices of the same sizes with other numbers."""
        parts, at = [], 0
        for part in self.parts:
            size = len(part.elements)
            parts.append(replace(part, elements=tuple(elements[at : at + size])))
            at += size
        return Matrices(self.precision, tuple(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaKey:
    """Colour that stands for the background: values 0 to 255 of three components, two thresholds; None: not said."""

    values: tuple[int | None, int | None, int | None]
    thresholds: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GfvMessage:
    """One message.

    id              gfv_id
    count           gfv_cnt: 0 goes with the coded picture, 1, 2, ... are pictures generated after it
    base            whether the coded picture is one to generate from; only with count 0
    network         where the network is, as (tag URI, URI), or its bytes; None: not said; only with base
    chroma_key      only with base
    fusion          gfv_drive_picture_fusion_flag; only without base
    low_confidence  gfv_low_confidence_face_parameter_flag
    coordinates     None: none
    predict_coordinates  by difference: in a base picture to the point before, with count 0 to the base picture, else
                    to the message before
    matrices        None: none
    predict_matrices     by difference, likewise; never with base
    """

    id: int
    count: int
    base: bool = False
    network: tuple[str, str] | bytes | None = None
    chroma_key: ChromaKey | None = None
    fusion: bool = False
    low_confidence: bool = False
    coordinates: Coordinates | None = None
    predict_coordinates: bool = False
    matrices: Matrices | None = None
    predict_matrices: bool = False
