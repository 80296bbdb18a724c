"""Time of encoder plus decoder for one frame, and bytes a frame; prints one JSON object.

    python benchmarks/codec_speed.py [MOTION.npz]

The file holds arrays (T, 6 + 3K) of motion; without one, made-up motion is used. One core, no networks. Measured are
packets that build on the frame 1 and 5 before with all keypoints, and 1 before with as many as each frame needs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facewire.codec.decoder import StreamDecoder
from facewire.codec.encoder import StreamEncoder
from facewire.codec.state import MotionFrame
from facewire.codec.sufficiency import adaptive
from facewire.codec.tables.shipped import DEFAULT, shipped_tables

FRAMES = 1000


def made_up_motion(frames: int, keypoints: int, seed: int = 1) -> npt.NDArray[np.float32]:
    """Return (frames, 6 + 3K): slow waves of the size of real motion, and an estimator's jitter."""
    rng = np.random.default_rng(seed)
    size = 6 + 3 * keypoints
    time_s = np.arange(frames)[:, None] / 25
    waves = sum(
        rng.normal(0, 1, size) * np.sin(2 * np.pi * rate * time_s + rng.uniform(0, 6, size))
        for rate in (0.2, 0.7, 2.1)
    )
    scale = np.concatenate((np.full(3, 0.08), np.full(3, 0.04), np.full(size - 6, 0.008)))
    return np.asarray(scale * waves + rng.normal(0, 0.002, (frames, size)), dtype=np.float32)


def recorded_motion(path: Path, frames: int) -> npt.NDArray[np.float32]:
    """Return (frames, 6 + 3K) from the clips of a file, one after the other."""
    with np.load(path) as clips:
        return np.concatenate([clips[name] for name in clips.files])[:frames].astype(np.float32)


def measure(
    motion: npt.NDArray[np.float32], confirm_after: int, name: str, fewer: bool = False
) -> dict[str, float | str]:
    """Return microseconds and bytes a frame of packets that build on the frame `confirm_after` before."""
    tables = shipped_tables(name)
    canonical = np.random.default_rng(1).normal(0, 0.3, (tables.keypoints, 3))
    choose = adaptive(canonical, tables.columns) if fewer else None
    encoder, decoder = StreamEncoder(tables), StreamDecoder(tables)
    frames = [MotionFrame.from_vector(row) for row in motion]
    decoder.source(0, encoder.source(frames[0]))
    encode_us, decode_us, total_us, sizes = [], [], [], []
    for frame in frames:
        encoder.acknowledge(encoder.number - confirm_after)
        start = time.perf_counter_ns()
        packet = encoder.encode(frame, choose)
        middle = time.perf_counter_ns()
        decoder.decode(packet.data)
        end = time.perf_counter_ns()
        encode_us.append((middle - start) / 1000)
        decode_us.append((end - middle) / 1000)
        total_us.append((end - start) / 1000)
        sizes.append(len(packet.data))
    return {
        "tables": name,
        "confirm_after": confirm_after,
        "keypoints": "adaptive" if fewer else str(tables.keypoints),
        "encode_us_median": round(statistics.median(encode_us), 1),
        "decode_us_median": round(statistics.median(decode_us), 1),
        "total_us_median": round(statistics.median(total_us), 1),
        "total_us_p99": round(float(np.percentile(total_us, 99)), 1),
        "bytes_mean": round(statistics.mean(sizes), 2),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("motion", type=Path, nargs="?")
    parser.add_argument("--tables", default=DEFAULT)
    arguments = parser.parse_args()
    keypoints = shipped_tables(arguments.tables).keypoints
    motion = (
        recorded_motion(arguments.motion, FRAMES) if arguments.motion else made_up_motion(FRAMES, keypoints)
    )
    cases = ((1, False), (5, False), (1, True))
    results = [measure(motion, confirm_after, arguments.tables, fewer) for confirm_after, fewer in cases]
    sys.stdout.write(json.dumps({"frames": len(motion), "results": results}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
