"""A call between two pages with the real networks: pictures a second, glass to glass, lips against sound.

    facewire web -o site/
    python benchmarks/web_call.py site/ --seconds 40
    python benchmarks/web_call.py site/ --json > docs/reports/web-call.json

Two headless Chromiums with the page of a call, a head that sways and a voice before camera and microphone A, compared
with what page B draws and plays as `call_browsers.py` does it; the pictures count as shown when they are drawn, so
that the compositor comes on top. B's camera is off unless --both is given: then two machines' work is done by one.
Ordinary video is forbidden, so that a slow machine shows what synthesis gives. Needs Chromium.
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
from facewire.web.folder import HEADERS

sys.path.insert(0, str(Path(__file__).parents[1]))
from call_browsers import EARS, RATE, RECORDER, delays_of, loudness, swaying, write_syllables
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium, write_y4m
from tests.web.pages import call, click, flows, ready, served, text

SETTLE_SECONDS = 8.0
CANVAS = """(() => {
  const canvas = document.getElementById("remote"), side = 96;
  const small = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  const pen = canvas.getContext("2d");
  window.seen = [];
  const note = () => {
    small.drawImage(canvas, 0, 0, side, side);
    const data = small.getImageData(0, 0, side, side).data;
    const columns = new Array(side).fill(0);
    for (let at = 0; at < data.length; at += 4) columns[(at / 4) % side] += data[at + 1] / side;
    window.seen.push([(performance.timeOrigin + performance.now()) / 1000, ...columns]);
  };
  for (const name of ["putImageData", "drawImage"]) {
    const own = pen[name];
    pen[name] = (...given) => { own.apply(pen, given); note(); };
  }
})()"""


def main() -> None:
    """Call, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("site", type=Path, help="folder that facewire web wrote")
    parser.add_argument("--seconds", type=float, default=40.0, help="of call that are measured (default: 40)")
    parser.add_argument("--both", action="store_true", help="both cameras on")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = asyncio.run(measured(Path(folder), given.site, given.seconds, given.both))
    if given.json:
        print(json.dumps(report, indent=2))
        return
    for name, value in report.items():
        print(f"{name:<20}{value}")


async def measured(folder: Path, site: Path, seconds: float, both: bool) -> dict[str, Any]:
    """Hold one call and return the report."""
    camera, microphone = folder / "camera.y4m", folder / "microphone.wav"
    write_y4m(camera, swaying(), RATE)
    write_syllables(microphone)
    for name in "ab":
        (folder / name).mkdir()
    async with (
        served(SignalServer(site=Site(site, HEADERS)).app) as signal,
        Chromium(folder / "a", camera, microphone=microphone) as a,
        Chromium(folder / "b", camera) as b,
    ):
        for page in (a, b):
            await ready(page, f"http://127.0.0.1:{signal}/")
            await click(page, "video")
        await call(a, b)
        await flows(b)
        if not both:
            await click(b, "camera")
        await asyncio.sleep(SETTLE_SECONDS)
        await b.value(CANVAS)
        await a.value(RECORDER.replace("NAME", "self").replace("CLOCKS", '["captureTime"]'))
        await a.value(EARS.replace("NAME", "self"))
        await b.value(EARS.replace("NAME", "sound"))
        await asyncio.sleep(seconds)
        return {"cameras": 2 if both else 1, **await compared(a, b, seconds)}


async def compared(a: Browser, b: Browser, seconds: float) -> dict[str, Any]:
    """Return how page B follows what stands before page A."""
    seen, heard = [
        [np.array(json.loads(await page.value(f"JSON.stringify(window.{name})"))) for page in (a, b)]
        for name in ("seen", "heard")
    ]
    lips, likeness, windows = delays_of(seen[0], seen[1])
    sound, alike, _ = delays_of(*(loudness(one) for one in heard))
    both = len(lips) and len(sound)
    return {
        "shown_per_s": round(len(seen[1]) / seconds, 1),
        "read_per_s": float(await text(a, "sent-frames")),
        "glass_to_glass_ms": round(float(np.median(lips))) if len(lips) else None,
        "likeness": round(float(np.median(likeness)), 2) if len(lips) else None,
        "windows": [len(lips), windows],
        "sound_ms": round(float(np.median(sound))) if len(sound) else None,
        "sound_likeness": round(float(np.median(alike)), 2) if len(sound) else None,
        "sound_after_lips_ms": round(float(np.median(sound) - np.median(lips))) if both else None,
        "kbit_per_s": float(await text(b, "received-ip")),
        "step": await text(a, "step"),
        "playout_delay": await text(b, "delay"),
        "connected": await text(b, "connected"),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
