"""HDR video: what was filmed in SDR and stored as PQ or HLG comes back as it was."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from facewire.media.colours import hdr
from tests.media.synthetic import read_all

Floats = NDArray[np.float64]

COLOURS = np.array(
    [[200, 30, 30], [30, 200, 30], [30, 30, 200], [200, 150, 120], [128, 128, 128], [16, 16, 16]]
)
"""SDR, as they should come back; the fourth is skin."""
BAR = 32
REFERENCE_WHITE = 203.0
PQ, HLG, BT2020, UNKNOWN = 16, 18, 9, 2
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
LUMA = np.array([0.2627, 0.6780, 0.0593])


def pq(nits: Floats) -> Floats:
    """SMPTE ST 2084, from cd/m2 to signal."""
    power = (nits / 10000) ** (2610 / 16384)
    return np.asarray(((3424 + 2413 * 32 * power) / (4096 + 2392 * 32 * power)) ** (2523 / 32))


def hlg(nits: Floats) -> Floats:
    """ITU-R BT.2100, from light of a display of 1000 cd/m2 with system gamma 1.2 to signal."""
    shown = nits / 1000
    scene = shown / np.maximum(shown @ LUMA, 1e-9)[:, None] ** (1 - 1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    low, high = np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.asarray(np.where(scene <= 1 / 12, low, high))


def write_bars(path: Path, signal: Floats, trc: int, primaries: int = BT2020, matrix: int = BT2020) -> Path:
    """Write one bar for each row of a signal (N, 3) in R'G'B', as 10-bit BT.2020 video without loss."""
    luma = signal @ LUMA
    planes = (
        64 + 876 * luma,
        512 + 896 * (signal[:, 2] - luma) / 1.8814,
        512 + 896 * (signal[:, 0] - luma) / 1.4746,
    )
    width = BAR * len(signal)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, BAR, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = (
            trc,
            primaries,
            matrix,
            1,
        )
        frame = VideoFrame(width, BAR, "yuv420p10le")
        for plane, values, share in zip(frame.planes, planes, (1, 2, 2), strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
            rows[:, : plane.width] = np.repeat(np.round(values).astype(np.uint16), BAR // share)
            plane.update(rows.tobytes())
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def bars(path: Path) -> NDArray[np.int64]:
    """Return the colours of the bars of a video."""
    pixels = read_all(path)[0].pixels
    return np.asarray(pixels[BAR // 2, BAR // 2 :: BAR], np.int64)


def light(colours: NDArray[np.int64]) -> Floats:
    """Return what an SDR display whose white is HDR reference white shows, cd/m2 of BT.2020 primaries."""
    return np.asarray(REFERENCE_WHITE * (colours / 255) ** 2.4 @ TO_2020.T)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [BT2020, UNKNOWN])
@pytest.mark.parametrize("trc", [PQ, HLG])
def test_colours_come_back(trc: int, labels: int, tmp_path: Path) -> None:
    signal = {PQ: pq, HLG: hlg}[trc](light(COLOURS))
    path = write_bars(tmp_path / "hdr.mkv", signal, trc, labels, labels)
    assert np.abs(bars(path) - COLOURS).max() <= 12
    assert np.abs(bars(path)[3:] - COLOURS[3:]).max() <= 3


@pytest.mark.slow
def test_highlights_are_white_and_order_is_kept(tmp_path: Path) -> None:
    nits = np.array([1, 26, 100, 203, 400, 1000.0])  # as many bars as COLOURS, for which the filter is ready
    shown = bars(write_bars(tmp_path / "hdr.mkv", pq(nits[:, None] * np.ones(3)), PQ)).mean(axis=1)
    assert (np.diff(shown) >= 0).all()
    assert shown[1] == pytest.approx(255 * (26 / 203) ** (1 / 2.4), abs=2)
    assert (shown[3:] >= 252).all()


def test_where_it_cannot_be_done_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("no such filter")

    monkeypatch.setattr(hdr.ToneMapper, "__call__", fails)
    path = write_bars(tmp_path / "hdr.mkv", pq(light(COLOURS)), PQ)
    assert bars(path)[4].mean() < 110
    assert "HDR is shown as if it were SDR" in caplog.text
