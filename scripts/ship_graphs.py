"""Make the graphs that come with the package anew, after a change of the weights or of the networks.

    python scripts/ship_graphs.py        src/facewire/weights/graphs/, about a minute

With another version of torch or OpenVINO they may come out differently; make them with those of constraints.txt.
"""

from __future__ import annotations

import sys

from facewire.engines.graphs.live_graphs import live_graphs
from facewire.engines.graphs.shipping import ship
from facewire.engines.shipped_graphs import FOLDER
from facewire.networks.compact.model import CompactTalkingHead
from facewire.networks.weights import load_model


def main() -> int:
    """Write the folder."""
    model, manifest = load_model()
    assert isinstance(model, CompactTalkingHead)
    FOLDER.mkdir(exist_ok=True)
    ship(model, manifest.sha256, live_graphs(model), FOLDER)
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    print(f"{FOLDER}: {size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
