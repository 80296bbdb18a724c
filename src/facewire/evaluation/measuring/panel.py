"""Which metrics can be computed on this machine, and why the others cannot.

A metric whose network is not here is left out with its reason and never replaced: the stand-ins are metrics of their
own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from facewire.base.errors import OutputError, WeightsError
from facewire.base.files import sha256_of, write_advice
from facewire.face.backend import in_torch
from facewire.face.finder import FaceFinder
from facewire.face.networks.matte import PersonMatte, load_person_matte
from facewire.metrics import identity
from facewire.metrics.absolute_error import L1
from facewire.metrics.apertures import EYE_APERTURE, LIP_APERTURE
from facewire.metrics.backbone_file import BackboneFile
from facewire.metrics.dists import DISTS, DISTS_WEIGHTS, VGG_16, Dists
from facewire.metrics.face_lost import FACE_LOST
from facewire.metrics.frechet import FID, FRECHET_SQUEEZE
from facewire.metrics.identity import CSIM, SAME_PERSON, IdentityNetwork
from facewire.metrics.inception import INCEPTION, Inception
from facewire.metrics.jitter import JITTER
from facewire.metrics.keypoint_distance import AKD
from facewire.metrics.lpips import ALEX_NET, HEADS, LPIPS, Lpips
from facewire.metrics.metric import Metric
from facewire.metrics.ms_ssim import MS_SSIM, SMALLEST
from facewire.metrics.pose_error import POSE_ERROR
from facewire.metrics.psnr import PSNR
from facewire.metrics.squeeze_net import SQUEEZE_NET, SqueezeNet
from facewire.metrics.squeeze_perceptual import SQUEEZE_PERCEPTUAL
from facewire.metrics.ssim import SSIM

PICTURE_METRICS = (L1, PSNR, SSIM, MS_SSIM, SQUEEZE_PERCEPTUAL, LPIPS, DISTS)
SET_METRICS = (FRECHET_SQUEEZE, FID)
FACE_METRICS = (AKD, POSE_ERROR, LIP_APERTURE, EYE_APERTURE, JITTER, FACE_LOST)
IDENTITY_METRICS = (CSIM, SAME_PERSON)
ALL_METRICS = (*PICTURE_METRICS, *SET_METRICS, *FACE_METRICS, *IDENTITY_METRICS)

BACKBONES: tuple[BackboneFile, ...] = (SQUEEZE_NET, ALEX_NET, HEADS, VGG_16, DISTS_WEIGHTS, INCEPTION)
DOWNLOADABLE = (ALEX_NET, HEADS, VGG_16, DISTS_WEIGHTS, INCEPTION)
"""Those published as one file: what LPIPS, DISTS and FID need."""


@dataclass(slots=True)
class Panel:
    """The networks that metrics need, loaded once; None where a network is not here.

    absent  why a metric is not computed, by its name
    hashes  SHA-256 of the files in use
    """

    finder: FaceFinder
    matte: PersonMatte
    squeeze: SqueezeNet | None = None
    lpips: Lpips | None = None
    dists: Dists | None = None
    inception: Inception | None = None
    identity: IdentityNetwork | None = None
    absent: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, nets: Path | None, size: int, device: torch.device | str, stride: int = 1) -> Panel:
        """Load what is here.

        Args:
            nets: the folder with the networks' files, by the names of `BACKBONES`; None means there is none.
            size: side of the pictures that will be measured.
            device: where the networks run.
            stride: frames between measured ones; jitter needs frames in a row.

        Raises:
            WeightsError: a file is there but is not the published one.
        """
        if nets is not None and not nets.is_dir():
            raise WeightsError(nets, "no such folder of networks")
        panel = cls(FaceFinder(in_torch(device)), load_person_matte().to(device))
        panel.absent |= _absences(nets, size, stride)
        if nets is not None:
            if SQUEEZE_PERCEPTUAL.name not in panel.absent:
                panel.squeeze = SqueezeNet.load(nets).to(device)
            if LPIPS.name not in panel.absent:
                panel.lpips = Lpips.load(nets).to(device)
            if DISTS.name not in panel.absent:
                panel.dists = Dists.load(nets).to(device)
            if FID.name not in panel.absent:
                panel.inception = Inception.load(nets).to(device)
            files = [nets / backbone.name for backbone in BACKBONES]
            panel.hashes = {path.name: sha256_of(path) for path in files if path.is_file()}
        if CSIM.name not in panel.absent:
            panel.identity = IdentityNetwork()
        return panel

    def available(self, metrics: Sequence[Metric]) -> list[Metric]:
        """Return those of `metrics` that are computed."""
        return [metric for metric in metrics if metric.name not in self.absent]


def fetch_published(folder: Path) -> list[str]:
    """Download what LPIPS, DISTS and FID need into a folder, made if need be; return what cannot be had and why.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(folder, write_advice(problem)) from problem
    problems = []
    for backbone in DOWNLOADABLE:
        try:
            backbone.fetch(folder)
        except WeightsError as problem:
            problems.append(str(problem))
    return problems


def _absences(nets: Path | None, size: int, stride: int) -> Mapping[str, str]:
    squeeze = SQUEEZE_NET.absence(nets)
    reasons = {
        SQUEEZE_PERCEPTUAL.name: squeeze,
        FRECHET_SQUEEZE.name: squeeze,
        LPIPS.name: Lpips.absence(nets),
        DISTS.name: Dists.absence(nets),
        FID.name: INCEPTION.absence(nets),
        CSIM.name: identity.absence(),
        SAME_PERSON.name: identity.absence(),
        MS_SSIM.name: f"pictures of {size} pixels are smaller than {SMALLEST}" if size < SMALLEST else "",
        JITTER.name: "it needs every frame (--stride 1)" if stride > 1 else "",
    }
    return {name: reason for name, reason in reasons.items() if reason}
