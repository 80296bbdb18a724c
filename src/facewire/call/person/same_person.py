"""Is the photo of the person before the camera? dlib's identity network, asked on the sender's side.

The network is an optional package; without it the question cannot be answered, and the answer counts as no.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facewire.base.errors import WeightsError
from facewire.face.expression import in_classical_order
from facewire.face.finder import Face, FaceFinder
from facewire.media.frame import Pixels
from facewire.metrics.identity import THRESHOLD, IdentityNetwork, distance


@dataclass(frozen=True, slots=True)
class Likeness:
    """Whether two pictures show one person.

    same      True only if they do by dlib's own threshold
    distance  Euclidean, below 0.6 for one person; None if it could not be measured
    problem   why it could not be measured, or ""
    """

    same: bool
    distance: float | None
    problem: str = ""


class SamePerson:
    """Compares the person of two pictures.

    Args:
        finder: the face finder.
    """

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self._network: IdentityNetwork | None = None
        self._problem = ""
        try:
            self._network = IdentityNetwork()
        except WeightsError as error:
            self._problem = f"the person in the photo cannot be checked: {error.problem}"

    @property
    def available(self) -> bool:
        """True if the network is there."""
        return self._network is not None

    def compare(self, photo: Pixels, camera: Pixels) -> Likeness:
        """Say whether the largest faces of two pictures, (H, W, 3), are one person's."""
        if self._network is None:
            return Likeness(False, None, self._problem)
        vectors = []
        for name, picture in (("photo", photo), ("camera", camera)):
            faces = self._finder.find(picture)
            if not faces:
                return Likeness(False, None, f"no face was found in the {name} picture")
            vectors.append(self._network.embed(picture, _classical(faces[0])))
        apart = distance(vectors[0], vectors[1])
        return Likeness(apart < THRESHOLD, apart)


def _classical(face: Face) -> np.ndarray:
    points: np.ndarray = in_classical_order(face.landmarks)[:68]
    return points
