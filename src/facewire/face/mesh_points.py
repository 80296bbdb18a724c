"""What everybody who reads the mesh must know of it; the networks are in mesh.py and attention.py."""

from __future__ import annotations

MESH_INPUT_SIZE = 192
"""Side of the input picture in pixels."""

MESH_POINTS = 468
"""Points of the mesh without the irises."""

ATTENTION_POINTS = 478
"""The mesh, then the left iris (468 to 472) and the right iris (473 to 477), centre first."""
