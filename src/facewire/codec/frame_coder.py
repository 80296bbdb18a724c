"""One frame of integers to and from the range coder (docs/bitstream.md section 6.3).

    reference state, residuals --write--> symbols --read--> the new state, the same on both sides

Residuals are coded one by one; the table of each is chosen by how much the same coefficient moved lately (own
class) and how much the frame moves so far (activity class), and mirrored if its last move was to the negative
side: estimators jitter, so a step one way is mostly taken back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import log2

from facewire.base.errors import CorruptPacket
from facewire.bitstream.rangecoder import RangeDecoder, RangeEncoder
from facewire.codec.modes import ANCHOR, LARGEST_LEVEL, NEXT
from facewire.codec.state import CoderState
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.tokens import DIRECT, ZERO, class_of, smallest_of

WEIGHT = 4
"""Of a residual's magnitude in memory and activity."""
LOUDEST = 15
"""Larger magnitudes count as this in memory and activity."""
HIGHEST_MEMORY, HIGHEST_ACTIVITY = 119, 511
"""No memory and no activity exceeds these."""

Rows = list[list[tuple[int, ...]]]


class FrameCoder:
    """Codes frames with one set of tables; holds no state of its own between calls."""

    def __init__(self, tables: CodecTables) -> None:
        self.tables = tables
        self.zero = CoderState.zero(tables.coefficients, tables.keypoints)
        """The state before anything was coded."""
        self._rows: list[Rows] = [
            [[tables.cdfs[cell] for cell in row] for row in mode] for mode in tables.cells
        ]
        wide = len(tables.activity_edges)
        self._own = [wide * (bisect_right(tables.own_edges, m) - 1) for m in range(HIGHEST_MEMORY + 1)]
        self._activity = [bisect_right(tables.activity_edges, g) - 1 for g in range(HIGHEST_ACTIVITY + 1)]
        self._damped = [(i, d) for i, d in enumerate(tables.damping) if d]
        self._still = [[(0, share, 1 << 16) for share in pair] for pair in tables.still]

    def predict(self, mode: int, reference: CoderState) -> list[int]:
        """Return p, the coefficients if all residuals are 0. It may be the state's own list: only read it."""
        if mode != NEXT or reference.steps is None or not self._damped:
            return reference.levels
        prediction, steps = reference.levels.copy(), reference.steps
        for index, damping in self._damped:
            prediction[index] += damping * steps[index] + 128 >> 8
        return prediction

    def write(
        self, encoder: RangeEncoder, mode: int, reference: CoderState, residuals: Sequence[int], kept: int
    ) -> CoderState:
        """Code a frame and return the state after it.

        Args:
            encoder: takes the symbols.
            mode: how `reference` was chosen.
            reference: a state the decoder holds.
            residuals: r, M integers; those beyond the columns of `kept` are ignored.
            kept: keypoints in use.
        """
        count = self.tables.columns[kept - 1]
        sent = residuals[:count]
        share = self._still[mode][reference.still][1]
        if kept == reference.kept and not any(sent):
            encoder.encode(share, (1 << 16) - share)
            return self._after(mode, reference, None, kept)
        encoder.encode(0, share)
        _write_residual(encoder, self.tables.kept_cdf, kept - reference.kept)
        rows, own, classes = self._rows[mode], self._own, self._activity
        memory, lean = reference.memory, reference.lean
        activity = 0
        for index, residual in enumerate(sent):
            cdf = rows[index][own[memory[index]] + classes[activity]]
            if residual:
                _write_residual(encoder, cdf, -residual if lean[index] else residual)
                activity = (7 * activity >> 3) + WEIGHT * min(abs(residual), LOUDEST)
            else:
                encoder.encode(cdf[ZERO], cdf[ZERO + 1] - cdf[ZERO])
                activity = 7 * activity >> 3
        return self._after(mode, reference, sent, kept)

    def read(self, decoder: RangeDecoder, mode: int, reference: CoderState) -> CoderState:
        """Return the state after the next frame.

        Raises:
            CorruptPacket: the number of keypoints or a coefficient leaves its range.
        """
        kept, residuals = reference.kept, None
        if not decoder.decode(self._still[mode][reference.still]):
            kept += _read_residual(decoder, self.tables.kept_cdf)
            if not 1 <= kept <= self.tables.keypoints:
                raise CorruptPacket(decoder.position, f"{kept} keypoints of {self.tables.keypoints}")
            residuals = self._read_residuals(decoder, mode, reference, self.tables.columns[kept - 1])
        state = self._after(mode, reference, residuals, kept)
        if max(state.levels) > LARGEST_LEVEL or min(state.levels) < -LARGEST_LEVEL:
            raise CorruptPacket(decoder.position, "a coefficient leaves its range")
        return state

    def _read_residuals(
        self, decoder: RangeDecoder, mode: int, reference: CoderState, count: int
    ) -> list[int]:
        rows, own, classes = self._rows[mode], self._own, self._activity
        memory, lean = reference.memory, reference.lean
        residuals, activity = list[int](), 0
        decode = decoder.decode
        for index in range(count):
            token = decode(rows[index][own[memory[index]] + classes[activity]]) - ZERO
            if token:
                residual = token if -DIRECT <= token <= DIRECT else _extended(decoder, token)
                residuals.append(-residual if lean[index] else residual)
                activity = (7 * activity >> 3) + WEIGHT * min(abs(residual), LOUDEST)
            else:
                residuals.append(0)
                activity = 7 * activity >> 3
        return residuals

    def cost(self, mode: int, reference: CoderState, residuals: Sequence[int], kept: int) -> float:
        """Return the ideal size of a frame under the tables, in bits: what a perfect coder would need."""
        counter = _BitCounter()
        self.write(counter, mode, reference, residuals, kept)
        return counter.bits

    def _after(self, mode: int, reference: CoderState, sent: Sequence[int] | None, kept: int) -> CoderState:
        """Return the state after a frame of these residuals, or after a still one; missing residuals are 0."""
        residuals, still = sent or (), sent is None
        prediction = self.predict(mode, reference)
        levels = prediction.copy()
        if prediction is not reference.levels:
            count = self.tables.columns[kept - 1]
            levels[count:] = reference.levels[count:]
        if mode <= ANCHOR:
            for index, residual in enumerate(residuals):
                levels[index] += residual
            return CoderState(levels, None, self.zero.memory, self.zero.lean, kept, still)
        memory = [m >> 1 for m in reference.memory]
        lean = reference.lean
        if any(residuals):
            lean = lean.copy()
            for index, residual in enumerate(residuals):
                if residual:
                    levels[index] += residual
                    memory[index] += WEIGHT * min(abs(residual), LOUDEST)
                    lean[index] = 1 if residual < 0 else 0
        steps = None
        if mode == NEXT and self._damped:
            steps = [new - old for new, old in zip(levels, reference.levels)]
        return CoderState(levels, steps, memory, lean, kept, still)


