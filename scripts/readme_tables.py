"""Fill the tables of the documents from reports, so that no number is typed by hand.

    python scripts/readme_tables.py            rewrite README.md, the model card, the ablation's lab entry
    python scripts/readme_tables.py --check    fail if one of them is out of date

Fills whatever stands between `<!-- NAME -->` and `<!-- /NAME -->`, from docs/reports/:

    quality, worst, measured, paper    reconstruction.json    facewire evaluate reconstruction
    transfer, freeview, canonical      NAME.json              facewire evaluate NAME
    ablation, ablation-changes         ablation.json          facewire evaluate ablation
    speed                              speed.json             facewire bench --output docs/reports/speed.json
    gfvc, gfvc-512                     NAME.json              facewire compare --protocol gfvc, and with --size 512
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from facewire.base.files import read_json
from facewire.evaluation.codecs.curves import METRICS
from facewire.evaluation.measuring.compare import compare
from facewire.evaluation.measuring.turn_ranges import BASES, RANGES, TURN_METRICS, name_of
from facewire.evaluation.reports.pages import printed
from facewire.evaluation.reports.published import (
    CANONICAL,
    FRONTALISATION,
    RECONSTRUCTION,
    TRANSFER,
    PublishedTable,
)

TURNED = {metric.name for metric in TURN_METRICS}
ROOT = Path(__file__).parent.parent
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "docs" / "model-card.md",
    *sorted((ROOT / "docs" / "lab").glob("*-ablation.md")),
)
REPORTS = ROOT / "docs" / "reports"
WORST = 5
ABLATED = ("l1", "psnr", "ssim", "squeeze-perceptual", "akd", "pose-error", "csim")
BLOCK = re.compile(r"(?<=<!-- )[a-z][a-z0-9-]+(?= -->)")


def main() -> int:
    """Rewrite or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check: bool = parser.parse_args().check
    stale = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        filled = fill(text, document.name)
        if filled != text:
            stale.append(document.name)
            if not check:
                document.write_text(filled, encoding="utf-8")
    if check and stale:
        print(f"{', '.join(stale)} out of date: python scripts/readme_tables.py", file=sys.stderr)
        return 1
    return 0


def fill(text: str, name: str) -> str:
    """Return the text of a document with every block replaced."""
    for block in BLOCK.findall(text):
        before, _, rest = text.partition(f"<!-- {block} -->\n")
        _, end, after = rest.partition(f"<!-- /{block} -->")
        if block not in TABLES or not end:
            raise SystemExit(f"{name}: <!-- {block} --> is not one of {', '.join(TABLES)}, or has no end")
        report, table = TABLES[block]
        made = table(read_json(REPORTS / f"{report}.json"))
        text = f"{before}<!-- {block} -->\n{made}\n{end}{after}"
    return text


def quality(report: Mapping[str, Any]) -> str:
    """Return the table of all metrics against the static source picture."""
    rows = []
    for name, entry in report["metrics"].items():
        if entry["mean"] is None or name in TURNED:
            continue
        unit = f", {entry['unit']}" if entry["unit"] else ""
        still = report["baseline"].get(name)
        better = f"nearer to {entry['ideal']:g}" if entry["better"] == "ideal" else entry["better"]
        rows.append((f"{entry['title']}{unit}", better, _number(entry["mean"]), _number(still)))
    absent = [entry["title"] for entry in report["metrics"].values() if entry["mean"] is None]
    made = _table(("measure", "better", "Facewire", "source picture repeated"), rows)
    return made + (f"\n\nNot computed here: {', '.join(absent)}." if absent else "")


def turned(report: Mapping[str, Any]) -> str:
    """Return quality by how far the head is turned from the source picture."""
    rows = []
    for low, high in RANGES:
        cells = [f"{low} to {high}°" if high < 180 else f"{low}° and more"]
        for base in BASES:
            name = name_of(base, low)
            cells += [_number(report["metrics"][name]["mean"]), _number(report["baseline"].get(name))]
        rows.append((*cells, str(len(report["metrics"][name_of(BASES[0], low)]["per_clip"]))))
    titles = [title for base in BASES for title in (base.title, f"{base.title}, source repeated")]
    return _table(("head turned by", *titles, "clips"), rows)


def worst(report: Mapping[str, Any]) -> str:
    """Return the clips with the largest L1."""
    clips = sorted(report["metrics"]["l1"]["per_clip"].items(), key=lambda item: -item[1])[:WORST]
    still = report["baseline_per_clip"]["l1"]
    rows = [(name, f"{value:.1f}", f"{still[name]:.1f}") for name, value in clips]
    return _table(("worst clips", "L1", "source picture repeated"), rows)


