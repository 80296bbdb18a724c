"""The one place where axes, corners and units are decided.

Axes         x right, y down, z away from the camera; triples are always ordered (x, y, z).
Range        a picture or volume spans [-1, 1] on every axis, from the centre of its first cell to the
             centre of its last one (corners aligned), so the identity grid samples every cell exactly.
Angles       radians everywhere; degrees only in the bin decoder, the command line and reports.
Tensors      points (B, K, 3); volumes (B, C, D, H, W); grids and flows (B, D, H, W, 3) or (B, H, W, 2)
             holding, for every cell of the output, the coordinates in the input to read from.

Knows nothing about networks. The spec's reason for aligned corners: mixing both conventions rescales
every warp by about 1.6 % on a 64-wide grid.
"""

from __future__ import annotations

ALIGN_CORNERS = True
"""Passed to every sampler and interpolation of coordinates in the project."""

AXES = ("x", "y", "z")
"""Order of every trailing 3."""
