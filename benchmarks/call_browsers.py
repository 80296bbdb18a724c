"""Glass to glass and set-up of a call with everything real: two headless Chromiums, two agents, a signalling server.

    python benchmarks/call_browsers.py --seconds 40
    python benchmarks/call_browsers.py --both --json
    python benchmarks/call_browsers.py --sound

No mark in a camera picture survives synthesis, but motion does: the camera of browser A shows a head that sways in a
known way, and the same sway is sought in the video element of browser B. Both pages note for each picture when it
was there (A: when it was captured, B: when it is expected on the screen; one machine, one clock) and the mean
brightness of its columns. The first principal component of those is the sway, whatever it looks like; how much later
B's follows A's, by cross-correlation in windows of 4 s, is the delay. So it holds everything between the camera
driver and the compositor, the smoothing of motions too; the sensor's exposure and the screen's own delay come on top.

With --sound the microphone of A hears syllables at irregular times, both pages note how loud it is every 5 ms, and
the same comparison says how much later page B plays what A's microphone heard; less glass to glass, that is how much
later the sound is than the lips. Loudspeaker and microphone come on top. It costs some processor time.

Beside it stand what the product itself says: connected in, with its phases, and the agents' playout delay. B's camera
is off unless --both is given, so that one side's networks read and the other's draw. Needs Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut
from skimage.transform import AffineTransform, warp

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.call.browsers.browser import Browser  # the driver of the browser tests
from tests.call.browsers.chromium import Chromium, write_y4m

RATE, LOOP_SECONDS = 25, 10
SWAYS = ((0.3, 9.0), (0.7, 6.0), (1.1, 4.0))
"""Hz (whole periods in a loop) and pixels."""
GRID, WINDOW, LATEST = 0.005, 4.0, 1.0
"""Seconds: step of the comparison, its length, the greatest delay that is looked for."""
LEAST_LIKENESS = 0.6
"""Correlation below which a window says nothing."""
WAIT_SECONDS = 300.0
SOUND_RATE = 48_000
EARS = """(() => {
  const context = new AudioContext();
  const ear = context.createScriptProcessor(256, 1, 1);
  window.heard = [];
  ear.onaudioprocess = (event) => {
    const samples = event.inputBuffer.getChannelData(0);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    window.heard.push([(performance.timeOrigin + performance.now()) / 1000, event.playbackTime, Math.sqrt(power)]);
  };
  context.createMediaStreamSource(document.getElementById("NAME").srcObject).connect(ear);
  ear.connect(context.destination);
})()"""
RECORDER = """(() => {
  const video = document.getElementById("NAME");
  const side = 96, canvas = new OffscreenCanvas(side, side);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  window.seen = [];
  window.clocks = new Set();
  const next = (now, about) => {
    const clock = CLOCKS.find((name) => about[name] !== undefined) ?? "now";
    window.clocks.add(clock);
    const width = Math.min(video.videoWidth, video.videoHeight);
    const left = (video.videoWidth - width) / 2, top = (video.videoHeight - width) / 2;
    pen.drawImage(video, left, top, width, width, 0, 0, side, side);
    const data = pen.getImageData(0, 0, side, side).data;
    const columns = new Array(side).fill(0);
    for (let at = 0; at < data.length; at += 4) columns[(at / 4) % side] += data[at + 1] / side;
    window.seen.push([(performance.timeOrigin + (about[clock] ?? now)) / 1000, ...columns]);
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
})()"""


def main() -> None:
    """Call, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=40.0, help="of call that are measured")
    parser.add_argument("--both", action="store_true", help="both cameras on")
    parser.add_argument("--sound", action="store_true", help="measure the sound's delay too")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(measure(Path(folder), given.seconds, given.both, given.sound))
    if given.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:<18}{value}")


async def measure(folder: Path, seconds: float, both: bool, sound: bool) -> dict[str, Any]:
    """Hold one call and return the report."""
    camera, microphone = folder / "camera.y4m", folder / "microphone.wav"
    write_y4m(camera, swaying(), RATE)
    write_syllables(microphone)
    processes: list[asyncio.subprocess.Process] = []
    try:
        signal, address = await start(["signal", "--port", "0"], r"(http://\S+);", folder / "signal.log")
        processes.append(signal)
        doors = []
        for name in "ab":
            command = ["call", "--port", "0", "--signal", address]
            agent, door = await start(command, r"open (http://\S+)", folder / f"{name}.log")
            processes.append(agent)
            doors.append(door)
        for name in "ab":
            (folder / name).mkdir()
        first = Chromium(folder / "a", camera, microphone=microphone if sound else None)
        async with first as a, Chromium(folder / "b", camera) as b:
            return await call((a, b), doors, seconds, both, sound)
    finally:
        for process in processes:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in processes))


async def start(command: list[str], pattern: str, log: Path) -> tuple[asyncio.subprocess.Process, str]:
    """Start a command and return it and what it says of its address."""
    code = "import sys; from facewire.cli.main import main; sys.exit(main())"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-c", code, *command),
            stderr=sink,
            env={"OMP_NUM_THREADS": "1"} | os.environ,
        )
    while process.returncode is None:
        if found := re.search(pattern, log.read_text()):
            return process, found.group(1)
        await asyncio.sleep(0.1)
    raise SystemExit(log.read_text())


