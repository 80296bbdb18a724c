"""GFV messages to payloads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat

from facewire.bitstream.sei.bits import BitWriter
from facewire.bitstream.sei.memory import Memories
from facewire.bitstream.sei.message import (
    BY_KEYPOINT,
    FEATURES,
    OF_HEAD,
    Coordinates,
    GfvMessage,
    Matrices,
    Matrix,
)


class GfvWriter:
    """Makes payloads of messages."""

    def __init__(self) -> None:
        self._memories = Memories()

    def write(self, message: GfvMessage) -> bytes:
        """Return the payload of a message."""
        if message.coordinates is None and message.matrices is None:
            raise ValueError("a message has coordinates or matrices")
        memory = self._memories.of(message.id, base=message.base)
        bits = BitWriter()
        bits.golomb(message.id)
        bits.golomb(message.count)
        if message.count == 0:
            bits.flag(message.base)
        if message.base:
            _write_base(bits, message)
        else:
            bits.flag(message.fusion)
        bits.flag(message.low_confidence)
        bits.flag(message.coordinates is not None)
        if message.coordinates is not None:
            _write_coordinates(bits, message, message.coordinates, memory.coordinates(message.count))
        bits.flag(message.matrices is not None)
        if message.matrices is not None:
            _write_matrices(bits, message, message.matrices, memory.matrices(message.count))
        if isinstance(message.network, bytes):
            bits.align()
            for byte in message.network:
                bits.fixed(byte, 8)
        memory.keep(message)
        return bits.payload()


def _write_base(bits: BitWriter, message: GfvMessage) -> None:
    bits.flag(message.network is not None)
    if message.network is not None:
        located = isinstance(message.network, tuple)
        bits.golomb(int(located))
        if isinstance(message.network, tuple):
            bits.align()
            for text in message.network:
                bits.text(text)
    key = message.chroma_key
    bits.flag(key is not None)
    if key is None:
        return
    for value in key.values:
        bits.flag(value is not None)
        if value is not None:
            bits.fixed(value, 8)
    for threshold in key.thresholds:
        bits.flag(threshold is not None)
        if threshold is not None:
            bits.golomb(threshold)


def _write_coordinates(
    bits: BitWriter, message: GfvMessage, coordinates: Coordinates, before: Coordinates | None
) -> None:
    bits.flag(message.predict_coordinates)
    if message.base or not message.predict_coordinates:
        bits.golomb(coordinates.precision - 1)
        bits.golomb(len(coordinates.points) - 1)
        bits.flag(coordinates.depth is not None)
        if coordinates.depth is not None:
            bits.golomb(coordinates.depth - 1)
    elif before is None or _form(before) != _form(coordinates):
        raise ValueError("points are predicted from as many of the same precision")
    for point, reference in zip(coordinates.points, _references(message, coordinates, before)):
        for value, known in zip(point, reference):
            _write_signed(bits, value - known)


def _form(coordinates: Coordinates) -> tuple[int, int, int | None]:
    return coordinates.precision, len(coordinates.points), coordinates.depth


def _write_matrices(
    bits: BitWriter, message: GfvMessage, matrices: Matrices, before: Matrices | None
) -> None:
    if not message.base:
        bits.flag(message.predict_matrices)
    elif message.predict_matrices:
        raise ValueError("matrices of a base picture are not predicted")
    if message.predict_matrices:
        if before is None or before.with_elements(matrices.elements()) != matrices:
            raise ValueError("matrices are predicted from those of the same sizes and precision")
        for element, known in zip(matrices.elements(), before.elements(), strict=True):
            _write_element(bits, element - known, matrices.precision, predicted=True)
        return
    bits.golomb(matrices.precision - 1)
    bits.golomb(len(matrices.parts) - 1)
    for part in matrices.parts:
        _write_size(bits, part, message.coordinates)
    for element in matrices.elements():
        _write_element(bits, element, matrices.precision, predicted=False)


def _write_size(bits: BitWriter, part: Matrix, coordinates: Coordinates | None) -> None:
    bits.fixed(part.kind, 6)
    if part.kind in BY_KEYPOINT:
        if coordinates is None:
            raise ValueError("such matrices belong to points")
        bits.flag(part.count == len(coordinates.points))
        if part.count != len(coordinates.points):
            bits.golomb(part.count)
    elif part.kind in OF_HEAD:
        if coordinates is None:
            bits.flag(part.height == 3)
    else:
        if part.kind >= FEATURES:
            bits.golomb(part.count - 1)
        bits.golomb(part.width - 1)
        bits.golomb(part.height - 1)


def _write_element(bits: BitWriter, value: int, precision: int, *, predicted: bool) -> None:
    whole, rest = divmod(abs(value), 1 << precision)
    bits.golomb(whole)
    if predicted:
        bits.golomb(rest)
    else:
        bits.fixed(rest, precision)
    if value:
        bits.flag(value < 0)


def _write_signed(bits: BitWriter, value: int) -> None:
    bits.golomb(abs(value))
    if value:
        bits.flag(value < 0)


def _references(
    message: GfvMessage, coordinates: Coordinates, before: Coordinates | None
) -> Iterable[tuple[int, ...]]:
    """Return what is taken off each point."""
    zero = (0, 0, 0)
    if not message.predict_coordinates:
        return repeat(zero)
    if message.base or before is None:
        return chain([zero], coordinates.points)
    return before.points
