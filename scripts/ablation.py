"""Train and measure every variant of the ablation (paper Table 5), one after the other.

    python scripts/ablation.py --data clips/ --nets nets/ -o ablation/

DIR has `train/` and `val/`. Each variant is trained by its recipe (facewire train ablation-full ...) into OUT/NAME/;
then all are measured by `facewire evaluate ablation` into OUT/report/. What is finished is not done again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from facewire.cli.main import main as facewire
from facewire.networks.paper.ablation import ABLATION_PRESETS


def main() -> int:
    """Train what is not trained, then measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="folder with train/ and val/")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder of runs and report")
    parser.add_argument("--nets", metavar="DIR", help="folder of the networks that some metrics need")
    parser.add_argument("--perceptual", nargs="+", metavar="FILE", help="as in facewire train")
    parser.add_argument("--cache", metavar="DIR", help="as in facewire train")
    parser.add_argument("--steps", metavar="N", help="as in facewire train (default: the recipes')")
    parser.add_argument("--stride", metavar="S", default="4", help="as in facewire evaluate (default: 4)")
    parser.add_argument("--train-only", action="store_true", help="leave the measuring out")
    given = parser.parse_args()
    output = Path(given.output)
    for name in ABLATION_PRESETS:
        options = {"--cache": given.cache, "--steps": given.steps}
        asked = [part for option, value in options.items() if value for part in (option, value)]
        taps = ["--perceptual", *given.perceptual] if given.perceptual else []
        code = facewire(["train", name, "--data", given.data, "-o", str(output / name), *asked, *taps])
        if code:
            return code
    if given.train_only:
        return 0
    weights = [str(output / name / "weights.safetensors") for name in ABLATION_PRESETS]
    nets = ["--nets", given.nets] if given.nets else []
    where = ["--data", given.data, "-o", str(output / "report"), "--stride", given.stride]
    return facewire(["evaluate", "ablation", "--weights", *weights, *where, *nets])


if __name__ == "__main__":
    sys.exit(main())
