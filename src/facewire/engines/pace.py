"""How long a frame takes here, by making one."""

from __future__ import annotations

import time

import torch

from facewire.networks.presets import Model


@torch.inference_mode()
def frame_seconds(model: Model) -> float:
    """Return the seconds that reading and rendering one frame take on the model's device, its first use left out.

    On a CPU the first use costs little more than the next ones, so that a single frame is made there.
    """
    device = next(model.parameters()).device
    picture = torch.full((1, 3, model.resolution, model.resolution), 0.5, device=device)
    identity = model.identity(picture)
    if device.type != "cpu":
        model.render(identity, model.motion(picture))
    begin = time.perf_counter()
    model.render(identity, model.motion(picture)).sum().item()
    return time.perf_counter() - begin


def said(seconds: float) -> str:
    """Return a time per frame for people."""
    return f"{1000 * seconds:.0f} ms a frame" if seconds < 1 else f"{seconds:.1f} s a frame"
