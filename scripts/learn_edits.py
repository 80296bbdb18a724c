"""Learn the table of animation/edits.py from labelled clips: which way keypoints move when a face does something.

    landmarks of nearly frontal frames -> expressions in the head's axes and what the face does (apertures, corners,
    brows, gaze), both less their clip's mean -> one least-squares fit for all of them together -> a table

Prints the rows of the table. A direction says what changes while everything else that is measured stays as it is.
The shipped table leads brows and gaze further than what is printed, by the factors that edits.py names.

    python scripts/learn_edits.py CLIPS        a folder of ID.npz with lm and pose, as training reads them
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewire.face.expression import eye_aperture, gaze_offset, mouth_aperture
from facewire.geometry.grid import from_fractions
from facewire.geometry.precision import apply
from facewire.networks.compact.guides import GUIDES
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.compact.motion import BODY_SIDE
from facewire.networks.weights import load_model

MOST_YAW, MOST_PITCH = 12.0, 15.0
"""Degrees; beyond, pictures shorten what faces do."""
LARGE = 0.995
"""The quantile of what a face does that a value of 1 stands for."""
SIDE = 256
MEASURES = ("blink", "mouth", "smile", "brows", "gaze x", "gaze y")
LEAST = 0.0015
"""Picture units; smaller movements are left out of the table."""


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    folder: Path = parser.parse_args().clips
    model, _ = load_model()
    assert isinstance(model, CompactTalkingHead)
    parts = [read(model, path) for path in sorted(folder.glob("*.npz"))]
    moved = torch.cat([part[0] for part in parts])
    does = torch.cat([part[1] for part in parts])
    fit = torch.linalg.lstsq(does, moved.flatten(1)).solution.unflatten(1, (len(GUIDES), 3))
    print(f"# {len(does)} frames of {sum(len(part[1]) > 0 for part in parts)} clips")
    for row, name in enumerate(MEASURES):
        large = float(does[:, row].abs().quantile(LARGE))
        print(f"{name!r}: (  # 1 is {large:.3f} of the measure")
        for guide, direction in zip(GUIDES, fit[row] * large, strict=True):
            if direction.norm() >= LEAST:
                x, y, z = (round(float(number), 4) for number in direction)
                print(f"    ({guide.name!r}, ({x}, {y}, {z})),")
        print("),")


@torch.inference_mode()
def read(model: CompactTalkingHead, path: Path) -> tuple[Tensor, Tensor]:
    """Return expressions (T, guided, 3) in the head's axes and measures (T, 6), less their means."""
    with np.load(path) as labels:
        frontal = (np.abs(labels["pose"][:, 0]) < MOST_YAW) & (np.abs(labels["pose"][:, 1]) < MOST_PITCH)
        places = torch.from_numpy(labels["lm"][frontal & labels["det"]].astype(np.float32))
    if len(places) < 10:
        return torch.empty(0, len(GUIDES), 3), torch.empty(0, len(MEASURES))
    nothing = torch.zeros(len(places), 3, BODY_SIDE, BODY_SIDE)
    motion = model.motion_reader.from_landmarks(nothing, from_fractions(places, SIDE, SIDE))[1]
    own = apply(motion.rotation.transpose(-1, -2)[:, None], motion.expression)[:, : len(GUIDES)]
    does = torch.from_numpy(measures(places.numpy()))
    return own - own.mean(dim=0), does - does.mean(dim=0)


def measures(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what faces (T, 78, 2) do, (T, 6): lids shut, mouth open, smile, brows up, irises right, down."""
    landmarks = torch.from_numpy(points)
    eyes = np.linalg.norm(points[:, 45] - points[:, 36], axis=-1)
    corners = points[:, [48, 54]]
    width = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=-1) / eyes
    lift = (points[:, 33, 1] - corners[:, :, 1].mean(axis=1)) / eyes
    brows = (points[:, [37, 44], 1].mean(axis=1) - points[:, [19, 24], 1].mean(axis=1)) / eyes
    gaze = gaze_offset(landmarks).numpy()
    gaze = gaze.mean(axis=1) if gaze.ndim == 3 else gaze
    rows = (
        -eye_aperture(landmarks).mean(dim=-1).numpy(),
        mouth_aperture(landmarks).numpy(),
        width + lift,
        brows,
        gaze[:, 0],
        gaze[:, 1],
    )
    return np.stack(rows, axis=1).astype(np.float32)


if __name__ == "__main__":
    main()
