"""A graph without its weights: packed into a file, and put together again.

A file holds a line of JSON, the graph as OpenVINO writes it, and its constants as far as they are no weights. The
line says of what its constants are made, in order (weight_parts.py).
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from facewire.engines.graphs.weight_parts import LITERAL, KnownWeights, Part, State, numbers_of
from facewire.engines.processor.openvino_format import Ir

SUFFIX = ".xz"
ALIGNED = 64
"""Every constant begins at a multiple of this many bytes."""
_CONSTANT = re.compile(r'<data element_type="(\w+)" shape="([\d, ]*)" offset="(\d+)" size="(\d+)" />')


def packed(ir: Ir, weights: KnownWeights) -> bytes:
    """Return a graph without its weights."""
    constants: dict[tuple[int, int], int] = {}
    parts: list[Part] = []
    literals: list[bytes] = []
    end = 0

    def moved(found: re.Match[str]) -> str:
        nonlocal end
        kind, shape, start, size = found[1], found[2], int(found[3]), int(found[4])
        if (start, size) not in constants:
            content = ir.constants[start : start + size]
            part = weights.part(_array(content, shape)) if kind == "f32" else None
            parts.append(part or [LITERAL, size])
            literals.append(b"" if part else content)
            constants[start, size] = end
            end += _aligned(size)
        return found[0].replace(f'offset="{start}"', f'offset="{constants[start, size]}"')

    text = _CONSTANT.sub(moved, ir.text.decode())
    head = json.dumps({"text": len(text.encode()), "parts": parts}, separators=(",", ":"))
    whole = b"\n".join((head.encode(), text.encode())) + b"".join(literals)
    return lzma.compress(whole, preset=9 | lzma.PRESET_EXTREME)


def unpacked(data: bytes, state: State) -> Ir:
    """Return the graph that `packed` was given; its constants lie elsewhere."""
    whole = lzma.decompress(data)
    head, _, rest = whole.partition(b"\n")
    told: Mapping[str, Any] = json.loads(head)
    position = int(told["text"])
    constants = bytearray()
    for part in told["parts"]:
        if part[0] == LITERAL:
            content, position = rest[position : position + part[1]], position + part[1]
        else:
            content = numbers_of(part, state)
        constants += content.ljust(_aligned(len(content)), b"\0")
    return Ir(rest[: int(told["text"])], bytes(constants))


def _array(content: bytes, shape: str) -> Any:
    return np.frombuffer(content, np.float32).reshape([int(side) for side in shape.split(",") if side])


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
