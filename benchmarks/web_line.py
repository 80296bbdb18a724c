"""A call between two pages through a line that loses, reorders and is cut: what does a viewer see?

    python benchmarks/web_line.py --seconds 60 --cut 60
    python benchmarks/web_line.py --json > docs/reports/web-line.json
    python benchmarks/web_line.py --site site/ --seconds 20 --json > docs/reports/web-line-networks.json

Two Chromiums with the page of a call, real WebRTC, every packet through the modelled line of the browser tests;
networks are stand-ins that compute nothing, so that a busy machine measures the line and not itself, or with --site
those of a folder that `facewire web` wrote; ordinary video is forbidden then. "freeze" is how long the picture stood
still, "back" how long after the end of the cut it moved again. Needs Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from facewire.call.meeting.signal_server import SignalServer
from facewire.call.meeting.site import Site
from facewire.transport.link import LinkSettings
from facewire.web.folder import HEADERS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium
from tests.web.modelled_line import WAYS, ModelledLine  # the line of the browser tests
from tests.web.pages import call, click, ready, served, write_camera
from tests.web.stand_in_site import write_stand_in_site

DRAWN = """(() => {
  const pen = document.getElementById("remote").getContext("2d"), own = pen.putImageData;
  window.drawn = [];
  pen.putImageData = (...given) => { own.apply(pen, given); drawn.push([performance.now()]); };
})()"""
"""Notes when pictures are drawn, as the stand-ins do by themselves."""
SETTLE_SECONDS = 5.0
WAIT_SECONDS = 120.0


def main() -> None:
    """Call, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of call before the cut (default: 60)")
    parser.add_argument("--cut", type=float, default=60.0, help="seconds of the cut (default: 60)")
    parser.add_argument("--loss", type=float, default=0.1, help="share of packets (default: 0.1)")
    parser.add_argument("--reorder", type=float, default=0.1, help="share of packets (default: 0.1)")
    parser.add_argument("--site", type=Path, help="folder with the networks (default: stand-ins)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    settings = LinkSettings(delay_ms=40, jitter_ms=5, loss=given.loss, reorder=given.reorder)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = asyncio.run(measured(Path(folder), given.site, settings, given.seconds, given.cut))
    if given.json:
        print(json.dumps(report, indent=2))
        return
    for name, value in report.items():
        print(f"{name:<26}{value}")


async def measured(
    folder: Path, site: Path | None, settings: LinkSettings, seconds: float, cut: float
) -> dict[str, Any]:
    """Hold one call and return the report."""
    camera = write_camera(folder / "camera.y4m", 25)
    for name in "ab":
        (folder / name).mkdir()
    server = SignalServer(site=Site(site or write_stand_in_site(folder / "site"), HEADERS))
    line = ModelledLine(settings)
    async with (
        served(line.added_to(server.app)) as signal,
        Chromium(folder / "a", camera) as a,
        Chromium(folder / "b", camera) as b,
    ):
        pages = (a, b)
        for page in pages:
            await ready(page, f"http://127.0.0.1:{signal}/")
            await page.value(WAYS.replace("SERVER", ""))
            if site is not None:
                await page.value(DRAWN)
                await click(page, "video")
        await call(a, b)
        await asyncio.sleep(SETTLE_SECONDS)
        shown = await asyncio.gather(*(steady(page, seconds) for page in pages))
        report = {
            "networks": "stand-ins" if site is None else "real",
            "packets": line.sent,
            "lost": round(line.lost / line.sent, 3),
            "reordered": settings.reorder,
            "pictures_per_s": [round(len(times) / seconds, 1) for times in shown],
            "longest_freeze_ms": [round(float(np.diff(times).max())) for times in shown],
            "freeze_p99_ms": [round(float(np.percentile(np.diff(times), 99))) for times in shown],
        }
        line.cut = True
        await asyncio.sleep(cut)
        line.cut = False
        came = asyncio.get_running_loop().time()
        report["cut_s"] = cut
        report["back_s"] = await asyncio.gather(*(back(page, came) for page in pages))
        line.close()
    return report | {"load": round(os.getloadavg()[0], 1)}


async def steady(page: Browser, seconds: float) -> list[float]:
    """Return when pictures were drawn, milliseconds."""
    await page.value("drawn.length = 0")
    await asyncio.sleep(seconds)
    return [float(one) for one in json.loads(await page.value("JSON.stringify(drawn.map(([time]) => time))"))]


async def back(page: Browser, since: float) -> float:
    """Return the seconds until the call is live and pictures are drawn."""
    await page.value("drawn.length = 0")
    moving = "document.body.dataset.state == 'live' && drawn.length > 2"
    await page.until(moving, WAIT_SECONDS)
    return round(asyncio.get_running_loop().time() - since, 1)


if __name__ == "__main__":
    main()
