"""Head pose term H: yaw, pitch and roll agree with a frozen teacher's (spec section 4, term 5).

The teacher's angles come from outside (a pose network, or labels of the data set), already in the convention
of geometry/pose.py; nothing but this term ties R to real head poses.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facewire.geometry.pose import angles_from_rotation


def head_pose(rotation: Tensor, teacher: Tensor) -> Tensor:
    """Return |yaw| + |pitch| + |roll| of the difference in degrees, averaged over heads.

    Args:
        rotation: R (B, 3, 3).
        teacher: yaw, pitch, roll in radians (B, 3).

    Degrees, because the paper's weight of 20 belongs to them (spec [C]).
    """
    angles = torch.stack(angles_from_rotation(rotation.float()), dim=-1)
    return torch.rad2deg((angles - teacher).abs()).sum(dim=-1).mean()
