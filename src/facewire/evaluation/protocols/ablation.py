"""Ablation: several weights files, measured by reconstruction on the same clips, in one table (paper Table 5).

    weights A, B, C -> reconstruction each -> REPORT/NAME/report.* -> one table, differences to the first, one strip

What a variant is (keypoints, steps, notes of its training) is read from its manifest and printed beside its numbers:
whether they were trained alike is not something that an evaluation can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewire.animation.animator import Animator
from facewire.base.files import write_json
from facewire.evaluation.measuring.clips import EvaluationClip
from facewire.evaluation.measuring.compare import Change, compare
from facewire.evaluation.measuring.settings import Settings
from facewire.evaluation.protocols.reconstruction import RANKING, replay
from facewire.evaluation.protocols.run import Outcome
from facewire.evaluation.reports.page import Embedded, Page, Section, Table, Text, write_page
from facewire.evaluation.reports.pages import NONE, published_table, shown
from facewire.evaluation.reports.published import ABLATION
from facewire.evaluation.reports.showcase import spread_columns, strip
from facewire.media.frame import Pixels
from facewire.networks.presets import parameter_count

NAME = "ablation"
SCHEMA = 1
STRIP_FRAMES = 100
"""Frames of a clip, after the source, that the columns of its strip are taken from."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One model of an ablation.

    name      short, unique
    card      what it is: preset, parameters, keypoints, steps, notes
    document  its reconstruction report
    """

    name: str
    card: Mapping[str, Any]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AblationOutcome:
    """What an ablation left behind."""

    document: Mapping[str, Any]
    variants: Sequence[Variant]
    failed: Mapping[str, str]
    page: Path


def ablate(
    weights: Sequence[str],
    load: Callable[[str], Animator],
    measure: Callable[[Animator, Path], Outcome],
    clips: Sequence[EvaluationClip],
    output: Path,
    kept: int | None = None,
) -> AblationOutcome:
    """Measure several models and write their table.

    Args:
        weights: names or files.
        load: loads one of them; one model is in memory at a time.
        measure: runs the reconstruction protocol of a model into a folder.
        clips: what is measured, for pictures.
        output: REPORT; each model's own report goes into a folder inside.
        kept: keypoints used; None means all.
    """
    output.mkdir(parents=True, exist_ok=True)
    variants: list[Variant] = []
    failed: dict[str, str] = {}
    names = short_names(weights)
    for name, path in zip(names, weights, strict=True):
        animator = load(path)
        outcome = measure(animator, output / name)
        failed |= {f"{name}: {clip}": reason for clip, reason in outcome.summary.failed.items()}
        variants.append(Variant(name, _card(animator), outcome.document))
    document = {
        "schema": SCHEMA,
        "protocol": NAME,
        "variants": {variant.name: {**variant.card, **variant.document} for variant in variants},
        "failed": failed,
    }
    write_json(output / "report.json", document)
    own = [
        _side_by_side(clip, zip(names, weights), load, kept, output) for clip in _typical(variants[0], clips)
    ]
    page = write_page(_page(variants, own), output / "report.html")
    return AblationOutcome(document, variants, failed, page)


def short_names(weights: Sequence[str]) -> list[str]:
    """Return a short name for each file: its stem; the name of its folder where stems repeat, else numbered."""
    stems = [Path(path).stem for path in weights]
    names = [Path(path).parent.name if stems.count(stem) > 1 else stem for path, stem in zip(weights, stems)]
    return [f"{name}-{index}" if names.count(name) > 1 else name for index, name in enumerate(names)]


def _card(animator: Animator) -> dict[str, Any]:
    manifest = animator.manifest
    return {
        "preset": manifest.preset,
        "parameters": parameter_count(animator.model),
        "keypoints": animator.keypoints,
        "steps": manifest.provenance.steps,
        "notes": manifest.provenance.notes,
    }


def _typical(variant: Variant, clips: Sequence[EvaluationClip]) -> list[EvaluationClip]:
    """Return the median and the worst clip of a variant."""
    metrics = variant.document["metrics"]
    known = (metrics[name]["per_clip"] for name in RANKING)
    per_clip: Mapping[str, float] = next(filter(None, known), {})
    order = sorted(per_clip, key=lambda name: per_clip[name])
    wanted = dict.fromkeys([*order[len(order) // 2 :][:1], *order[-1:]])
    by_name = {clip.name: clip for clip in clips}
    return [by_name[name] for name in wanted if name in by_name]


def _side_by_side(
    clip: EvaluationClip,
    named: Iterable[tuple[str, str]],
    load: Callable[[str], Animator],
    kept: int | None,
    folder: Path,
) -> Embedded:
    """Return a strip: the driver, then the same frames of every variant."""
    rows: list[list[Pixels]] = []
    labels = ["driver"]
    places: list[int] = []
    for name, path in named:
        frames = list(replay(load(path), clip, Settings(kept=kept), STRIP_FRAMES))
        source, places = frames[0][0], spread_columns(len(frames))
        if not rows:
            rows.append([source, *(frames[place][1] for place in places)])
        rows.append([source, *(frames[place][2] for place in places)])
        labels.append(name)
    columns = ["source", *(f"frame {place + 1}" for place in places)]
    return strip(folder / f"{clip.name}.jpg", rows, labels, columns, clip.name)


def _page(variants: Sequence[Variant], pictures: Sequence[Embedded]) -> Page:
    first = variants[0]
    names = [name for name, card in first.document["metrics"].items() if card["mean"] is not None]
    titles = [first.document["metrics"][name]["title"] for name in names]
    rows = [[v.name, *(shown(v.document["metrics"][name]["mean"]) for name in names)] for v in variants]
    rows.append(["baseline", *(shown(first.document["baseline"][name]) for name in names)])
    cards = [
        [v.name, *(_cell(v.card[key]) for key in ("preset", "parameters", "keypoints", "steps", "notes"))]
        for v in variants
    ]
    sections = [
        Section(
            "Variants",
            [Table(["variant", "preset", "parameters", "keypoints", "steps", "notes"], cards, texts=2)],
        ),
        Section(
            "Result",
            [Table(["variant", *titles], rows, frozenset({0}), "Baseline: the source picture as it is.")],
        ),
        Section(
            "Against the first variant", [_differences(variants, names, titles)] if len(variants) > 1 else []
        ),
        Section("Beside the paper", [published_table(ABLATION, _paper_rows(variants))]),
        Section("Median and worst clip of the first variant", pictures),
    ]
    if any(len(v.document["failed"]) for v in variants):
        text = "Some clips failed and are in no number; each variant's own report says which and why."
        sections.insert(0, Section("Failures", [Text(text, warning=True)]))
    clips = len(first.document["clips"])
    return Page(
        "Facewire: ablation", f"{len(variants)} models, reconstruction of {clips} clips each", sections
    )


def _differences(variants: Sequence[Variant], names: Sequence[str], titles: Sequence[str]) -> Table:
    """Return one row per metric, one column per further variant."""
    others = variants[1:]
    changes = [{c.name: c for c in compare(variants[0].document, v.document).changes} for v in others]
    rows = [
        [title, *(_difference(own[name]) if name in own else NONE for own in changes)]
        for name, title in zip(names, titles, strict=True)
    ]
    caption = f"Change from {variants[0].name}, 95 % interval of the paired bootstrap over people, and what it says."
    return Table(["metric", *(v.name for v in others)], rows, caption=caption)


def _difference(change: Change) -> str:
    spread = f" ({shown(change.interval[0])} to {shown(change.interval[1])})" if change.interval else ""
    return f"{shown(change.difference)}{spread}, {change.verdict}"


def _paper_rows(variants: Sequence[Variant]) -> list[tuple[str, list[float | None]]]:
    return [
        (v.name, [v.document["metrics"].get(name, {}).get("mean") for name in ABLATION.ours])
        for v in variants
    ]


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value) or NONE
