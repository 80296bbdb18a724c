"""The folder of `facewire web`, with the shipped model's graphs, written once for all tests that need it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from facewire.engines.artefact import Artefact
from facewire.web.folder import HEADERS, write_folder
from tests.call.browsers.browser import Browser
from tests.conftest import MadeGraphs

from .both_sides import ROOT

RUNTIME = ROOT / "web" / "node_modules" / "onnxruntime-web" / "dist"


@pytest.fixture(scope="session")
def web_site(
    tmp_path_factory: pytest.TempPathFactory, onnx_graphs: Artefact, made_graphs: MadeGraphs
) -> Path:
    return write_folder(
        onnx_graphs, made_graphs.finder, RUNTIME, tmp_path_factory.mktemp("web") / "site"
    ).folder


@asynccontextmanager
async def served(site: Path, isolated: bool) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve a folder as a static host does; yield the address and the paths that were asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.path}")
        name = request.path.lstrip("/") or "index.html"
        return web.FileResponse(site / name, headers=HEADERS if isolated else None)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def drop(browser: Browser, name: str, data: bytes) -> None:
    text = base64.b64encode(data).decode()
    await browser.value(
        "(() => { const held = new DataTransfer();"
        f"const bytes = Uint8Array.from(atob('{text}'), (one) => one.charCodeAt(0));"
        f"held.items.add(new File([bytes], '{name}'));"
        "document.dispatchEvent(new DragEvent('drop', { dataTransfer: held, bubbles: true })); })()"
    )