def measured(report: Mapping[str, Any]) -> str:
    """Return a sentence: what was measured, on what, how."""
    clips, config = report["clips"].values(), report["config"]
    people, frames = len({clip["person"] for clip in clips}), sum(clip["frames"] for clip in clips)
    which = "every frame" if config["stride"] == 1 else f"one frame in {config['stride']}"
    failed = f", {len(report['failed'])} clips failed" if report["failed"] else ""
    looks = f", {config['looks']} looks at each" if config.get("looks", 1) > 1 else ""
    return (
        f"{len(clips)} clips of {people} people, {which}, {frames} frames{failed}{looks}; "
        f"weights {report['hashes']['weights'][:12]}."
    )


def beside(published: PublishedTable) -> Callable[[Mapping[str, Any]], str]:
    """Return what makes a table of the paper's rows with ours below."""

    def made(report: Mapping[str, Any]) -> str:
        rows = [(source, method, *map(printed, numbers)) for source, method, numbers in published.rows]
        ours = [_number(report["metrics"].get(name, {}).get("mean")) for name in published.ours]
        still = [report["baseline"].get(name) for name in published.ours]
        rows.append(("this project's", "Facewire", *ours))
        if any(value is not None for value in still):
            rows.append(("this project's", "source picture repeated", *map(_number, still)))
        return _table(("data", "method", *published.columns), rows) + f"\n\n{published.apart}"

    return made


def ablation(report: Mapping[str, Any]) -> str:
    """Return one row per variant."""
    variants = report["variants"]
    first = next(iter(variants.values()))
    known = [name for name in ABLATED if first["metrics"][name]["mean"] is not None]
    rows = []
    for name, variant in variants.items():
        card = (f"{variant['parameters']:,}", str(variant["keypoints"]), str(variant["steps"]))
        rows.append((name, *card, *(_number(variant["metrics"][metric]["mean"]) for metric in known)))
    rows.append(("source picture repeated", "", "", "", *(_number(first["baseline"][m]) for m in known)))
    titles = [first["metrics"][metric]["title"] for metric in known]
    return _table(("variant", "parameters", "keypoints", "steps", *titles), rows)


def ablation_changes(report: Mapping[str, Any]) -> str:
    """Return how the variants differ from the first one, and whether it is more than noise."""
    (first, before), *others = report["variants"].items()
    rows = []
    for name, after in others:
        changes = {change.name: change for change in compare(before, after).changes}
        cells = [f"{_signed(changes[m].difference)}, {changes[m].verdict}" for m in ABLATED if m in changes]
        rows.append((name, *cells))
    titles = [before["metrics"][m]["title"] for m in ABLATED if before["metrics"][m]["mean"] is not None]
    return _table((f"change from {first}", *titles), rows)


def speed(report: Mapping[str, Any]) -> str:
    """Return the table of speeds: single figures and medians; parts and growth stay in the report."""
    rows = []
    for name, value in report.items():
        if isinstance(value, Mapping) and "median" in value:
            rows.append((name.replace("_", " "), f"{value['median']} (p95 {value['p95']})"))
        elif not isinstance(value, Mapping):
            rows.append((name.replace("_", " "), str(value)))
    return _table(("what", "value"), rows)


def gfvc(report: Mapping[str, Any]) -> str:
    """Return how many times our bits each codec needs, the key picture in every rate: Bjontegaard rates.

    Where curves do not overlap it is said how many times the bits of our default it takes at most, or at least.
    """
    titles = {metric.name: metric.title for metric in METRICS}
    metrics, account = report["bjontegaard_percent"], report["account"]
    anchors = list(next(iter(metrics.values())))

    def times(metric: str, anchor: str) -> str:
        percent = metrics[metric][anchor]
        if isinstance(percent, str):
            return str(report["ratios"][metric][anchor][account]["reason"]).partition(": ")[2] or percent
        return f"{1 + percent / 100:.2f}"

    rows = [(anchor, *(times(metric, anchor) for metric in metrics)) for anchor in anchors]
    return _table(("times our bits, at equal", *(titles[metric] for metric in metrics)), rows)


TABLES: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "quality": ("reconstruction", quality),
    "worst": ("reconstruction", worst),
    "turned": ("reconstruction", turned),
    "measured": ("reconstruction", measured),
    "paper": ("reconstruction", beside(RECONSTRUCTION)),
    "transfer": ("transfer", beside(TRANSFER)),
    "freeview": ("freeview", beside(FRONTALISATION)),
    "canonical": ("canonical", beside(CANONICAL)),
    "ablation": ("ablation", ablation),
    "ablation-changes": ("ablation", ablation_changes),
    "speed": ("speed", speed),
    "gfvc": ("gfvc", gfvc),
    "gfvc-512": ("gfvc-512", gfvc),
}
"""By block: the report it is made from, and how."""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join((lines[0], "|---" * len(head) + "|", *lines[1:]))


def _number(value: float | None) -> str:
    """Return a number with as many digits as mean something."""
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{_number(value)}"


if __name__ == "__main__":
    sys.exit(main())
