"""The two graphs of the face finder, recorded from its networks; one picture at a time.

picture --detect--> logits, places          face/networks/blaze.py
square  --mesh----> landmarks, presence     face/networks/attention.py
"""

from __future__ import annotations

import torch

from facewire.engines.graphs.inference_graph import record
from facewire.engines.graphs.live_graphs import LiveGraph
from facewire.engines.graphs.names import DETECT, LANDMARKS, LOGITS, MESH, PICTURE, PLACES, PRESENCE
from facewire.face.detection import BLAZE_INPUT_SIZE
from facewire.face.mesh_points import MESH_INPUT_SIZE
from facewire.face.networks.attention import load_attention_mesh
from facewire.face.networks.blaze import load_blaze_face


def face_graphs() -> dict[str, LiveGraph]:
    """Return both graphs with inputs that fit them."""
    tile = torch.full((1, 3, BLAZE_INPUT_SIZE, BLAZE_INPUT_SIZE), 0.5)
    square = torch.full((1, 3, MESH_INPUT_SIZE, MESH_INPUT_SIZE), 0.5)
    detector, mesh = record(load_blaze_face(), (tile,)), record(load_attention_mesh(), (square,))
    return {
        DETECT: LiveGraph(detector, {PICTURE: tile}, (LOGITS, PLACES)),
        MESH: LiveGraph(mesh, {PICTURE: square}, (LANDMARKS, PRESENCE)),
    }
