"""The folder of `facewire web` in a real browser: a dropped file is shown as the decoder in Python shows it.

Needs Chromium and onnxruntime-web (`npm ci` in web/); without them these tests are skipped.
"""

from __future__ import annotations

import asyncio
import base64
import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.animation.view import ViewPath
from facewire.bitstream.header import FILE
from facewire.bitstream.sections import MIME_PNG
from facewire.codec.state import MotionFrame
from facewire.codec.tables.shipped import shipped_tables
from facewire.codec.talk import TalkReader, TalkWriter, talk_header
from facewire.media.image import resize
from facewire.talks.bridge import to_frames
from facewire.talks.coding_tables import shelf_of
from facewire.talks.decoder import DecodeOptions, Receiver
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium, chromium

from .conftest import RUNTIME, drop, served

Pixels = NDArray[np.uint8]
FRAMES = 8
LEAST_DB = 40.0
KEY_DEGREES = 5.0
"""That an arrow key turns the head."""
SIZES = ((1280, 860, False), (390, 844, True))

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.skipif(not RUNTIME.is_dir(), reason="onnxruntime-web is not there: npm ci in web/"),
]


@dataclass(frozen=True)
class Talk:
    """A .fwv file, and its pictures as Python shows them: as they are, and turned by a view."""

    data: bytes
    animator: Animator

    def pictures(self, yaw: float = 0.0) -> list[Pixels]:
        reader = TalkReader(io.BytesIO(self.data), shelf_of(self.animator).find)
        receiver = Receiver(self.animator, options=DecodeOptions(view=ViewPath(yaw=(yaw,))), side=256)
        shown = [one for item in reader for one in receiver.take(item)]
        return [one.picture for one in (*shown, *receiver.flush())]


@pytest.fixture(scope="module")
def talk() -> Talk:
    animator = Animator.load()
    photo = resize(astronaut()[0:256, 96:352], (256, 256))
    (own,) = to_frames(animator.motion([photo]))
    tables = shipped_tables()
    sink, held = io.BytesIO(), io.BytesIO()
    Image.fromarray(photo).save(held, "PNG")
    header = talk_header(
        FILE,
        tables,
        weights_sha256=bytes.fromhex(animator.manifest.sha256),
        size=(256, 256),
        fps=Fraction(25),
        keypoints=tables.keypoints,
    )
    writer = TalkWriter(sink, header, tables)
    writer.source(own, held.getvalue(), MIME_PNG)
    for number in range(FRAMES):
        turn = number * np.array((0.03, 0.02, -0.02), np.float32)
        writer.frame(MotionFrame(own.angles + turn, own.translation, own.expression))
    writer.finish()
    return Talk(sink.getvalue(), animator)


async def seek(browser: Browser, number: int) -> None:
    await browser.value(
        f"(() => {{ const seek = document.getElementById('seek'); seek.value = '{number}';"
        "seek.dispatchEvent(new Event('input')); })()"
    )
    await browser.until(f"document.body.dataset.frame == '{number}'", 120)


async def drawn(browser: Browser) -> Pixels:
    text = await browser.value(
        "(() => { const canvas = document.getElementById('picture');"
        "const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        "let text = ''; for (const byte of data) text += String.fromCharCode(byte); return btoa(text); })()"
    )
    picture: Pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(256, 256, 4)[..., :3]
    return picture


def decibels(a: Pixels, b: Pixels) -> float:
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


async def looks_right(browser: Browser, folder: Path, name: str) -> None:
    """Take a picture at both sizes; nothing reaches beyond the window."""
    for width, height, phone in SIZES:
        await browser.size(width, height, phone=phone)
        await browser.screenshot(folder / f"{name}-{width}.png")
        assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), (name, width)


@pytest.mark.parametrize("isolated", [False, True], ids=["plain", "isolated"])
def test_a_dropped_file_is_shown_as_the_decoder_shows_it(
    tmp_path: Path, web_site: Path, talk: Talk, isolated: bool
) -> None:
    asyncio.run(asyncio.wait_for(played(tmp_path, web_site, talk, isolated), 500))


async def played(folder: Path, site: Path, talk: Talk, isolated: bool) -> None:
    pictures, turned = talk.pictures(), talk.pictures(2 * KEY_DEGREES)
    async with (
        served(site, isolated) as (address, asked),
        Chromium(folder / "profile", folder / "none") as browser,
    ):
        await browser.open(address)
        assert await browser.value("crossOriginIsolated") is isolated
        await looks_right(browser, folder, "empty")
        await drop(browser, "talk.fwv", talk.data)
        await browser.until("document.body.dataset.state == 'live'", 300)
        await looks_right(browser, folder, "playing")
        before = len(asked)
        for number in (0, FRAMES // 2, FRAMES - 1):
            await seek(browser, number)
            assert decibels(await drawn(browser), pictures[number]) > LEAST_DB
        for _ in range(2):
            await browser.value(
                "document.getElementById('face').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))"
            )
        await asyncio.sleep(1)
        await seek(browser, 2)
        assert decibels(await drawn(browser), turned[2]) > LEAST_DB
        assert decibels(await drawn(browser), pictures[2]) < LEAST_DB
        assert asked[before:] == []
        assert all(line.startswith("GET ") for line in asked)

        await drop(browser, "photo.fwv", b"not a talk")
        await browser.until("document.body.dataset.state == 'idle'")
        said = await browser.value("document.getElementById('problem').textContent")
        assert said == "photo.fwv: byte 0: this is not a Facewire stream: check the file"
        await looks_right(browser, folder, "error")
        await drop(browser, "cut.fwv", talk.data[:-20])
        await browser.until("document.body.dataset.state == 'live'", 120)
        assert "ends too early" in await browser.value("document.getElementById('problem').textContent")
        assert browser.console == []


def test_the_networks_are_kept_and_checked(tmp_path: Path, web_site: Path, talk: Talk) -> None:
    asyncio.run(asyncio.wait_for(kept(tmp_path, web_site, talk), 500))


async def kept(folder: Path, site: Path, talk: Talk) -> None:
    """The second visit fetches no network again; one that was changed on its way is refused."""
    async with (
        served(site, isolated=False) as (address, asked),
        Chromium(folder / "profile", folder / "none") as browser,
    ):
        for visit in range(2):
            asked.clear()
            await browser.open(f"{address}/?{visit}")
            await drop(browser, "talk.fwv", talk.data)
            await browser.until("document.body.dataset.state == 'live'", 300)
            assert any("render.onnx" in line for line in asked) is (visit == 0)
        await browser.value(
            "caches.open('facewire').then(async (c) => {"
            "for (const key of await c.keys()) await c.put(key, new Response('x')); })"
        )
        await browser.open(f"{address}/?again")
        await drop(browser, "talk.fwv", talk.data)
        await browser.until("document.body.dataset.state == 'live'", 300)
