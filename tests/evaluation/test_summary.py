"""From rows to numbers, by hand; the bootstrap; comparing two reports."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from facewire.base.errors import ConfigError
from facewire.evaluation.measuring.bootstrap import correlation_statistic, interval, mean_statistic
from facewire.evaluation.measuring.compare import compare
from facewire.evaluation.measuring.rows import Measured, Row, Store
from facewire.evaluation.measuring.summary import document, summarise
from facewire.metrics.absolute_error import L1
from facewire.metrics.apertures import LIP_APERTURE
from facewire.metrics.frechet import FID, FRECHET_SQUEEZE, Moments, frechet_distance
from facewire.metrics.jitter import JITTER
from facewire.metrics.psnr import PSNR

SETS = {FRECHET_SQUEEZE.name: ("truth/f", "result/f", "static/f")}


def row(name: str, group: str, l1: float, **more: Any) -> Row:
    return Row(name=name, group=group, frames=10, values={"l1": l1}, baseline={"l1": 2 * l1}, **more)


def test_means_spreads_baselines_and_failures(tmp_path: Path) -> None:
    rows = [row("a", "p", 4.0), row("b", "q", 8.0), Row(name="c", reason="c.mp4: is damaged")]
    summary = summarise("reconstruction", rows, [L1, PSNR, FID], {"fid": "no file"}, Store(tmp_path, {}))
    entry = summary.entries["l1"]
    assert (entry.mean, entry.std, entry.baseline) == (6.0, 2.0, 12.0)
    assert entry.per_clip == {"a": 4.0, "b": 8.0}
    assert entry.interval is None  # two people
    report = document(summary, {"stride": 1}, {"weights": "w"})
    assert report["metrics"]["l1"]["mean"] == 6.0
    assert report["metrics"]["fid"]["mean"] is None
    assert report["metrics"]["fid"]["not_computed"] == "no file"
    assert report["metrics"]["psnr"]["not_computed"] == "it is not defined in any row"
    assert report["baseline"]["l1"] == 12.0
    assert report["failed"] == {"c": "c.mp4: is damaged"}
    json.dumps(report, allow_nan=False)


def test_correlations_are_pooled_over_their_sums(tmp_path: Path) -> None:
    rows = [
        row("a", "p", 1.0, sums={"lip-correlation": (10, 1.0, 1.0, 1.0)}),
        row("b", "q", 1.0, sums={"lip-correlation": (10, 9.0, 9.0, 0.0)}),
    ]
    entry = summarise("r", rows, [LIP_APERTURE], {}, Store(tmp_path, {})).entries["lip-correlation"]
    assert entry.pooled
    assert entry.mean == pytest.approx(0.1)


def test_distances_of_sets_join_all_rows(tmp_path: Path) -> None:
    store, rng = Store(tmp_path, {}), np.random.default_rng(0)
    vectors = {side: rng.normal(size=(2, 30, 3)).astype(np.float16) for side in ("truth", "result", "static")}
    rows = [row("a", "p", 1.0), row("b", "q", 2.0)]
    for index, own in enumerate(rows):
        store.put("key", Measured(own, {f"{side}/f": v[index] for side, v in vectors.items()}))
    entry = summarise("r", rows, [FRECHET_SQUEEZE], {}, store, SETS).entries["frechet-squeeze"]
    whole = {side: Moments.of(v.reshape(60, 3)) for side, v in vectors.items()}
    assert entry.mean == pytest.approx(frechet_distance(whole["result"], whole["truth"]))
    assert entry.baseline == pytest.approx(frechet_distance(whole["static"], whole["truth"]))
    assert entry.per_clip == {}
    lonely = summarise("r", rows, [FRECHET_SQUEEZE], {}, Store(tmp_path / "empty", {}), SETS)
    assert lonely.entries["frechet-squeeze"].absent == "there are too few frames"


def test_the_interval_of_a_mean_is_about_two_standard_errors() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(5, 2, 60)
    numbers = {str(i): (float(v), 1.0) for i, v in enumerate(values)}
    found = interval(numbers, {}, mean_statistic)
    assert found is not None
    error = values.std() / np.sqrt(60)
    assert found == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.3 * error
    )


def test_clips_of_one_person_are_drawn_together() -> None:
    numbers = {f"{person}{copy}": (float(person), 1.0) for person in range(6) for copy in range(10)}
    alone = interval(numbers, {}, mean_statistic)
    together = interval(numbers, {name: name[0] for name in numbers}, mean_statistic)
    assert alone is not None
    assert together is not None
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_intervals_need_three_people_and_something_defined() -> None:
    assert interval({"a": (1.0, 1.0), "b": (2.0, 1.0)}, {}, mean_statistic) is None
    still = dict.fromkeys("abc", (5.0, 0.0, 1.0, 0.0))
    assert interval(still, {}, correlation_statistic) is None


def report(shift: float, spread: float, seed: int = 0) -> dict[str, Any]:
    """A report of 20 clips whose L1 is 10 + its own + shift + noise."""
    rng, noise = np.random.default_rng(7), np.random.default_rng(seed)
    rows = []
    for index, own in enumerate(rng.normal(0, 4, 20)):
        moving = (30, 1.0, 1.0, 0.5 + 0.4 * (shift < 0))
        value = 10 + own + shift + spread * noise.normal()
        values = {"l1": value, "jitter": 0.5 + shift / 10, "psnr": 20 - value}
        rows.append(Row(name=str(index), group=str(index), values=values, sums={LIP_APERTURE.name: moving}))
    metrics = [L1, PSNR, JITTER, LIP_APERTURE]
    with TemporaryDirectory() as folder:
        summary = summarise("reconstruction", rows, metrics, {}, Store(Path(folder), {}))
    written = json.dumps(document(summary, {"stride": 1, "clips": 20}, {"nets": {}, "data": "d"}))
    found: dict[str, Any] = json.loads(written)
    return found


def test_a_small_change_in_every_clip_is_seen_through_large_differences_between_clips() -> None:
    changes = {change.name: change for change in compare(report(0, 0), report(-0.5, 0.3, seed=1)).changes}
    assert changes["l1"].verdict == "better"
    assert changes["l1"].difference == pytest.approx(-0.5, abs=0.25)
    assert changes["psnr"].verdict == "better"
    assert changes["jitter"].verdict == "better"  # nearer to zero
    assert changes["jitter"].difference == pytest.approx(-0.05)
    assert changes["lip-correlation"].verdict == "better"
    assert changes["lip-correlation"].difference == pytest.approx(0.4)


def test_noise_is_called_noise_and_worse_is_called_worse() -> None:
    changes = {change.name: change for change in compare(report(0, 0.5), report(0, 0.5, seed=3)).changes}
    assert changes["l1"].verdict == "within noise"
    back = {change.name: change for change in compare(report(-0.5, 0), report(0.5, 0)).changes}
    assert back["l1"].verdict == "worse"
    assert back["psnr"].verdict == "worse"


def test_a_correlation_whose_ideal_is_zero_is_better_when_nearer_to_it() -> None:
    before, after = report(0, 0), report(0, 0)
    for document_, product in ((before, -0.9), (after, 0.1)):
        card = document_["metrics"]["lip-correlation"]
        card |= {
            "better": "ideal",
            "ideal": 0.0,
            "sums": {clip: [30, 1.0, 1.0, product] for clip in card["sums"]},
        }
    change = {change.name: change for change in compare(before, after).changes}["lip-correlation"]
    assert (change.before, change.after) == pytest.approx((0.9, 0.1))
    assert change.verdict == "better"


def test_only_shared_clips_are_compared_and_differences_of_the_setup_are_told() -> None:
    before, after = report(0, 0), report(0, 0)
    del after["clips"]["3"]
    del after["metrics"]["l1"]["per_clip"]["3"]
    after["config"]["stride"] = 5
    found = compare(before, after)
    assert found.clips == 19
    assert any("19 clips are in both" in warning for warning in found.warnings)
    assert any("stride differs" in warning for warning in found.warnings)


def test_reports_of_two_protocols_are_not_compared() -> None:
    with pytest.raises(ConfigError):
        compare(report(0, 0), report(0, 0) | {"protocol": "freeview"})
    with pytest.raises(ConfigError):
        compare({}, {})
