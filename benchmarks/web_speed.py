"""How fast the page's sender and receiver are, beside the same graphs in native onnxruntime, in one run.

    facewire web -o site/
    python benchmarks/web_speed.py site/
    python benchmarks/web_speed.py site/ --frames 40 --json > docs/reports/web.json

Chromium and the native engine compute alternately, a few frames each, so that whatever else the machine does meets
both; the best frame of each counts, and the ratio of the two says more than either. "sender" is everything from a
bitmap of 640 x 480 to a motion in the page, beside `read` alone; "receiver" is from a motion to a picture. Needs
Chromium. `npm run bench -- SITE` in web/ does the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import web
from skimage.data import astronaut

from facewire.engines.artefact import FLOAT32, ONNX, cached
from facewire.engines.graph_engine import GraphEngine
from facewire.engines.onnx_runner import OnnxRunner
from facewire.media.image import resize
from facewire.networks.weights import load_model
from facewire.web.folder import HEADERS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.call.browsers.chromium import Chromium  # the driver of the browser tests

ROUNDS = 4
WAIT_SECONDS = 600.0
PAGE = """(async () => {
  const { FaceSender } = await import("/face/index.js");
  const { Renderer } = await import("/render/index.js");
  const threads = THREADS, base = location.origin + "/";
  const sender = new FaceSender(base, () => {}, { threads });
  const renderer = new Renderer(base, () => {}, { threads, gpu: false });
  await Promise.all([sender.ready, renderer.ready]);
  const photo = await createImageBitmap(await (await fetch("/photo")).blob());
  let time = 0;
  const look = async () => sender.look(await createImageBitmap(photo), time += 0.04, { crop: true });
  const { crop } = await look();
  const { id, motion } = await renderer.introduce(crop);
  const best = async (task, count) => {
    let least = Infinity;
    for (let number = 0; number < count; number++) least = Math.min(least, (await task()).milliseconds);
    return least;
  };
  globalThis.measure = {
    sender: (count) => best(look, count),
    receiver: (count) => best(() => renderer.render(id, motion, 20), count),
  };
  globalThis.ready = true;
})().catch((error) => { globalThis.ready = String(error); }); 0"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("site", type=Path, help="what `facewire web` wrote")
    parser.add_argument(
        "--frames", type=int, default=20, help="of each kind and number of threads (default: 20)"
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="(default: 1 2)")
    parser.add_argument("--json", action="store_true", help="a report instead of a table")
    given = parser.parse_args()
    rows = asyncio.run(measured(given.site, given.frames, given.threads))
    report = {
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "frames": given.frames,
        "best_ms": rows,
    }
    if given.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{'':22}{'page':>10}{'native':>10}{'ratio':>8}   ms a frame, best of {given.frames}")
    for row in rows:
        print(f"{row['part']}, {row['threads']} threads".ljust(22), end="")
        print(f"{row['page']:10.1f}{row['native']:10.1f}{row['ratio']:8.1f}")


async def measured(site: Path, frames: int, threads: list[int]) -> list[dict[str, Any]]:
    """Return a row for each part and number of threads."""
    model, manifest = load_model()
    artefact, _ = cached(model, manifest.sha256, ONNX, FLOAT32)
    rows = []
    async with served(site) as address:
        for count in threads:
            native = tasks(GraphEngine(artefact, OnnxRunner(artefact, count), count))
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                async with Chromium(Path(folder) / "profile", Path(folder) / "none") as browser:
                    await browser.open(address)
                    await browser.value(PAGE.replace("THREADS", str(count)))
                    assert (state := await browser.until("globalThis.ready", WAIT_SECONDS)) is True, state
                    rows += [await row(browser, part, count, frames, task) for part, task in native.items()]
    return rows


async def row(
    browser: Any, part: str, threads: int, frames: int, task: Callable[[], object]
) -> dict[str, Any]:
    """Return the best times of one part, the page and the native engine taking turns."""
    some = -(-frames // ROUNDS)
    page = own = float("inf")
    task()
    for _ in range(ROUNDS):
        await browser.value(
            f"measure.{part}({some}).then((best) => {{ globalThis.best = best; }}); best = null"
        )
        page = min(page, await browser.until("globalThis.best", WAIT_SECONDS))
        own = min(own, *(1000 * seconds(task) for _ in range(some)))
    return {
        "part": part,
        "threads": threads,
        "page": round(page, 1),
        "native": round(own, 1),
        "ratio": round(page / own, 2),
    }


def seconds(task: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def tasks(engine: GraphEngine) -> dict[str, Callable[[], object]]:
    """Return what the native engine does of each part."""
    picture = resize(astronaut()[0:256, 96:352], (256, 256))
    person, square = engine.identity(picture), engine.read(picture).square
    return {
        "sender": lambda: engine.read(picture, square),
        "receiver": lambda: engine.render(person, person.motion),
    }


@asynccontextmanager
async def served(site: Path) -> AsyncIterator[str]:
    """Serve a site with the headers that threads need, and a picture of 640 x 480; yield the address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/photo":
            return web.Response(body=photo(), content_type="image/png", headers=HEADERS)
        return web.FileResponse(site / (request.path.lstrip("/") or "index.html"), headers=HEADERS)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def photo() -> bytes:
    """Return what the page's camera sees, as PNG."""
    import io

    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(resize(astronaut()[:384], (640, 480)))).save(held, "PNG")
    return held.getvalue()


if __name__ == "__main__":
    main()
