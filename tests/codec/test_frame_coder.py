"""Quantiser and frame coder: what goes in comes out, on both sides the same state."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.base.errors import ConfigError, CorruptPacket
from facewire.bitstream.rangecoder import RangeDecoder, RangeEncoder
from facewire.codec.frame_coder import FrameCoder
from facewire.codec.modes import ABSOLUTE, ANCHOR, MODES, NEXT, mode_of
from facewire.codec.quantizer import Quantizer
from facewire.codec.state import CoderState, MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.tokens import TOKENS, ZERO, class_of, smallest_of, token_of

from .motion import Floats, frames_of, made_up_clips

M, K = 21, 5
residual = st.one_of(st.just(0), st.integers(-3, 3), st.integers(-900, 900))
residual_lists = st.lists(residual, min_size=M, max_size=M)


@st.composite
def states(draw: st.DrawFn) -> CoderState:
    def numbers(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=M, max_size=M))

    steps = draw(st.none() | st.just(numbers(-40, 40)))
    return CoderState(numbers(-2000, 2000), steps, numbers(0, 119), numbers(0, 1), draw(st.integers(1, K)))


class TestTokens:
    def test_every_residual_has_its_own_token_and_bits(self) -> None:
        seen = set()
        for magnitude in range(8, 32768):
            size, bits = class_of(magnitude)
            smallest, again = smallest_of(size)
            assert bits == again
            assert smallest <= magnitude < smallest + (1 << bits)
            assert smallest & (1 << bits) - 1 == 0
            seen.add(size)
        assert seen == set(range(8, 32))

    def test_by_hand(self) -> None:
        assert [class_of(a) for a in (8, 11, 12, 16, 23, 24, 32767)] == [
            *((8, 2), (8, 2), (9, 2), (10, 3), (10, 3), (11, 3)),
            (31, 13),
        ]
        assert [token_of(r) for r in (-32767, -8, -7, 0, 7, 8, 32767)] == [0, 23, 24, 31, 38, 39, 62]
        assert (TOKENS, ZERO) == (63, 31)

    def test_modes_by_distance(self) -> None:
        assert [mode_of(d) for d in (0, 1, 2, 3, 4, 6, 7, 12, 13, 31)] == [1, 2, 3, 3, 4, 4, 5, 5, 6, 6]


class TestFrameCoder:
    @pytest.mark.slow
    @given(states(), residual_lists, st.integers(1, K), st.integers(0, MODES - 1))
    @settings(max_examples=300)
    def test_decoder_reaches_the_encoders_state(
        self, tables: CodecTables, reference: CoderState, residuals: list[int], kept: int, mode: int
    ) -> None:
        coder, encoder = FrameCoder(tables), RangeEncoder()
        sent = coder.write(encoder, mode, reference, residuals, kept)
        assert coder.read(RangeDecoder(encoder.finish()), mode, reference) == sent
        assert sent.kept == kept
        assert all(0 <= m <= 119 for m in sent.memory)
        assert (sent.steps is None) == (mode != NEXT)

    @pytest.mark.slow
    @given(states(), residual_lists, st.integers(1, K))
    def test_cost_is_the_size(
        self, tables: CodecTables, reference: CoderState, residuals: list[int], kept: int
    ) -> None:
        coder, encoder = FrameCoder(tables), RangeEncoder()
        for _ in range(20):
            coder.write(encoder, NEXT, reference, residuals, kept)
        ideal = 20 * coder.cost(NEXT, reference, residuals, kept) / 8
        assert ideal - 2 <= len(encoder.finish()) <= 1.002 * ideal + 1.5

    def test_references_are_not_changed(self, tables: CodecTables) -> None:
        coder = FrameCoder(tables)
        state = coder.write(RangeEncoder(), NEXT, coder.zero, list(range(M)), K)
        copy = deepcopy(state)
        coder.write(RangeEncoder(), NEXT, state, [1] * M, 2)
        assert state == copy
        assert coder.zero == CoderState.zero(M, K)

    def test_memory_lean_and_steps_by_hand(self, tables: CodecTables) -> None:
        coder = FrameCoder(replace(tables, damping=(128, *[0] * (M - 1))))
        one = coder.write(RangeEncoder(), NEXT, coder.zero, [3, -2, 40, *[0] * 18], K)
        assert one.memory[:4] == [12, 8, 60, 0]
        assert one.lean[:4] == [0, 1, 0, 0]
        assert one.steps is not None
        assert one.steps[:3] == [3, -2, 40]
        assert coder.predict(NEXT, one)[:3] == [5, -2, 40]
        assert coder.predict(3, one)[:3] == [3, -2, 40]
        two = coder.write(RangeEncoder(), NEXT, one, [0, 1, *[0] * 19], K)
        assert two.levels[:3] == [5, -1, 40]
        assert two.memory[:3] == [6, 8, 30]
        assert two.lean[:3] == [0, 0, 0]
        key = coder.write(RangeEncoder(), ANCHOR, two, [1] * M, K)
        assert (key.memory, key.lean, key.steps) == ([0] * M, [0] * M, None)

    def test_dropped_keypoints_keep_their_coefficients(self, tables: CodecTables) -> None:
        coder, encoder = FrameCoder(replace(tables, damping=(256,) * M)), RangeEncoder()
        one = coder.write(RangeEncoder(), NEXT, coder.zero, [5] * M, K)
        two = coder.write(encoder, NEXT, one, [1] * M, 1)
        sent = tables.columns[0]
        assert sent < M
        assert two.levels == [11] * sent + [5] * (M - sent)
        assert coder.read(RangeDecoder(encoder.finish()), NEXT, one) == two

    def test_still_frames_cost_next_to_nothing(self, tables: CodecTables) -> None:
        coder, encoder = FrameCoder(tables), RangeEncoder()
        state = coder.zero
        for _ in range(100):
            state = coder.write(encoder, 3, state, [0] * M, K)
        assert len(encoder.finish()) < 20
        assert state == replace(coder.zero, still=True)

    def test_counts_and_levels_outside_their_range(self, tables: CodecTables) -> None:
        coder = FrameCoder(tables)
        wide = replace(coder.zero, levels=[32000] * M)
        encoder = RangeEncoder()
        coder.write(encoder, NEXT, wide, [900] * M, K)
        with pytest.raises(CorruptPacket, match="leaves its range"):
            coder.read(RangeDecoder(encoder.finish()), NEXT, wide)
        encoder = RangeEncoder()
        coder.write(encoder, NEXT, replace(coder.zero, kept=1), [1] * M, 5)
        with pytest.raises(CorruptPacket, match="9 keypoints of 5"):
            coder.read(RangeDecoder(encoder.finish()), NEXT, coder.zero)

    @pytest.mark.slow
    @given(states(), st.binary(max_size=80), st.integers(0, MODES - 1))
    @settings(max_examples=300)
    def test_any_bytes(self, tables: CodecTables, reference: CoderState, data: bytes, mode: int) -> None:
        coder = FrameCoder(tables)
        try:
            state = coder.read(RangeDecoder(data), mode, reference)
        except CorruptPacket:
            return
        assert all(abs(level) <= 32767 for level in state.levels)
        frame = Quantizer(tables).frame(state.levels, state.kept)
        assert np.abs(frame.vector()).max() <= 8


class TestQuantizer:
    def test_error_is_about_a_step(self, tables: CodecTables, motion: Floats) -> None:
        quantizer = Quantizer(tables)
        zero = [0] * M
        for row in motion:
            levels = quantizer.residuals(quantizer.points(MotionFrame.from_vector(row)), zero)
            error = quantizer.frame(levels, K).vector() - row
            assert np.abs(error).max() < 0.03

    @given(st.integers(-200, 200))
    def test_dead_zone_rounds_towards_the_prediction(self, tables: CodecTables, level: int) -> None:
        quantizer = Quantizer(tables)
        levels = [level, *[0] * (M - 1)]
        points = quantizer.points(quantizer.frame(levels, K))
        for offset, residual_ in ((0, 0), (1, 1), (-1, -1), (5, 5)):
            found = quantizer.residuals(points, [level - offset, *[0] * (M - 1)])
            assert found[0] == residual_

    def test_large_motion_is_cut(self, tables: CodecTables) -> None:
        quantizer = Quantizer(tables)
        points = quantizer.points(MotionFrame.from_vector(np.full(M, 1e30)))
        assert (points / 65536).tolist() == pytest.approx([3.2] * 3 + [4.0] * 18, abs=1e-5)
        levels = quantizer.residuals(points, [0] * M)
        np.testing.assert_allclose(quantizer.frame(levels, K).vector(), points / 65536, atol=0.1)

    def test_levels_never_leave_their_range(self, tables: CodecTables) -> None:
        fine = replace(tables, analysis=tables.analysis * 4000)
        quantizer = Quantizer(fine)
        points = quantizer.points(MotionFrame.from_vector(np.full(M, 3.0)))
        for start in (0, 32767, -32767):
            residuals = quantizer.residuals(points, [start] * M)
            assert all(abs(start + r) <= 32767 and abs(r) <= 32767 for r in residuals)

    def test_other_number_of_keypoints(self, tables: CodecTables) -> None:
        with pytest.raises(ConfigError, match="keypoints"):
            Quantizer(tables).points(MotionFrame.from_vector(np.zeros(9)))

    def test_reconstruction_by_hand(self, tables: CodecTables) -> None:
        quantizer = Quantizer(tables)
        levels = [3, -2, *[0] * 19]
        exact = [
            (int(o) + ((3 * int(b[0]) - 2 * int(b[1]) + 8) >> 4)) / 65536
            for o, b in zip(tables.offset, tables.basis)
        ]
        assert quantizer.frame(levels, K).vector().tolist() == exact

    def test_later_stages_correct_earlier_ones(self, tables: CodecTables) -> None:
        """Coarse first stage, fine later ones: the later keypoints still end up where they should."""
        clip = made_up_clips(clips=1, frames=30, keypoints=K, seed=9)[0]
        quantizer = Quantizer(tables)
        errors = []
        for frame in frames_of(clip):
            levels = quantizer.residuals(quantizer.points(frame), [0] * M)
            posed = quantizer.frame(levels, K).vector() - frame.vector()
            errors.append(posed[3:6] + posed[-3:])
        assert np.sqrt(np.mean(np.square(errors))) < 0.006

    def test_absolute_mode_is_for_sources(self) -> None:
        assert ABSOLUTE == 0
