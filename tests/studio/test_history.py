"""What undo and redo walk along, and what of it outlives the studio."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facewire.base.config import to_dict
from facewire.base.errors import MediaError
from facewire.studio.history import LARGEST, MOST_KEPT, History, read_history
from facewire.studio.project import Look, Project

SMILES = [Project(photo="a.jpg", look=Look(smile=smile / 10)) for smile in range(4)]


WIDE = Project(photo="b.jpg", faces=(0, 2))


def test_undo_and_redo_walk_and_a_gesture_is_one_step() -> None:
    history = History(Project())
    for smile in (0.1, 0.2, 0.3):
        history.change(Project(look=Look(smile=smile)), "smile 1")
    history.change(Project(look=Look(smile=0.3)), "other")  # nothing is different
    history.change(WIDE)
    history.undo()
    assert history.now.look.smile == 0.3
    history.undo()
    assert history.now == Project()
    assert not history.can_undo
    history.undo()
    history.redo()
    history.redo()
    assert history.now == WIDE
    assert not history.can_redo
    history.undo()
    history.change(Project(photo="b.jpg"))
    assert not history.can_redo


def test_the_past_has_an_end() -> None:
    history = History(Project())
    for number in range(History.MOST + 50):
        history.change(Project(photo=f"{number}.jpg"))
    steps = 0
    while history.can_undo:
        history.undo()
        steps += 1
    assert steps == History.MOST


def walked() -> History:
    history = History(SMILES[0])
    for project in SMILES[1:]:
        history.change(project)
    history.undo()
    return history


def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    walked().write(tmp_path / "history.json")
    again = read_history(tmp_path / "history.json", SMILES[2])
    again.redo()
    assert again.now == SMILES[3]
    for project in reversed(SMILES[:3]):
        again.undo()
        assert again.now == project
    assert not again.can_undo


def test_of_another_project_nothing_is_kept(tmp_path: Path) -> None:
    walked().write(tmp_path / "history.json")
    other = read_history(tmp_path / "history.json", Project(photo="other.jpg"))
    assert (other.can_undo, other.can_redo) == (False, False)
    assert not read_history(tmp_path / "gone.json", SMILES[0]).can_undo


def test_only_the_last_steps_are_kept(tmp_path: Path) -> None:
    history = History(Project())
    for number in range(MOST_KEPT + 20):
        history.change(Project(photo=f"{number}.jpg"))
    history.write(tmp_path / "history.json")
    kept = json.loads((tmp_path / "history.json").read_text())["past"]
    assert [kept[0]["photo"], kept[-1]["photo"]] == ["19.jpg", f"{MOST_KEPT + 18}.jpg"]


@pytest.mark.parametrize(
    "data",
    [
        {"version": 2},
        {"nose": 1},
        {"past": [{"photo": "../x.jpg"}]},
        {"future": [to_dict(Project())] * (MOST_KEPT + 1)},
        [],
    ],
)
def test_what_is_no_history_is_refused(data: object, tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(json.dumps(data))
    with pytest.raises(MediaError, match="move it away"):
        read_history(tmp_path / "history.json", Project())


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "history.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(MediaError, match="at most"):
        read_history(tmp_path / "history.json", Project())
