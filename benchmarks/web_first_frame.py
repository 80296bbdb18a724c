"""How much the player fetches, and how long its first picture takes: at a first visit, and at the second.

    facewire web -o site/
    python benchmarks/web_first_frame.py site/ --times 3

A server on this machine packs what it sends (gzip), as `facewire signal --site` does. Time runs from the beginning of
the visit to the first picture of the file, which is dropped as soon as the page takes it; every cold visit has a
browser of its own with an empty profile, the warm one is the next visit of the same. Needs Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

import facewire
from facewire.call.meeting.site import Site
from facewire.web.folder import HEADERS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.call.browsers.browser import Browser  # the driver of the browser tests
from tests.call.browsers.chromium import Chromium
from tests.web.conftest import drop

DEMO = Path(facewire.__file__).parent / "assets" / "demo.fwv"
WAIT_SECONDS = 120.0
WATCH = """new MutationObserver(() => { globalThis.first ??= performance.now(); })
  .observe(document.body, { attributes: true, attributeFilter: ["data-frame"] })"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("site", type=Path, help="what `facewire web` wrote")
    parser.add_argument("talk", type=Path, nargs="?", default=DEMO, help="a .fwv file (default: the demo's)")
    parser.add_argument("--times", type=int, default=3, help="cold and warm visits (default: 3)")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measured(given.site, given.talk, given.times)), indent=2))


async def measured(site: Path, talk: Path, times: int) -> dict[str, Any]:
    """Return megabytes and seconds of each visit."""
    rows: dict[str, Any] = {"cold_s": [], "warm_s": [], "cold_mb": [], "warm_mb": []}
    async with served(site) as (address, sent):
        for _ in range(times):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                async with Chromium(Path(folder), Path(folder) / "none") as browser:
                    for kind in ("cold", "warm"):
                        sent.clear()
                        rows[f"{kind}_s"].append(await visit(browser, address, talk))
                        rows[f"{kind}_mb"].append(round(sum(sent) / 1e6, 2))
    return rows | {"load": round(os.getloadavg()[0], 1)}


async def visit(browser: Browser, address: str, talk: Path) -> float:
    """Return the seconds from the beginning of a visit to the first picture."""
    await browser.open(address)
    await browser.value(WATCH)
    await drop(browser, talk.name, talk.read_bytes())
    return round(float(await browser.until("globalThis.first", WAIT_SECONDS)) / 1000, 2)


@asynccontextmanager
async def served(site: Path) -> AsyncIterator[tuple[str, list[int]]]:
    """Serve a site; yield the address of its player and the bytes of every answer."""
    sent: list[int] = []

    @web.middleware
    async def counting(request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        answer: web.Response = await handler(request)
        sent.append(len(answer.body) if isinstance(answer.body, bytes) else 0)
        return answer

    app = web.Application(middlewares=[counting])
    Site(site, HEADERS).add_to(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        address = f"http://localhost:{runner.addresses[0][1]}"
        await pack(address, site)
        yield f"{address}/index.html", sent
    finally:
        await runner.cleanup()


async def pack(address: str, site: Path) -> None:
    """Ask for everything once: a server packs a file when it is asked for first."""
    async with aiohttp.ClientSession() as client:
        for path in sorted(path for path in site.rglob("*") if path.is_file() and path.name != "_headers"):
            async with client.get(f"{address}/{path.relative_to(site).as_posix()}") as answer:
                await answer.read()


if __name__ == "__main__":
    main()
