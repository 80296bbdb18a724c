"""The receiver on WebGPU draws what torch draws; on the browser's software adapter, since no GPU need be there.

One picture takes a minute of processor time there. Needs Chromium and onnxruntime-web (`npm ci` in web/).
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from facewire.geometry.head_motion import HeadMotion
from facewire.geometry.pose import rotation_from_degrees
from facewire.media.image import resize
from tests.call.browsers.chromium import Chromium, chromium
from tests.conftest import Recorded

from .conftest import RUNTIME, served

Pixels = NDArray[np.uint8]
LEAST_DB = 40.0
YAW = 12.0
FLAGS = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--use-vulkan=swiftshader",
)
PAGE = """(async () => {
  const { Renderer } = await import("/render/index.js");
  const { pixelsOf } = await import("/stills.js");
  const { fromDegrees, turnedAtNeck } = await import("/motion/index.js");
  const bytes = Uint8Array.from(atob("PICTURE"), (one) => one.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const renderer = new Renderer(location.origin + "/", () => {}, { software: true });
  const { provider } = await renderer.ready;
  const { id, motion } = await renderer.introduce(pixelsOf(bitmap, 256));
  const { pixels } = await renderer.render(id, turnedAtNeck(motion, fromDegrees(YAW, 0, 0)), 20);
  let text = "";
  for (const byte of pixels) text += String.fromCharCode(byte);
  globalThis.drawn = [provider, btoa(text)];
})().catch((error) => { globalThis.drawn = [String(error), ""]; }); 0"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.skipif(not RUNTIME.is_dir(), reason="onnxruntime-web is not there: npm ci in web/"),
]


class WithSoftwareGpu(Chromium):
    """Chromium whose WebGPU computes on the processor."""

    def program(self) -> list[str]:
        """Return the command line."""
        *options, page = super().program()
        return [*(one for one in options if one != "--disable-gpu"), *FLAGS, page]


def test_webgpu_draws_what_torch_draws(tmp_path: Path, web_site: Path, recorded: Recorded) -> None:
    photo = resize(astronaut()[0:256, 96:352], (256, 256))
    provider, found = asyncio.run(asyncio.wait_for(drawn(tmp_path, web_site, photo), 580))
    assert provider == "webgpu"
    model = recorded.model
    identity = model.identity(torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255)
    motion: HeadMotion = identity.motion.turned_at_neck(rotation_from_degrees(YAW, 0.0, 0.0)[None])
    expected = 255 * model.render(identity, motion)[0].permute(1, 2, 0).detach().numpy()
    error = float(np.mean((expected - found) ** 2))
    assert 10 * np.log10(255**2 / error) > LEAST_DB
    assert np.abs(expected - photo).mean() > 2  # it did turn


async def drawn(folder: Path, site: Path, photo: Pixels) -> tuple[str, Pixels]:
    """Return what computed in the page, and the picture (256, 256, 3)."""
    held = io.BytesIO()
    Image.fromarray(photo).save(held, "PNG")
    script = PAGE.replace("PICTURE", base64.b64encode(held.getvalue()).decode()).replace("YAW", str(YAW))
    async with (
        served(site, isolated=True) as (address, _),
        WithSoftwareGpu(folder / "profile", folder / "none") as browser,
    ):
        await browser.open(address)
        await browser.value(script)
        await browser.until("!!globalThis.drawn", 500)
        provider, text = json.loads(await browser.value("JSON.stringify(drawn)"))
        assert text, provider
        return provider, np.frombuffer(base64.b64decode(text), np.uint8).reshape(256, 256, 3)
