"""Payloads to GFV messages. Any bytes give a message or BitstreamError."""

from __future__ import annotations

from facewire.base.errors import CorruptPacket, MissingReference
from facewire.bitstream.sei.bits import BitReader
from facewire.bitstream.sei.memory import Memories
from facewire.bitstream.sei.message import (
    BY_KEYPOINT,
    FEATURES,
    LARGEST,
    LONGEST_TEXT,
    MOST_DEPTH,
    MOST_ELEMENTS,
    MOST_MATRICES,
    MOST_POINTS,
    MOST_PRECISION,
    MOST_SIDE,
    MOST_TYPES,
    OF_HEAD,
    ROTATION,
    ChromaKey,
    Coordinates,
    GfvMessage,
    Matrices,
    Matrix,
)


class GfvReader:
    """Makes messages of payloads. Any bytes give a message or BitstreamError."""

    def __init__(self) -> None:
        self._memories = Memories()

    def read(self, payload: bytes, offset: int = 0) -> GfvMessage:
        """Return the message of a payload at `offset` of the stream.

        Raises:
            CorruptPacket, TruncatedStream: it is none.
            MissingReference: it is predicted from a message that was not read.
        """
        bits = BitReader(payload, offset)
        id, count = bits.golomb("gfv_id", LARGEST), bits.golomb("gfv_cnt", LARGEST)
        base = count == 0 and bits.flag()
        memory = self._memories.of(id, base=base)
        network, chroma_key = _read_base(bits) if base else (None, None)
        fusion = not base and bits.flag()
        low_confidence = bits.flag()
        coordinates, matrices = None, None
        predict_coordinates = predict_matrices = False
        if bits.flag():
            predict_coordinates = bits.flag()
            before = memory.coordinates(count)
            coordinates = _read_coordinates(bits, base, predict_coordinates, before, id)
        if bits.flag():
            predict_matrices = not base and bits.flag()
            form = memory.matrices(count) if predict_matrices else _read_sizes(bits, coordinates)
            if form is None:
                raise MissingReference(bits.offset, id, "base picture")
            matrices = _read_elements(bits, form, predict=predict_matrices)
        if coordinates is None and matrices is None:
            raise CorruptPacket(offset, "a face message has neither coordinates nor matrices")
        if network == b"":
            bits.align()
            network = bytes(bits.fixed(8) for _ in range(bits.remaining // 8))
        else:
            bits.end("a face message")
        message = GfvMessage(
            id=id,
            count=count,
            base=base,
            network=network,
            chroma_key=chroma_key,
            fusion=fusion,
            low_confidence=low_confidence,
            coordinates=coordinates,
            predict_coordinates=predict_coordinates,
            matrices=matrices,
            predict_matrices=predict_matrices,
        )
        memory.keep(message)
        return message


def _read_base(bits: BitReader) -> tuple[tuple[str, str] | bytes | None, ChromaKey | None]:
    """Return network and chroma key; a network whose bytes stand at the end of the message is b"" so far."""
    network: tuple[str, str] | bytes | None = None
    if bits.flag():
        network = b""
        if bits.golomb("gfv_nn_mode_idc", 1):
            bits.align()
            network = (bits.text(LONGEST_TEXT), bits.text(LONGEST_TEXT))
    if not bits.flag():
        return network, None
    first, second, third = (bits.fixed(8) if bits.flag() else None for _ in range(3))
    low, high = (bits.golomb("gfv_chroma_key_thr_value", LARGEST) if bits.flag() else None for _ in range(2))
    return network, ChromaKey(values=(first, second, third), thresholds=(low, high))


def _read_coordinates(
    bits: BitReader, base: bool, predict: bool, before: Coordinates | None, id: int
) -> Coordinates:
    if base or not predict:
        precision = bits.golomb("gfv_coordinate_precision_factor_minus1", MOST_PRECISION - 1) + 1
        count = bits.golomb("gfv_num_kps_minus1", MOST_POINTS - 1) + 1
        depth = bits.golomb("gfv_coordinate_z_max_value_minus1", MOST_DEPTH - 1) + 1 if bits.flag() else None
    elif before is None:
        raise MissingReference(bits.offset, id, "base picture")
    else:
        precision, count, depth = before.precision, len(before.points), before.depth
    last: tuple[int, ...] = (0,) * (2 if depth is None else 3)
    points: list[tuple[int, ...]] = []
    for at in range(count):
        reference = before.points[at] if before is not None and predict and not base else last
        values = (known * predict + _read_signed(bits, "gfv_coordinate") for known in reference)
        last = tuple(values)
        points.append(last)
    return Coordinates(precision, tuple(points), depth)


def _read_sizes(bits: BitReader, coordinates: Coordinates | None) -> Matrices:
    """Return matrices of zeros of the stated sizes."""
    precision = bits.golomb("gfv_matrix_element_precision_factor_minus1", MOST_PRECISION - 1) + 1
    parts, left = [], MOST_ELEMENTS
    for _ in range(bits.golomb("gfv_num_matrix_types_minus1", MOST_TYPES - 1) + 1):
        kind = bits.fixed(6)
        count, height, width = _read_size(bits, kind, coordinates)
        left -= count * height * width
        if left < 0:
            raise CorruptPacket(bits.offset, f"matrices of more than {MOST_ELEMENTS} numbers")
        parts.append(Matrix(kind, count, height, width, (0,) * (count * height * width)))
    return Matrices(precision, tuple(parts))


def _read_size(bits: BitReader, kind: int, coordinates: Coordinates | None) -> tuple[int, int, int]:
    """Return number, height and width of the matrices of a type."""
    if kind in BY_KEYPOINT:
        if coordinates is None:
            raise CorruptPacket(bits.offset, "matrices of points without points")
        points = len(coordinates.points)
        count = points if bits.flag() else bits.golomb("gfv_num_matrices_info", MOST_MATRICES - 1)
        space = _space(coordinates)
        return count, space, space
    if kind in OF_HEAD:
        space = (3 if bits.flag() else 2) if coordinates is None else _space(coordinates)
        return 1, space, space if kind == ROTATION else 1
    count = bits.golomb("gfv_num_matrices_minus1", MOST_MATRICES - 1) + 1 if kind >= FEATURES else 1
    width = bits.golomb("gfv_matrix_width_minus1", MOST_SIDE - 1) + 1
    return count, bits.golomb("gfv_matrix_height_minus1", MOST_SIDE - 1) + 1, width


def _space(coordinates: Coordinates) -> int:
    return 2 if coordinates.depth is None else 3


def _read_elements(bits: BitReader, form: Matrices, *, predict: bool) -> Matrices:
    known = form.elements()
    return form.with_elements([_read_element(bits, form.precision, predict) + one for one in known])


def _read_element(bits: BitReader, precision: int, predicted: bool) -> int:
    whole = bits.golomb("gfv_matrix_element_int", LARGEST)
    most = (1 << precision) - 1
    rest = bits.golomb("gfv_matrix_delta_element_dec", most) if predicted else bits.fixed(precision)
    value = (whole << precision) + rest
    return -value if value and bits.flag() else value


def _read_signed(bits: BitReader, what: str) -> int:
    value = bits.golomb(what, LARGEST)
    return -value if value and bits.flag() else value
