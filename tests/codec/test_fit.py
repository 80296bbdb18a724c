"""Making tables: they fit the motion they were made for, and say what they were asked."""

from __future__ import annotations

import numpy as np
import pytest

from facewire.base.errors import ConfigError, ShapeError
from facewire.codec.encoder import FileEncoder
from facewire.codec.fitting.fit import FitSettings, fit_tables, share_tables
from facewire.codec.fitting.rehearsal import activities, histories, padded
from facewire.codec.frame_coder import FrameCoder
from facewire.codec.importance import posed_jacobian, posed_metric
from facewire.codec.modes import NEXT
from facewire.codec.quantizer import Quantizer
from facewire.codec.state import MotionFrame
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.tokens import TOKENS, ZERO
from facewire.codec.transform import nested_transform

from .motion import Floats, frames_of, made_up_clips

K = 6
CANONICAL = np.random.default_rng(4).normal(0, 0.3, (K, 3))


def settings(step: float = 0.006) -> FitSettings:
    return FitSettings(id=9, name="test", step=step, ends=(2, 4, 6), tables=24)


@pytest.fixture(scope="module")
def clips() -> list[Floats]:
    return made_up_clips(clips=8, frames=150, keypoints=K, seed=11)


@pytest.fixture(scope="module")
def fitted(clips: list[Floats]) -> CodecTables:
    return fit_tables(clips[:6], posed_metric(CANONICAL), settings())


def coded_bytes(tables: CodecTables, clip: Floats) -> int:
    encoder = FileEncoder(tables, len(clip))
    encoder.source(MotionFrame.from_vector(clip[0]))
    runs = [encoder.encode(frame) for frame in frames_of(clip)]
    assert runs[-1] is not None
    return len(runs[-1].data)


class TestTables:
    def test_what_was_asked_for(self, fitted: CodecTables) -> None:
        assert (fitted.id, fitted.name, fitted.keypoints, fitted.coefficients) == (9, "test", K, 24)
        assert fitted.columns == (12, 12, 18, 18, 24, 24)
        assert fitted.stages == (12, 18, 24)
        assert len(fitted.cdfs) == 24

    def test_the_same_again(self, clips: list[Floats], fitted: CodecTables) -> None:
        assert fit_tables(clips[:6], posed_metric(CANONICAL), settings()).sha256 == fitted.sha256

    def test_size_is_near_the_entropy_of_the_tables_and_half_of_raw(
        self, clips: list[Floats], fitted: CodecTables
    ) -> None:
        """On unseen motion: actual size within 3 % of ideal, ideal far below 16 bits a number."""
        coder, quantizer = FrameCoder(fitted), Quantizer(fitted)
        for clip in clips[6:]:
            state, bits = coder.zero, 0.0
            encoder = FileEncoder(fitted, len(clip))
            encoder.source(MotionFrame.from_vector(clip[0]))
            for frame in frames_of(clip)[1:]:
                residuals = quantizer.residuals(quantizer.points(frame), state.levels)
                bits += coder.cost(NEXT, state, residuals, K)
                state = coder.write(_Nowhere(), NEXT, state, residuals, K)  # type: ignore[arg-type]
            assert coded_bytes(fitted, clip) <= 1.03 * bits / 8 + 30
            assert bits / 8 / len(clip) < 0.5 * 2 * 24

    def test_made_for_this_motion_is_better_than_made_for_another(
        self, clips: list[Floats], fitted: CodecTables
    ) -> None:
        rng = np.random.default_rng(1)
        noise = [np.cumsum(rng.normal(0, 0.003, clip.shape), axis=0).astype(np.float32) for clip in clips]
        other = fit_tables(noise, posed_metric(CANONICAL), settings())
        assert coded_bytes(fitted, clips[7]) < coded_bytes(other, clips[7])

    @pytest.mark.slow
    def test_larger_steps_are_fewer_bytes_and_more_error(self, clips: list[Floats]) -> None:
        sizes, errors = [], []
        for step in (0.004, 0.008, 0.016):
            tables = fit_tables(clips[:6], posed_metric(CANONICAL), settings(step))
            sizes.append(coded_bytes(tables, clips[7]))
            quantizer = Quantizer(tables)
            frame = MotionFrame.from_vector(clips[7][0])
            levels = quantizer.residuals(quantizer.points(frame), [0] * 24)
            errors.append(np.abs(quantizer.frame(levels, K).vector() - frame.vector()).mean())
        assert sizes == sorted(sizes, reverse=True)
        assert errors == sorted(errors)

    def test_clips_that_do_not_fit(self, clips: list[Floats]) -> None:
        metric = posed_metric(CANONICAL)
        with pytest.raises(ShapeError):
            fit_tables([clips[0][:, :21]], metric, settings())
        with pytest.raises(ConfigError, match="41 frames"):
            fit_tables([clips[0][:40]], metric, settings())

    @pytest.mark.parametrize(
        ("field", "value"),
        [("step", 0.0), ("dead_zone", 0.5), ("ends", (5, 3)), ("ends", ()), ("tables", 257)],
    )
    def test_settings(self, field: str, value: object) -> None:
        with pytest.raises(ConfigError, match=field):
            FitSettings(**{"id": 1, "name": "x", "step": 0.01, field: value})  # type: ignore[arg-type]


