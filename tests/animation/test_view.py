"""Free-view paths: angles along a clip."""

import numpy as np
import pytest

from facewire.animation.view import ViewPath, parse_angles
from facewire.base.errors import ConfigError
from facewire.geometry.pose import turn_of_degrees


def test_single_value_holds_along_the_clip() -> None:
    view = ViewPath(yaw=(20.0,))
    assert view.angles(0.0) == view.angles(1.0) == (20.0, 0.0, 0.0)
    assert not view.is_sweep
    assert not view.is_still


def test_sweep_passes_through_its_values_at_even_steps() -> None:
    view = ViewPath(yaw=(-30.0, 30.0), pitch=(0.0, 10.0, 0.0))
    assert view.angles(0.0) == (-30.0, 0.0, 0.0)
    assert view.angles(0.25) == (-15.0, 5.0, 0.0)
    assert view.angles(0.5) == (0.0, 10.0, 0.0)
    assert view.angles(1.0) == (30.0, 0.0, 0.0)
    assert view.is_sweep


def test_rotation_is_that_of_the_angles() -> None:
    view = ViewPath(yaw=(10.0,), pitch=(5.0,), roll=(-3.0,))
    assert np.array_equal(view.rotation(0.3), turn_of_degrees(10.0, 5.0, -3.0))


def test_zero_is_still() -> None:
    assert ViewPath().is_still
    assert np.array_equal(ViewPath().rotation(0.5), np.eye(3))


@pytest.mark.parametrize(("axis", "value"), [("yaw", 46.0), ("pitch", -31.0), ("roll", float("nan"))])
def test_angles_out_of_range_are_refused(axis: str, value: float) -> None:
    with pytest.raises(ConfigError, match=axis):
        ViewPath(**{axis: (value,)})


@pytest.mark.parametrize(
    ("text", "angles"), [("20", (20.0,)), ("-30:30", (-30.0, 30.0)), ("0:5.5:0", (0.0, 5.5, 0.0))]
)
def test_parse(text: str, angles: tuple[float, ...]) -> None:
    assert parse_angles(text) == angles


@pytest.mark.parametrize("text", ["", "left", "10:", "1,5"])
def test_parse_refuses_what_is_no_number(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_angles(text)
