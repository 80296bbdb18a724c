"""ICC profiles made from their definitions, since none can be taken for granted on a machine."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Primaries = tuple[tuple[float, float], ...]
"""x, y of red, green, blue and white."""

D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
SRGB: Primaries = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65)
DISPLAY_P3: Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)
ADOBE_RGB: Primaries = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060), D65)
PROPHOTO: Primaries = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), D50)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def to_d50(primaries: Primaries) -> Floats:
    """Return the matrix from light to XYZ as ICC profiles have it."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    white = columns[:, 3]
    matrix = columns[:, :3] * np.linalg.solve(columns[:, :3], white)
    d50 = np.array((D50[0] / D50[1], 1, (1 - D50[0] - D50[1]) / D50[1]))
    scale = np.diag((BRADFORD @ d50) / (BRADFORD @ white))
    return np.asarray(np.linalg.inv(BRADFORD) @ scale @ BRADFORD @ matrix)


def srgb_light(values: Floats) -> Floats:
    """Return the light of sRGB numbers 0..1."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def stored(colours: NDArray[np.int64], primaries: Primaries, gamma: float) -> NDArray[np.uint8]:
    """Return the numbers (N, 3) of sRGB colours (N, 3), 0..255, in another space."""
    light = srgb_light(colours / 255) @ to_d50(SRGB).T
    own = np.linalg.solve(to_d50(primaries), light.T).T
    return np.asarray(np.round(255 * np.clip(own, 0, 1) ** (1 / gamma)), np.uint8)


def matrix_profile(primaries: Primaries, gamma: float) -> bytes:
    """Return the profile of an RGB space."""
    columns = to_d50(primaries).T
    tags = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    tags |= {name: _gamma(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    """Return the profile of a grey scale."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def cmyk_profile() -> bytes:
    """Return a profile in which black ink gives black, and the others, whatever they are, red: L 50, a 50, b 30."""
    corners = bytearray()
    for index in range(16):
        cmy, key = index >> 1, index & 1
        corners += bytes((0, 128, 128) if key else (128, 178, 158) if cmy else (255, 128, 128))
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).flat)
    return _profile(b"CMYK", b"Lab ", {b"A2B0": lut + 4 * ramp + bytes(corners) + 3 * ramp}, b"prtr")


def _xyz(values: Floats) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * value) for value in values))


def _gamma(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(256 * gamma))


def _profile(space: bytes, pcs: bytes, tags: Mapping[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    d50 = np.array((0.9642, 1.0, 0.8249))
    text = b"made for a test\0"
    words = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0\0\0\0",
    }
    entries = words | {b"wtpt": _xyz(d50)} | dict(tags)
    place = 128 + 4 + 12 * len(entries)
    table, data = struct.pack(">I", len(entries)), b""
    for name, content in entries.items():
        content = content.ljust(-(-len(content) // 4) * 4, b"\0")
        table += name + struct.pack(">II", place + len(data), len(content))
        data += content
    head = struct.pack(">I4sI4s4s4s", place + len(data), bytes(4), 0x02400000, kind, space, pcs)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _xyz(d50)[8:]
    return head.ljust(128, b"\0") + table + data
