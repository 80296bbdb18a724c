"""MotionFrame: order of components, what it refuses; profile raw."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewire.base.errors import BitstreamError, ConfigError, CorruptPacket, ShapeError
from facewire.codec.raw import decode_raw, encode_raw
from facewire.codec.state import CoderState, MotionFrame

components = st.integers(1, 20).flatmap(
    lambda k: st.lists(st.floats(-3, 3, width=32), min_size=6 + 3 * k, max_size=6 + 3 * k)
)


def zeros(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    return np.zeros(shape, dtype=np.float32)


class TestMotionFrame:
    @given(components)
    def test_vector_round_trip(self, values: list[float]) -> None:
        vector = np.array(values, dtype=np.float32)
        frame = MotionFrame.from_vector(vector)
        np.testing.assert_array_equal(frame.vector(), vector)
        assert frame.keypoints == frame.used == (len(values) - 6) // 3

    def test_order(self) -> None:
        frame = MotionFrame.from_vector(np.arange(12.0), kept=1)
        assert frame.angles.tolist() == [0, 1, 2]
        assert frame.translation.tolist() == [3, 4, 5]
        assert frame.expression.tolist() == [[6, 7, 8], [9, 10, 11]]
        assert frame.expression.dtype == np.float32
        assert frame.used == 1

    @pytest.mark.parametrize("size", [0, 6, 7, 8, 10])
    def test_lengths_that_are_no_frame(self, size: int) -> None:
        with pytest.raises(ShapeError):
            MotionFrame.from_vector(np.zeros(size))

    def test_shapes(self) -> None:
        for angles, places, faces in (((2,), (3,), (4, 3)), ((3,), (1, 3), (4, 3)), ((3,), (3,), (4, 2))):
            with pytest.raises(ShapeError):
                MotionFrame(zeros(angles), zeros(places), zeros(faces))
        with pytest.raises(ShapeError):
            MotionFrame.from_vector(np.zeros((2, 9)))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_numbers_that_are_none(self, value: float) -> None:
        vector = np.zeros(9)
        vector[4] = value
        with pytest.raises(ConfigError, match="finite"):
            MotionFrame.from_vector(vector)

    @pytest.mark.parametrize("kept", [0, 2, -1])
    def test_kept_is_between_1_and_k(self, kept: int) -> None:
        with pytest.raises(ConfigError, match="kept"):
            MotionFrame.from_vector(np.zeros(9), kept)

    def test_zero_state(self) -> None:
        state = CoderState.zero(4, 2)
        assert state.levels == state.memory == state.lean == [0, 0, 0, 0]
        assert (state.steps, state.kept) == (None, 2)


class TestRaw:
    def test_twenty_keypoints_are_132_bytes(self) -> None:
        vector = np.random.default_rng(1).normal(0, 0.2, 66)
        packet = encode_raw(MotionFrame.from_vector(vector))
        assert len(packet) == 132
        np.testing.assert_allclose(decode_raw(packet, 20).vector(), vector, atol=5e-4)

    @given(st.integers(1, 20))
    def test_length_says_how_many_are_kept(self, kept: int) -> None:
        packet = encode_raw(MotionFrame.from_vector(np.full(66, 0.25), kept))
        decoded = decode_raw(packet, 20)
        assert len(packet) == 2 * (6 + 3 * kept)
        assert decoded.used == kept
        assert (decoded.expression[:kept] == 0.25).all()
        assert not decoded.expression[kept:].any()

    def test_large_values_are_cut(self) -> None:
        decoded = decode_raw(encode_raw(MotionFrame.from_vector(np.full(9, 1e9))), 1)
        assert decoded.vector().tolist() == [4, 4, 4, 8, 8, 8, 8, 8, 8]

    @pytest.mark.parametrize("size", [0, 1, 12, 14, 17, 19, 20, 30, 132])
    def test_lengths_that_are_no_packet(self, size: int) -> None:
        with pytest.raises(CorruptPacket, match="no raw packet") as caught:
            decode_raw(bytes(size), 3 if size != 30 else 1, offset=7)
        assert caught.value.offset == 7

    @pytest.mark.parametrize("number", [b"\x00\x7c", b"\x00\xfc", b"\x01\x7e"])
    def test_numbers_that_are_none(self, number: bytes) -> None:
        with pytest.raises(CorruptPacket, match="finite"):
            decode_raw(number + bytes(16), 1)

    @given(st.binary(min_size=18, max_size=40))
    def test_any_bytes(self, packet: bytes) -> None:
        with suppress(BitstreamError):
            assert np.isfinite(decode_raw(packet, 5).vector()).all()
