"""The command line that does what is chosen: what a render runs, and what the page shows to be pasted.

project + photo + driver --words--> animate studio/photo.jpg studio/talk.mp4 -o studio/out/photo--talk.mp4 ...
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from facewire.animation.clips.source_video import is_video
from facewire.animation.keyframes import Key
from facewire.animation.view import LIMITS
from facewire.base.errors import ConfigError
from facewire.studio.library import Library
from facewire.studio.project import Look, Motion, Project, Result
from facewire.talks.motion_file import is_motion_file

STILL = ".png"
SUFFIXES = {"mp4": ".mp4", "webm": ".webm", "gif": ".gif", "png": "-%04d.png", "still": STILL, "fwv": ".fwv"}
PLAIN_RESULT = Result()


@dataclass(frozen=True, slots=True)
class Base:
    """What every command line has: how paths are written and which networks and engine were asked for.

    here     the folder in which the studio was started; paths below it are written from there
    options  such as ("--weights", "x")
    engine   what computes, for `animate`
    """

    here: Path
    options: tuple[str, ...] = ()
    engine: str = "auto"

    def written(self, path: Path) -> str:
        """Return a path as it is typed."""
        path = path.absolute()
        return str(path.relative_to(self.here)) if path.is_relative_to(self.here) else str(path)


def words_for(
    project: Project, library: Library, base: Base, taken: frozenset[Path] = frozenset()
) -> list[str]:
    """Return the words after `facewire` that render a project.

    Raises:
        MediaError: photo or driver is not there.
        ConfigError: a motion is to be recorded of what is none.
    """
    photo = library.path(project.photo)
    driver = library.path(project.driver) if project.driver else None
    result = project.result
    if is_video(photo):
        return _edited(project, photo, driver, library, base, taken)
    if result.kind == "fwv":
        if driver is None or is_motion_file(driver):
            raise ConfigError("result", "fwv", "a video as the driver: its motion is what is recorded")
        return _recording(project, driver, library, base, taken)
    if result.kind == "still" or driver is None:
        return _turned(project, photo, library, base, taken)
    output = library.output(f"{photo.stem}--{driver.stem}", SUFFIXES[result.kind], taken)
    return [
        "animate",
        *(base.written(photo), base.written(driver), "-o", base.written(output)),
        *_faces(project),
        *_motion(project.motion),
        *_look(project.look),
        *_keys(project),
        *_result(project),
        *([] if result.sound else ["--sound", "none"]),
        *([] if base.engine == "auto" else ["--engine", base.engine]),
        *base.options,
    ]


def line_of(words: list[str] | tuple[str, ...]) -> str:
    """Return a command line as it is pasted."""
    return shlex.join(["facewire", *words])


def _edited(
    project: Project, clip: Path, driver: Path | None, library: Library, base: Base, taken: frozenset[Path]
) -> list[str]:
    """Return the words that edit a video: by a driver, or by sliders and keyframes, with its own motion."""
    result = project.result
    if result.kind in ("still", "fwv"):
        raise ConfigError("result", result.kind, "mp4, webm, gif or png for a video that is edited")
    stem = f"{clip.stem}--{'edited' if driver is None else driver.stem}"
    output = library.output(stem, SUFFIXES[result.kind], taken)
    own = replace(Motion(relative=False), start=project.motion.start, end=project.motion.end)
    motion = replace(own, face=project.faces[0]) if driver is None else project.motion
    return [
        "animate",
        *(base.written(clip), base.written(driver or clip), "-o", base.written(output)),
        *(["--face", str(project.faces[0])] if project.faces[0] else []),
        *_motion(motion),
        *_look(project.look),
        *_keys(project),
        *_result(project),
        *(["--sound", "source" if driver is None else "driver"] if result.sound else ["--sound", "none"]),
        *([] if base.engine == "auto" else ["--engine", base.engine]),
        *base.options,
    ]


def _recording(
    project: Project, driver: Path, library: Library, base: Base, taken: frozenset[Path]
) -> list[str]:
    output = library.output(driver.stem, SUFFIXES["fwv"], taken)
    face = ["--driving-face", str(project.motion.face)] if project.motion.face else []
    return ["record", base.written(driver), "-o", base.written(output), *face, *base.options]


def _turned(project: Project, photo: Path, library: Library, base: Base, taken: frozenset[Path]) -> list[str]:
    """Return the words of `rotate`: a picture, or with keyframes a clip."""
    kind = project.result.kind
    moves = bool(project.keys) and kind not in ("still", "fwv")
    output = library.output(photo.stem, SUFFIXES[kind] if moves else STILL, taken)
    return [
        "rotate",
        *(base.written(photo), "-o", base.written(output)),
        *_faces(project),
        *_look(project.look, always=not moves),
        *(_keys(project) if moves else []),
        *_result(project, quality=moves),
        *base.options,
    ]


def _faces(project: Project) -> Iterator[str]:
    if project.faces != (0,):
        yield from ("--face", ",".join(map(str, project.faces)))


def _motion(motion: Motion) -> Iterator[str]:
    if not motion.relative:
        yield "--absolute"
    elif motion.reference != "best":
        yield from ("--reference", motion.reference)
    if "all" not in motion.regions:
        yield from ("--regions", ",".join(motion.regions))
    if motion.smooth:
        yield "--smooth"
    if motion.face:
        yield from ("--driving-face", str(motion.face))
    if motion.start:
        yield from ("--from", number(motion.start))
    if motion.end is not None:
        yield from ("--to", number(motion.end))


def _look(look: Look, *, always: bool = False) -> Iterator[str]:
    """Yield angles and sliders; `always` says something even where all is as it was."""
    values = look.edit.values
    if values:
        yield from ("--edit", _sliders(values))
    elif always and look.view.is_still:
        yield from ("--edit", "smile=0")
    for axis in LIMITS:
        if getattr(look, axis):
            yield f"--{axis}={number(getattr(look, axis))}"


def _keys(project: Project) -> Iterator[str]:
    moments: dict[float, list[Key]] = {}
    for key in sorted(project.moving_keys, key=lambda key: key.seconds):
        moments.setdefault(key.seconds, []).append(key)
    for seconds, keys in moments.items():
        yield from ("--key", number(seconds), ",".join(_sliders(key.values) for key in keys))


def _result(project: Project, *, quality: bool = True) -> Iterator[str]:
    result = project.result
    if result.head and len(project.faces) == 1:
        yield "--head"
    if result.size:
        yield from ("--size", str(result.size))
    if quality and result.kind in ("mp4", "webm"):
        if result.crf != PLAIN_RESULT.crf:
            yield from ("--crf", str(result.crf))
        if result.full_colour:
            yield "--full-colour"


def _sliders(values: object) -> str:
    assert isinstance(values, dict)
    return ",".join(f"{name}={number(value)}" for name, value in values.items())


def number(value: float) -> str:
    """Return a number as it is typed, without rounding it."""
    return str(int(value)) if value == int(value) else repr(value)
