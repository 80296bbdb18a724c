"""The converter's page in real browsers: what it makes of a video is a talk that Python reads, and the player plays.

Needs Chromium or Firefox, and onnxruntime-web (`npm ci` in web/); without them these tests are skipped.
"""

from __future__ import annotations

import asyncio
import base64
import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.animation.head_tracker import HeadTracker
from facewire.bitstream.sections import AudioHead
from facewire.codec.decoder import DecodedFrame
from facewire.codec.talk import SourcePicture, TalkReader, TalkReference
from facewire.engines.torch_engine import TorchEngine
from facewire.face.region import SquareRegion
from facewire.geometry.head_motion import HeadMotion
from facewire.media.video import VideoReader
from facewire.talks.bridge import to_motions
from facewire.talks.coding_tables import shelf_of
from facewire.talks.decoder import Receiver
from tests.call.browsers.browser import Browser
from tests.call.browsers.chromium import Chromium, chromium
from tests.call.browsers.firefox import Firefox, firefox

from .conftest import RUNTIME, drop, served

FRAMES = 8
TOLERANCES = {"rotation": 0.03, "translation": 0.03, "expression": 0.05}
"""What the quantiser and two decoders of video make of motions; the next frame's rotation is farther away."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not RUNTIME.is_dir(), reason="onnxruntime-web is not there: npm ci in web/"),
]


def pictures() -> list[NDArray[np.uint8]]:
    """Return a head that tilts a little."""
    photo = astronaut()
    return [
        SquareRegion(215.0 + 2 * number, 150.0, 380.0, 0.03 * number).cut(photo, 320)[:240]
        for number in range(FRAMES)
    ]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with a tone; WebM, which every browser reads."""
    path = tmp_path_factory.mktemp("clip") / "clip.webm"
    with av.open(str(path), "w") as sink:
        video = sink.add_stream("libvpx", rate=25)
        video.width, video.height, video.pix_fmt, video.bit_rate = 320, 240, "yuv420p", 4_000_000
        sound = sink.add_stream("libopus", rate=48_000)
        sound.layout = "mono"
        for picture in pictures():
            sink.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        sink.mux(video.encode())
        seconds = np.arange(48_000 * FRAMES // 25) / 48_000
        tone = (3000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        sink.mux(sound.encode(frame))
        sink.mux(sound.encode())
    return path


def test_chromium_converts(tmp_path: Path, web_site: Path, clip: Path) -> None:
    if chromium() is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    browser = Chromium(tmp_path / "profile", tmp_path / "none")
    check(asyncio.run(asyncio.wait_for(converted(browser, tmp_path, web_site, clip), 500)), clip)


def test_firefox_converts(tmp_path: Path, web_site: Path, clip: Path) -> None:
    if firefox() is None:
        pytest.skip("Firefox is not installed: apt-get install firefox-esr")
    browser = Firefox(tmp_path, pictures()[0])
    check(asyncio.run(asyncio.wait_for(converted(browser, tmp_path, web_site, clip), 500)), clip)


async def converted(browser: Browser, folder: Path, site: Path, clip: Path) -> bytes:
    """Return what the page makes of a video, after the player has played it."""
    async with served(site, isolated=True) as (address, asked), browser:
        await browser.open(f"{address}/convert.html")
        await browser.value(KEEP_BLOBS)
        await browser.value(choose("video", clip, "video/webm"))
        await browser.value("document.getElementById('convert').click()")
        said = "document.getElementById('problem').textContent"
        await browser.until(f"!document.getElementById('result').hidden || !!{said}", 300)
        assert await browser.value(said) == ""
        await browser.screenshot(folder / "converted.png")
        data = base64.b64decode(await browser.value(LAST_BLOB))
        assert all(line.startswith("GET ") for line in asked)
        await browser.open(address)
        await drop(browser, "talk.fwv", data)
        await browser.until("document.body.dataset.state == 'live'", 300)
        assert await browser.value("document.body.dataset.sound") == "yes"
        assert browser.console == []
        return data


KEEP_BLOBS = """(() => {
  const real = URL.createObjectURL;
  URL.createObjectURL = (blob) => { globalThis.lastBlob = blob; return real.call(URL, blob); };
})()"""
LAST_BLOB = """new Promise((kept) => {
  const reader = new FileReader();
  reader.onload = () => kept(reader.result.split(",")[1]);
  reader.readAsDataURL(lastBlob);
})"""


def choose(place: str, file: Path, kind: str) -> str:
    """Return what puts a file into a place for files."""
    text = base64.b64encode(file.read_bytes()).decode()
    return (
        "(() => { const held = new DataTransfer();"
        f"const bytes = Uint8Array.from(atob('{text}'), (one) => one.charCodeAt(0));"
        f"held.items.add(new File([bytes], '{file.name}', {{ type: '{kind}' }}));"
        f"const input = document.getElementById('{place}'); input.files = held.files;"
        "input.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )


def check(data: bytes, clip: Path) -> None:
    """Compare a talk with what Python sees in the video that it was made of."""
    animator = Animator.load()
    items = list(TalkReader(io.BytesIO(data), shelf_of(animator).find))
    for kind in (SourcePicture, TalkReference, AudioHead):
        assert sum(isinstance(item, kind) for item in items) == 1
    motions = [item.motion for item in items if isinstance(item, DecodedFrame)]
    assert len(motions) == FRAMES
    tracker = HeadTracker(TorchEngine(animator.model), smooth=False, finder=animator.finder)
    with VideoReader(clip) as reader:
        looks = [tracker.look(frame.pixels, float(frame.time)) for frame in reader]
    seen = HeadMotion.cat([look.motion for look in looks if look.motion is not None])
    for part, tolerance in TOLERANCES.items():
        np.testing.assert_allclose(
            getattr(to_motions(motions), part), getattr(seen, part), atol=tolerance, err_msg=part
        )
    receiver = Receiver(animator)
    shown = [one for item in items for one in receiver.take(item)] + list(receiver.flush())
    assert len(shown) == FRAMES
