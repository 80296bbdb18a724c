"""The studio in a real browser: drop, choose, turn, drive, render; the files show what the preview showed.

Needs Chromium (`apt-get install chromium`); without it this test is skipped.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import shlex
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.cli.main import main
from facewire.media.frame import Pixels
from facewire.media.image import load_image, save_image
from facewire.media.video import Frame, VideoReader, VideoWriter
from facewire.studio.jobs.commands import Base
from facewire.studio.library import Library
from facewire.studio.preview.native import NativePreview
from facewire.studio.project import Project
from facewire.studio.server import StudioServer
from facewire.studio.session import Session
from facewire.talks.motion_file import DEMO_MOTION
from facewire.transport.web.serve import serve
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium, chromium, write_y4m
from tests.media.synthetic import Sound, write_video
from tests.studio.reader import OPERATED, press, read_out
from tests.studio.stand_ins import SITE, engine_folder

START, END = 1.0, 1.08
"""Two frames of the demo's motion."""
LEAST_DB = 40.0
HEARD = "globalThis.Audio = class extends Audio { constructor() { super(); globalThis.heard = this; } };"
"""What the page plays, for the test to look at."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

DROP = """(async () => {
  const bytes = Uint8Array.from(atob(DATA), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], NAME));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
})()"""


def decibels(one: Pixels, other: Pixels) -> float:
    return float(-10 * np.log10(np.square((one.astype(float) - other) / 255).mean() + 1e-12))


def test_the_page_declares_everything_in_its_files() -> None:
    text = (SITE / "index.html").read_text(encoding="utf-8")
    for name in ("http://", "https://", "style=", "onclick=", "<script>"):
        assert name not in text
    for script in SITE.glob("*.js"):
        assert "innerHTML" not in script.read_text(encoding="utf-8")


def test_drop_choose_turn_drive_and_render(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(course(tmp_path), 550))


class Driven:
    """One page of a studio, with what the test does in it."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    async def drop(self, path: Path) -> None:
        data = base64.b64encode(path.read_bytes()).decode()
        text = DROP.replace("DATA", json.dumps(data)).replace("NAME", json.dumps(path.name))
        await self.browser.value(text)

    async def click(self, selector: str) -> None:
        await self.browser.value(f"document.querySelector({json.dumps(selector)}).click()")

    async def put(self, name: str, value: object, event: str = "change") -> None:
        await self.browser.value(
            f"(() => {{ const field = document.getElementById({json.dumps(name)});"
            f"field.value = {json.dumps(value)}; field.dispatchEvent(new Event({json.dumps(event)})); }})()"
        )

    async def drag(self, across: int) -> None:
        box = json.loads(
            await self.browser.value(
                "JSON.stringify(document.getElementById('stage').getBoundingClientRect())"
            )
        )
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
        for kind, moved in (("mousePressed", 0), ("mouseMoved", across // 2), ("mouseMoved", across)):
            await self.browser.command(
                "Input.dispatchMouseEvent", type=kind, x=x + moved, y=y, button="left", clickCount=1
            )
        await self.browser.command(
            "Input.dispatchMouseEvent", type="mouseReleased", x=x + across, y=y, button="left", clickCount=1
        )

    async def picture(self) -> Pixels:
        """Return what the canvas shows when nothing moves any more."""
        await asyncio.sleep(1.0)
        await self.browser.until("document.getElementById('picture').dataset.exact == 'true'", 120)
        data = await self.browser.value("document.getElementById('picture').toDataURL('image/png')")
        return np.array(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB"))

    async def rendered(self, number: int) -> str:
        """Return the command line of a job that is done."""
        await self.browser.until(
            f"['done', 'failed'].includes(document.querySelector('[data-job=\"{number}\"]')?.dataset.state)",
            240,
        )
        item = f"document.querySelector('[data-job=\"{number}\"]')"
        assert await self.browser.value(f"{item}.dataset.state") == "done", await self.browser.value(
            f"{item}.innerText"
        )
        return str(await self.browser.value(f"{item}.querySelector('.name').title"))


async def course(folder: Path) -> None:
    torch.set_num_threads(1)
    camera, photo = folder / "camera.y4m", folder / "astronaut.png"
    save_image(photo, astronaut())
    write_y4m(camera, [np.ascontiguousarray(astronaut()[:480])], 10)
    animator = Animator.load()
    session = Session(
        NativePreview(animator), Library(folder / "studio"), Base(folder, (), "torch"), "torch", web=True
    )
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve(
            StudioServer(session, SITE, engine_folder(folder / "engine")).app,
            "127.0.0.1",
            0,
            port.set_result,
            session.run(),
        )
    )
    (folder / "browser").mkdir()
    try:
        address = f"http://127.0.0.1:{await port}/#key={session.key}"
        async with Chromium(folder / "browser", camera, (1280, 1100)) as browser:
            await browser.command("Page.addScriptToEvaluateOnNewDocument", source=HEARD)
            await browser.open(address)
            await work(Driven(browser), folder, photo, session)
            assert browser.console == []
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def work(page: Driven, folder: Path, photo: Path, session: Session) -> None:
    browser = page.browser
    assert await browser.value("document.getElementById('render').disabled")
    await page.drop(photo)
    await browser.until("document.querySelectorAll('#faces button').length == 1")
    plain = await page.picture()
    assert plain.shape == (512, 512, 3)

    await browser.until("document.getElementById('engines').textContent.includes('rendered in the page')")
    drawn = await browser.value("globalThis.rendered")
    await page.drag(-90)
    await browser.until(f"globalThis.rendered > {drawn}")
    await page.put("slider-smile", 0.6, "input")
    await browser.until("parseFloat(document.querySelector('#slider-yaw + output').textContent) < -5")
    await page.put("kind", "still")
    still = await page.picture()
    assert decibels(plain, still) < 40
    await browser.until("document.getElementById('command').textContent.includes('--edit smile=0.6')")
    await page.click("#render")
    line = await page.rendered(1)
    made = load_image(folder / "studio" / "out" / "astronaut.png")
    assert decibels(made, still) > LEAST_DB

    paste(line, folder)
    assert (load_image(folder / "studio" / "pasted-astronaut.png") == made).all()

    await page.drop(DEMO_MOTION)
    await browser.until("document.body.dataset.driver == 'yes'")
    if await browser.value("document.getElementById('play').getAttribute('aria-pressed') == 'true'"):
        await page.click("#play")
    await page.put("start", START)
    await page.put("end", END)
    await page.put("kind", "png")
    shown = await page.picture()
    await page.click("#render")
    line = await page.rendered(2)
    first = load_image(folder / "studio" / "out" / "astronaut--demo-0001.png")
    assert decibels(first, shown) > LEAST_DB
    paste(line, folder)
    assert (load_image(folder / "studio" / "pasted-astronaut--demo-0001.png") == first).all()

    await by_keys_alone(browser)
    await page.put("kind", "mp4")
    await page.put("crf", "full")
    await browser.until("document.getElementById('command').textContent.includes('--crf 6 --full-colour')")
    await page.click("#render")
    await page.rendered(3)
    with VideoReader(folder / "studio" / "out" / "astronaut--demo.mp4") as reader:
        frames = [frame.pixels for frame in reader]
    assert len(frames) == 2
    assert decibels(frames[0], shown) > LEAST_DB

    await page.click("#undo")
    await browser.until("document.getElementById('crf').value == '18'")
    await page.click("#webcam")
    await browser.until("document.getElementById('webcam').getAttribute('aria-pressed') == 'true'")
    await browser.until("document.getElementById('working-text').textContent == ''", 60)
    assert session._webcam is not None
    await page.click("#webcam")
    assert session.project != Project()

    await sound_goes_along(page, folder)
    await a_video_is_changed(page, folder)
    await browser.screenshot(folder / "desktop.png")
    await browser.size(390, 844, phone=True)
    assert await browser.value("document.documentElement.scrollWidth <= 390")
    await browser.screenshot(folder / "phone.png")


def paste(line: str, folder: Path) -> None:
    """Run a command line of a job, with another place for its results."""
    words = [word.replace("studio/out/", "studio/pasted-") for word in shlex.split(line)[1:]]
    assert main([*(str(folder / word) if word.startswith("studio/") else word for word in words), "-q"]) == 0


async def by_keys_alone(browser: Browser) -> None:
    """Everything has a name and a role, the focus goes on in order, and what is dragged has keys."""
    told = await read_out(browser)
    nameless = [one for one in told if one.role in OPERATED and not one.name]
    assert nameless == []
    names = {(one.role, one.name) for one in told}
    for role, name in (
        *(("slider", name) for name in ("Smile", "Blink left", "Turn", "Moment")),
        ("application", "Gaze"),
        ("button", "Keyframe of Smile"),
        ("toolbar", "View"),
        ("list", "Jobs"),
    ):
        assert (role, name) in names
    assert {"status", "alert"} <= {one.role for one in told}
    assert await browser.value("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length") == 0

    await browser.value("document.querySelector('.skip').focus()")
    seen = []
    for _ in range(4):
        seen.append(await browser.value("document.activeElement.id || document.activeElement.className"))
        await press(browser, "Tab")
    assert seen == ["skip", "undo", "show-keys", "files"]  # redo is disabled

    moment = "document.getElementById('curves').ariaValueText"
    await browser.value("document.getElementById('curves').focus()")
    await press(browser, "Home")
    await press(browser, "ArrowRight")
    await browser.until(f"{moment} == '1.04 s'")
    await browser.value("document.querySelector('[aria-label=\"Keyframe of Mouth open\"]').focus()")
    await press(browser, "Enter")
    await browser.until(f"{moment} == '1.04 s, keyframe of mouth 0'")
    await browser.value("document.getElementById('curves').focus()")
    await press(browser, "Home")
    await press(browser, "ArrowRight", control=True)
    await browser.until(f"{moment}.startsWith('1.04 s, keyframe')")
    await press(browser, "Delete")
    await browser.until(f"{moment} == '1.04 s'")
    await press(browser, "Home")

    await browser.value("document.querySelector('[data-show=compare]').click()")
    await browser.until("!document.getElementById('handle').hidden")
    await browser.value("document.getElementById('handle').focus()")
    await press(browser, "Home")
    await press(browser, "ArrowRight")
    assert (
        await browser.value("document.getElementById('handle').ariaValueText")
        == "2 % of the width shows before"
    )
    await browser.value("document.querySelector('[data-show=result]').click()")


async def sound_goes_along(page: Driven, folder: Path) -> None:
    """A driver that was dropped plays; its sound is heard with its pictures, where they are, and stops with them."""
    shown = [np.ascontiguousarray(astronaut()[:240, 60 + n % 5 : 380 + n % 5]) for n in range(20)]
    clip, browser = folder / "loud.mp4", page.browser
    await page.drop(write_video(clip, shown, rate=Fraction(10), sound=Sound(seconds=2.0, beep_at=1.0)))
    await browser.until("document.querySelectorAll('[data-name=\"loud.mp4\"]').length == 2")
    await browser.until("document.getElementById('clock').textContent.endsWith('of 2.00 s')", 120)
    await browser.until("heard.webkitAudioDecodedByteCount > 0 && !heard.paused && heard.currentTime > 0.3")
    apart = "Math.abs(heard.currentTime - parseFloat(document.getElementById('clock').textContent))"
    await browser.until(f"{apart} < 0.3 && !heard.paused")
    await page.click("#play")
    await browser.until("heard.paused")


async def a_video_is_changed(page: Driven, folder: Path) -> None:
    """A video among the photos is read, shown at its moments, and its command edits it."""
    clip, browser = folder / "clip.mp4", page.browser
    with VideoWriter(clip, (320, 240), Fraction(25), crf=4) as writer:
        for number in range(3):
            part = np.ascontiguousarray(astronaut()[:240, 60 + 8 * number : 380 + 8 * number])
            writer.write(Frame(part, number, Fraction(1, 25)))
    await page.drop(clip)
    await browser.until("document.querySelectorAll('[data-name=\"clip.mp4\"]').length == 2")
    await page.click("[data-kind=driver][data-name='clip.mp4']")
    await page.click("[data-kind=photo][data-name='clip.mp4']")
    await browser.until(
        "document.getElementById('driver-text').textContent.includes('keeps its own motion')", 120
    )
    await page.put("kind", "mp4")
    await browser.until("document.getElementById('command').textContent.includes('--absolute')")
    first = await page.picture()
    await browser.value("document.getElementById('curves').focus()")
    await press(browser, "End")
    assert decibels(first, await page.picture()) < 30