async def call(
    pages: tuple[Browser, Browser], doors: list[str], seconds: float, both: bool, sound: bool
) -> dict[str, Any]:
    """Drive two pages through a call."""
    a, b = pages
    for page, door in zip(pages, doors, strict=True):
        await page.open(door)
    for page in pages:
        await page.until("document.getElementById('check-face').dataset.ok == 'yes'", WAIT_SECONDS)
        await page.value("document.getElementById('take').click()")
        await page.until("!document.getElementById('start').disabled", WAIT_SECONDS)
    if not both:
        await b.value("document.getElementById('camera').click()")
    await a.value("document.getElementById('start').click()")
    link = await a.until("document.getElementById('link').value", WAIT_SECONDS)
    await b.value(
        "(() => { const field = document.getElementById('invitation');"
        f"field.value = {json.dumps(link)}; field.dispatchEvent(new Event('input'));"
        "document.getElementById('enter').click(); })()"
    )
    await b.until("parseFloat(document.getElementById('connected').textContent) > 0", WAIT_SECONDS)
    await a.value(RECORDER.replace("NAME", "self").replace("CLOCKS", '["captureTime"]'))
    await b.value(RECORDER.replace("NAME", "remote").replace("CLOCKS", '["expectedDisplayTime"]'))
    if sound:
        await a.value(EARS.replace("NAME", "self"))
        await b.value(EARS.replace("NAME", "remote"))
    await asyncio.sleep(seconds)
    seen = [np.array(json.loads(await page.value("JSON.stringify(window.seen)"))) for page in pages]
    clocks = [await page.value("[...window.clocks].join()") for page in pages]
    delays, likeness, windows = delays_of(seen[0], seen[1])
    report: dict[str, Any] = {"windows": windows, "windows_used": len(delays)}
    if len(delays):
        report["glass_to_glass_ms"] = {
            "median": round(float(np.median(delays))),
            "p95": round(float(np.percentile(delays, 95))),
        }
        report["likeness"] = round(float(np.median(likeness)), 2)
    if sound:
        heard = [np.array(json.loads(await page.value("JSON.stringify(window.heard)"))) for page in pages]
        late, alike, _ = delays_of(*(loudness(one) for one in heard))
        report["sound_ms"] = round(float(np.median(late))) if len(late) else None
        report["sound_likeness"] = round(float(np.median(alike)), 2) if len(late) else None
    report["pictures_per_s"] = [round(len(one) / seconds, 1) for one in seen]
    report["clocks"] = clocks
    report["connected"] = await b.value("document.getElementById('connected').textContent")
    report["phases"] = await b.value("document.getElementById('connected').title")
    report["playout_delay"] = await b.value("document.getElementById('delay').textContent")
    report["load"] = round(os.getloadavg()[0], 1)
    return report


def swaying() -> list[NDArray[np.uint8]]:
    """Return the pictures of the camera, (360, 480, 3): a head that sways sideways."""
    whole = np.pad(astronaut()[0:360], ((0, 0), (0, 40), (0, 0)), mode="edge")
    pictures = []
    for number in range(RATE * LOOP_SECONDS):
        angle = 2 * np.pi * number / RATE
        shift = sum(size * np.sin(rate * angle) for rate, size in SWAYS)
        moved = warp(
            whole, AffineTransform(translation=(20 + shift, 0)), output_shape=(360, 480), mode="edge"
        )
        pictures.append(np.rint(255 * moved).astype(np.uint8))
    return pictures


def write_syllables(path: Path) -> None:
    """Write 10 s of a humming voice in syllables of irregular lengths, mono."""
    rng = np.random.default_rng(0)
    times = np.arange(SOUND_RATE * LOOP_SECONDS) / SOUND_RATE
    voice = sum(np.sin(2 * np.pi * 130 * k * times) / k for k in range(1, 8))
    edges = np.cumsum(rng.uniform(0.05, 0.35, 100))
    loud = (np.searchsorted(edges, times) % 2).astype(float)
    with wave.open(str(path), "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(2)
        sink.setframerate(SOUND_RATE)
        sink.writeframes((6000 * loud * voice).astype("<i2").tobytes())


def loudness(heard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return time in seconds and loudness, (N, 2), of what a page heard.

    Args:
        heard: (N, 3): when it was told, on the clock of the pages; on the even clock of the sound; loudness.
    """
    told, even, loud = heard.T
    return np.stack((even + np.percentile(told - even, 2), loud), axis=1)


def sway(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the head of each picture is to a side: the first principal component, its sign unknown."""
    rest = columns - columns.mean(axis=0)
    main: NDArray[np.float64] = rest @ np.linalg.svd(rest, full_matrices=False)[2][0]
    return main


def delays_of(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return by how many ms the second motion follows the first in each window, their likeness, and all windows.

    Args:
        first: time in seconds and columns of each picture, (N, 1 + C).
        second: likewise, (M, 1 + C).
    """
    begin, end = max(first[0, 0], second[0, 0] - LATEST), min(first[-1, 0], second[-1, 0] - LATEST)
    steps = round(LATEST / GRID)
    delays, likeness, windows = [], [], 0
    motions = [(one[:, 0], sway(one[:, 1:])) for one in (first, second)]
    for start in np.arange(begin, end - WINDOW, WINDOW / 2):
        windows += 1
        grid = np.arange(start, start + WINDOW, GRID)
        ours = np.interp(grid, *motions[0])
        theirs = np.interp(np.arange(len(grid) + steps) * GRID + start, *motions[1])
        alike = np.array(
            [abs(np.corrcoef(ours, theirs[lag : lag + len(grid)])[0, 1]) for lag in range(steps)]
        )
        best = int(alike.argmax())
        if alike[best] >= LEAST_LIKENESS:
            delays.append(1000 * GRID * best)
            likeness.append(float(alike[best]))
    return np.array(delays), np.array(likeness), windows


if __name__ == "__main__":
    main()
