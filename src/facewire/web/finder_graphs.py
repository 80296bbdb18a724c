"""The two networks of the face finder as graphs that a page runs, one picture at a time.

tile (1, 3, 128, 128)     --detect--> logits (896), places (896, 8, 2)
picture (1, 3, 192, 192)  --mesh----> landmarks (478, 3), presence (1)
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from facewire.engines.artefact import FLOAT32, ONNX
from facewire.engines.graphs.exporting import write_graph
from facewire.engines.graphs.live_graphs import LiveGraph
from facewire.engines.graphs.names import DETECT, MESH
from facewire.face.detection import BLAZE_INPUT_SIZE
from facewire.face.mesh_points import MESH_INPUT_SIZE
from facewire.face.networks.attention import load_attention_mesh
from facewire.face.networks.blaze import load_blaze_face


class Detect(nn.Module):
    """Tile -> what the anchors say (face/networks/blaze.py)."""

    def __init__(self) -> None:
        super().__init__()
        self.detector = load_blaze_face()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 3, 128, 128) in [0, 1] -> logits (896), places (896, 8, 2)."""
        logits, places = self.detector(image)
        return logits[0], places[0]


class Mesh(nn.Module):
    """Square around a face -> its points (face/networks/attention.py)."""

    def __init__(self) -> None:
        super().__init__()
        self.mesh = load_attention_mesh()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 3, 192, 192) in [0, 1] -> landmarks (478, 3) of the square, presence (1) in [0, 1]."""
        landmarks, logit = self.mesh(image)
        return landmarks[0], torch.sigmoid(logit)


def write_finder_graphs(folder: Path) -> dict[str, Path]:
    """Write both as ONNX into a folder and return the files by name; takes some seconds.

    Raises:
        ConfigError: onnx is not installed.
        OSError: they cannot be written.
    """
    graphs = {
        DETECT: LiveGraph(Detect(), _image(BLAZE_INPUT_SIZE), ("logits", "places")),
        MESH: LiveGraph(Mesh(), _image(MESH_INPUT_SIZE), ("landmarks", "presence")),
    }
    return {
        name: folder / str(write_graph(name, graph, folder, ONNX, FLOAT32)["file"])
        for name, graph in graphs.items()
    }


def _image(side: int) -> dict[str, Tensor]:
    return {"image": torch.full((1, 3, side, side), 0.5)}