class _BitCounter(RangeEncoder):
    """Stands in for the range coder and only adds up ideal bits."""

    __slots__ = ("bits",)

    def __init__(self) -> None:
        super().__init__()
        self.bits = 0.0

    def encode(self, start: int, size: int, bits: int = 16) -> None:
        self.bits += bits - log2(size)


def _write_residual(encoder: RangeEncoder, cdf: Sequence[int], residual: int) -> None:
    """Code any residual of magnitude up to 32767 as token and plain bits."""
    magnitude = abs(residual)
    if magnitude <= DIRECT:
        token = ZERO + residual
        encoder.encode(cdf[token], cdf[token + 1] - cdf[token])
        return
    size, bits = class_of(magnitude)
    token = ZERO + size if residual > 0 else ZERO - size
    encoder.encode(cdf[token], cdf[token + 1] - cdf[token])
    encoder.encode(magnitude & (1 << bits) - 1, 1, bits)


def _read_residual(decoder: RangeDecoder, cdf: Sequence[int]) -> int:
    token = decoder.decode(cdf) - ZERO
    return token if -DIRECT <= token <= DIRECT else _extended(decoder, token)


def _extended(decoder: RangeDecoder, token: int) -> int:
    """Return the residual of a token of magnitude 8 to 31, with its plain bits."""
    smallest, bits = smallest_of(abs(token))
    magnitude = smallest + decoder.decode_bits(bits)
    return magnitude if token > 0 else -magnitude
