"""The numbers of one clip, gathered batch by batch from looks at the result and at the truth.

Per-frame metrics are averaged over the frames where they are defined. What can only be computed over all clips
together leaves here as material: sums of products for the correlations, feature vectors for distances of sets.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from facewire.evaluation.measuring.look import FloatArray, Look
from facewire.evaluation.measuring.panel import Panel
from facewire.metrics.absolute_error import L1, absolute_error
from facewire.metrics.apertures import EYE_APERTURE, LIP_APERTURE, Comovement, eye_series, lip_series
from facewire.metrics.dists import DISTS
from facewire.metrics.face_lost import FACE_LOST, lost_share
from facewire.metrics.identity import CSIM, SAME_PERSON, THRESHOLD
from facewire.metrics.jitter import JITTER, excess_acceleration
from facewire.metrics.keypoint_distance import AKD, keypoint_distance
from facewire.metrics.lpips import LPIPS
from facewire.metrics.ms_ssim import MS_SSIM, single_and_multiscale
from facewire.metrics.pose_error import POSE_ERROR, rotation_angle
from facewire.metrics.psnr import PSNR, peak_signal_to_noise
from facewire.metrics.squeeze_perceptual import SQUEEZE_PERCEPTUAL, tap_distance
from facewire.metrics.ssim import SSIM, structural_similarity


@dataclass(frozen=True, slots=True)
class Numbers:
    """One clip's numbers on one side.

    values    metric -> mean over the clip
    moving    correlation metric -> its sums of products
    features  set metric -> vectors (T, D), half precision
    """

    values: dict[str, float]
    moving: dict[str, Comovement] = field(default_factory=dict)
    features: dict[str, npt.NDArray[np.float16]] = field(default_factory=dict)


class PictureScores:
    """Metrics that compare two pictures pixel by pixel or feature by feature."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._values: dict[str, list[FloatArray]] = defaultdict(list)

    def add(self, result: Look, truth: Look) -> None:
        """Count a batch in."""
        for name, values in self._of(result, truth).items():
            self._values[name].append(values.double().cpu().numpy())

    def per_frame(self) -> dict[str, FloatArray]:
        """Return (T,) by metric."""
        return {name: np.concatenate(batches) for name, batches in self._values.items()}

    def values(self) -> dict[str, float]:
        """Return the means."""
        return {name: float(values.mean()) for name, values in self.per_frame().items()}

    def _of(self, result: Look, truth: Look) -> dict[str, Tensor]:
        a, b = result.images, truth.images
        found = {L1.name: absolute_error(a, b), PSNR.name: peak_signal_to_noise(a, b)}
        if MS_SSIM.name in self._panel.absent:
            found[SSIM.name] = structural_similarity(a, b)
        else:
            found[SSIM.name], found[MS_SSIM.name] = single_and_multiscale(a, b)
        if result.taps:
            found[SQUEEZE_PERCEPTUAL.name] = tap_distance(result.taps, truth.taps)
        if self._panel.lpips is not None:
            found[LPIPS.name] = self._panel.lpips(a, b)
        if self._panel.dists is not None:
            found[DISTS.name] = self._panel.dists(a, b)
        return found


class FaceTrack:
    """Landmarks, rotations and identities of one side of a clip, frame after frame."""

    def __init__(self) -> None:
        self._points: list[FloatArray] = []
        self._rotations: list[FloatArray] = []
        self._identities: list[FloatArray] = []

    def add(self, look: Look) -> None:
        """Append a batch."""
        self._points.append(look.points)
        self._rotations.append(look.rotations)
        self._identities.append(look.identities)

    @property
    def points(self) -> FloatArray:
        """(T, 78, 3), NaN where there is no face."""
        return np.concatenate(self._points)

    @property
    def rotations(self) -> FloatArray:
        """(T, 3, 3), NaN where there is no face."""
        return np.concatenate(self._rotations)

    @property
    def identities(self) -> FloatArray:
        """(T, 128), NaN where there is no face or nobody looked."""
        return np.concatenate(self._identities)


class FeatureTrack:
    """Feature vectors of one side of a clip."""

    def __init__(self) -> None:
        self._batches: dict[str, list[npt.NDArray[np.float16]]] = defaultdict(list)

    def add(self, look: Look) -> None:
        """Append a batch."""
        for name, vectors in look.features.items():
            self._batches[name].append(vectors.cpu().numpy().astype(np.float16))

    def arrays(self) -> dict[str, npt.NDArray[np.float16]]:
        """Return (T, D) by metric."""
        return {name: np.concatenate(batches) for name, batches in self._batches.items()}


class ClipScores:
    """All numbers of one side against the truth, both seen in the same frames."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._pictures = PictureScores(panel)
        self.faces = FaceTrack()
        self._features = FeatureTrack()

    def add(self, result: Look, truth: Look) -> None:
        """Count a batch in."""
        self._pictures.add(result, truth)
        self.faces.add(result)
        self._features.add(result)

    def per_frame(self, truth: FaceTrack) -> dict[str, FloatArray]:
        """Return (T,) by metric, of those that a single frame has; NaN where undefined."""
        distance = keypoint_distance(self.faces.points, truth.points)
        return {**self._pictures.per_frame(), AKD.name: distance}

    def finish(self, truth: FaceTrack) -> Numbers:
        """Return the clip's numbers; `truth` has followed the same batches."""
        faces, moving = face_numbers(self.faces, truth, in_a_row=JITTER.name not in self._panel.absent)
        identity = identity_numbers(self.faces.identities, truth.identities)
        return Numbers(self._pictures.values() | faces | identity, moving, self._features.arrays())


def face_numbers(
    result: FaceTrack, truth: FaceTrack, *, in_a_row: bool
) -> tuple[dict[str, float], dict[str, Comovement]]:
    """Return what landmarks and rotations say: values, and the material of the correlations.

    Args:
        result: one side.
        truth: the other, frame by frame.
        in_a_row: whether these are all frames of the clip, which jitter needs.
    """
    ours, theirs = result.points, truth.points
    values = {
        AKD.name: mean_of(keypoint_distance(ours, theirs)),
        POSE_ERROR.name: mean_of(rotation_angle(result.rotations, truth.rotations)),
        FACE_LOST.name: lost_share(ours, theirs),
        JITTER.name: excess_acceleration(ours, theirs) if in_a_row else None,
    }
    moving = {
        LIP_APERTURE.name: Comovement.of(lip_series(ours), lip_series(theirs)),
        EYE_APERTURE.name: Comovement.of(eye_series(ours), eye_series(theirs)),
    }
    values |= {name: sums.correlation for name, sums in moving.items()}
    return {name: value for name, value in values.items() if value is not None}, moving


def identity_numbers(result: FloatArray, truth: FloatArray) -> dict[str, float]:
    """Return CSIM and the same-person share of vectors (T, 128); rows with NaN on either side are left out."""
    known = np.isfinite(result).all(axis=1) & np.isfinite(truth).all(axis=1)
    if not known.any():
        return {}
    a, b = result[known], truth[known]
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    same = np.linalg.norm(a - b, axis=1) < THRESHOLD
    return {CSIM.name: float(cosine.mean()), SAME_PERSON.name: float(same.mean())}


def mean_of(values: FloatArray) -> float | None:
    """Return the mean of the finite values; None if there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
