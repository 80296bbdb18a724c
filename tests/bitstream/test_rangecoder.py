"""The range coder: hand values, round trips, carries, tails, size against the ideal and against an oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewire.bitstream.cdf import TOTAL, cdf_from_counts, is_cdf
from facewire.bitstream.rangecoder import RangeDecoder, RangeEncoder

counts_lists = st.lists(st.integers(0, 10**6), min_size=2, max_size=70)


def encode(symbols: list[int], cdf: list[int]) -> bytes:
    encoder = RangeEncoder()
    for symbol in symbols:
        encoder.encode(cdf[symbol], cdf[symbol + 1] - cdf[symbol])
    return encoder.finish()


def decode(data: bytes, count: int, cdf: list[int]) -> list[int]:
    decoder = RangeDecoder(data)
    return [decoder.decode(cdf) for _ in range(count)]


def ideal_bytes(symbols: list[int], cdf: list[int]) -> float:
    return sum(16 - math.log2(cdf[s + 1] - cdf[s]) for s in symbols) / 8


class TestRoundTrip:
    @given(st.data())
    @settings(max_examples=300)
    def test_any_symbols_under_any_table(self, data: st.DataObject) -> None:
        cdf = cdf_from_counts(data.draw(counts_lists))
        symbols = data.draw(st.lists(st.integers(0, len(cdf) - 2), max_size=80))
        assert decode(encode(symbols, cdf), len(symbols), cdf) == symbols

    @given(st.lists(st.tuples(st.integers(1, 16), st.integers(0, 65535)), max_size=60))
    def test_plain_bits(self, values: list[tuple[int, int]]) -> None:
        wanted = [(bits, value % (1 << bits)) for bits, value in values]
        encoder = RangeEncoder()
        for bits, value in wanted:
            encoder.encode(value, 1, bits)
        decoder = RangeDecoder(encoder.finish())
        assert [(bits, decoder.decode_bits(bits)) for bits, _ in wanted] == wanted

    @pytest.mark.parametrize("start", [65535, 65534, 32768, 0])
    def test_extreme_symbols_in_a_row_carry_through_written_bytes(self, start: int) -> None:
        cdf = [0, start, start + 1, TOTAL] if 0 < start < 65535 else [0, *sorted({1, 65535}), TOTAL]
        rng = np.random.default_rng(start)
        for _ in range(50):
            symbols = rng.choice(3, size=200, p=[0.02, 0.08, 0.9]).tolist()
            assert decode(encode(symbols, cdf), 200, cdf) == symbols

    def test_a_carry_that_runs_through_many_bytes(self) -> None:
        top = [0, 65535, TOTAL]
        for length in range(1, 40):
            symbols = [1] * length + [0] * 3 + [1]
            assert decode(encode(symbols, top), len(symbols), top) == symbols


class TestTail:
    def test_nothing_is_nothing(self) -> None:
        assert encode([], [0, 1, TOTAL]) == b""

    def test_first_symbols_cost_no_byte(self) -> None:
        assert encode([0] * 50, [0, 60000, TOTAL]) == b""

    def test_short_packets_cost_half_a_byte_more_than_the_ideal(self) -> None:
        rng = np.random.default_rng(3)
        cdf = cdf_from_counts([1, 4, 20, 60, 20, 4, 1])
        packets = rng.choice(7, size=(400, 60), p=np.diff(cdf) / TOTAL).tolist()
        coded = [encode(symbols, cdf) for symbols in packets]
        assert not any(data.endswith(b"\0") for data in coded)
        spare = np.mean([len(d) - ideal_bytes(s, cdf) for d, s in zip(coded, packets)])
        assert spare < 0.6

    @given(st.data())
    @settings(max_examples=100)
    def test_zero_bytes_behind_the_end_change_nothing(self, data: st.DataObject) -> None:
        cdf = cdf_from_counts(data.draw(counts_lists))
        symbols = data.draw(st.lists(st.integers(0, len(cdf) - 2), max_size=20))
        assert decode(encode(symbols, cdf) + bytes(9), len(symbols), cdf) == symbols


class TestSize:
    @given(st.data())
    @settings(max_examples=150)
    def test_at_most_a_byte_and_a_thousandth_above_the_ideal(self, data: st.DataObject) -> None:
        cdf = cdf_from_counts(data.draw(counts_lists))
        symbols = data.draw(st.lists(st.integers(0, len(cdf) - 2), max_size=200))
        ideal = ideal_bytes(symbols, cdf)
        assert len(encode(symbols, cdf)) <= 1.006 * ideal + 1.01

    def test_long_run_is_within_a_thousandth(self) -> None:
        rng = np.random.default_rng(1)
        symbols = np.clip(np.rint(rng.laplace(0, 1.5, 20000)), -15, 15).astype(int) + 15
        cdf = cdf_from_counts(np.bincount(symbols, minlength=31).tolist())
        ideal = ideal_bytes(symbols.tolist(), cdf)
        assert ideal <= len(encode(symbols.tolist(), cdf)) + 1 <= 1.001 * ideal + 2

    def test_as_small_as_the_oracle(self) -> None:
        """constriction codes the same symbols under the same table; ours may not be 3 % larger."""
        constriction = pytest.importorskip("constriction")
        rng = np.random.default_rng(2)
        symbols = np.clip(np.rint(rng.laplace(0, 1.5, 5000)), -15, 15).astype(np.int32) + 15
        cdf = cdf_from_counts(np.bincount(symbols, minlength=31).tolist())
        shares = np.diff(cdf) / TOTAL
        model = constriction.stream.model.Categorical(shares, perfect=True)
        oracle = constriction.stream.queue.RangeEncoder()
        oracle.encode(symbols, model)
        size = 4 * len(oracle.get_compressed())
        assert len(encode(symbols.tolist(), cdf)) <= 1.03 * size


class TestAnyBytes:
    @given(st.binary(max_size=40), counts_lists)
    @settings(max_examples=200)
    def test_always_symbols_of_the_table(self, data: bytes, counts: list[int]) -> None:
        cdf = cdf_from_counts(counts)
        symbols = decode(data, 60, cdf)
        assert all(0 <= symbol < len(counts) for symbol in symbols)

    @given(st.binary(max_size=40), st.integers(1, 16))
    def test_always_bits_of_that_many(self, data: bytes, count: int) -> None:
        decoder = RangeDecoder(data)
        assert all(0 <= decoder.decode_bits(count) < 1 << count for _ in range(60))

    def test_position_tells_when_zeros_were_read(self) -> None:
        cdf = [0, 1000, 2000, TOTAL]
        coded = encode([1, 0] * 20, cdf)
        decoder = RangeDecoder(coded)
        for _ in range(40):
            decoder.decode(cdf)
        assert decoder.position <= len(coded) + 4
        assert decoder.bits / 8 == pytest.approx(ideal_bytes([1, 0] * 20, cdf), rel=0.01)


class TestTables:
    @pytest.mark.slow
    @given(counts_lists)
    def test_counts_give_tables(self, counts: list[int]) -> None:
        assert is_cdf(cdf_from_counts(counts), len(counts))

    def test_widths_follow_counts(self) -> None:
        assert cdf_from_counts([1, 3]) == [0, 16385, TOTAL]
        assert cdf_from_counts([0, 0]) == [0, 32768, TOTAL]
        assert cdf_from_counts([0, 5]) == [0, 1, TOTAL]

    def test_too_many_symbols(self) -> None:
        with pytest.raises(ValueError, match="not possible"):
            cdf_from_counts([1.0] * 40000)

    @pytest.mark.parametrize("values", [[0, 5, 5, TOTAL], [1, 5, TOTAL], [0, 5, 6], [0, TOTAL, TOTAL]])
    def test_what_is_no_table(self, values: list[int]) -> None:
        assert not is_cdf(values, len(values) - 1)