class _Nowhere:
    """Takes symbols and keeps none."""

    def encode(self, start: int, size: int, bits: int = 16) -> None:
        return


class TestMetric:
    def test_it_charges_posed_keypoints(self) -> None:
        """Moving the head and moving all keypoints back costs next to nothing; moving either costs more."""
        metric = posed_metric(CANONICAL)
        head, faces = np.zeros(6 + 3 * K), np.zeros(6 + 3 * K)
        head[3] = 0.01
        faces[6::3] = -0.01
        both = head + faces
        costs = [float(e @ metric @ e) for e in (head, faces, both)]
        assert costs[0] == pytest.approx(1.05 * K * 1e-4)
        assert costs[2] < 0.2 * min(costs[:2])
        assert np.linalg.eigvalsh(metric).min() > 0

    def test_depth_and_weights(self) -> None:
        weights = np.arange(1.0, K + 1)
        metric = posed_metric(CANONICAL, weights=weights, depth=0.25)
        x, z = metric[6, 6], metric[8, 8]
        assert z == pytest.approx(0.25 * x)
        assert metric[-3, -3] == pytest.approx(K * x)

    def test_jacobian_by_hand(self) -> None:
        """One point in front of the head's middle: yaw moves it to the right, pitch up."""
        jacobian = posed_jacobian(np.array([[0.0, 0.0, -1.0]]))
        assert jacobian[:, :3].tolist() == [[1, 0, 0], [0, -1, 0], [0, 0, 0]]
        assert jacobian[:, 3:].tolist() == np.hstack([np.eye(3), np.eye(3)]).tolist()


class TestTransform:
    def test_perfect_reconstruction_and_nesting(self) -> None:
        rng = np.random.default_rng(2)
        size = 6 + 3 * K
        mix = rng.normal(0, 1, (size, size))
        transform = nested_transform(mix @ mix.T, posed_metric(CANONICAL), (2, 4, 6))
        frame, levels, start = rng.normal(0, 1, size), np.zeros(size), 0
        for stop in transform.stages:
            left = frame - transform.basis[:, :start] @ levels[:start]
            levels[start:stop] = transform.analysis[start:stop] @ left
            start = stop
        np.testing.assert_allclose(transform.basis @ levels, frame, atol=1e-8)
        assert not transform.basis[:12, 12:].any()

    def test_one_stage_is_the_karhunen_loeve_transform(self) -> None:
        rng = np.random.default_rng(3)
        mix = rng.normal(0, 1, (9, 9))
        covariance = mix @ mix.T
        transform = nested_transform(covariance, np.eye(9), (1,))
        coded = transform.analysis @ covariance @ transform.analysis.T
        np.testing.assert_allclose(coded, np.diag(np.sort(np.linalg.eigvalsh(covariance))[::-1]), atol=1e-8)


class TestStatistics:
    def test_histories_agree_with_the_coder(self, fitted: CodecTables) -> None:
        rng = np.random.default_rng(5)
        residuals = rng.integers(-20, 21, (1, 12, 24)).astype(float) * (rng.random((1, 12, 24)) < 0.5)
        memory, lean = histories(residuals)
        coder = FrameCoder(fitted)
        state = coder.zero
        for t in range(12):
            assert memory[0, t].tolist() == state.memory
            assert lean[0, t].tolist() == [bool(s) for s in state.lean]
            state = coder.write(_Nowhere(), NEXT, state, residuals[0, t].astype(int).tolist(), K)  # type: ignore[arg-type]

    def test_activity_by_hand(self) -> None:
        residuals = np.array([[[2.0, 0, -20, 0, 0]]])
        assert activities(residuals)[0, 0].tolist() == [0, 8, 7, 66, 57]

    def test_padding_repeats_the_last_frame(self) -> None:
        frames, mask = padded([np.ones((2, 3)), np.full((4, 3), 2.0)])
        assert frames.shape == (2, 4, 3)
        assert (frames[0] == 1).all()
        assert mask.tolist() == [[True, True, False, False], [True] * 4]

    def test_contexts_with_like_counts_share_a_table(self) -> None:
        tail = np.abs(np.arange(TOKENS) - ZERO)
        kinds = np.stack([1000 * spread**tail for spread in (0.1, 0.5, 0.9)])
        counts = np.stack([kinds[i % 3] for i in range(30)]).reshape(1, 5, 6, TOKENS)
        labels, tables = share_tables(counts, 6)
        flat = labels.reshape(-1)
        assert all(len(set(flat[i::3])) == 1 for i in range(3))
        assert len(set(flat[:3])) == 3
        for index, kind in enumerate(kinds):
            shares = kind / kind.sum()
            lost = float((shares * np.log2(shares / tables[flat[index]])).sum())
            assert 0 <= lost < 0.01
