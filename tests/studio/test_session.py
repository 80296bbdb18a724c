"""The studio behind its door: what the page says and hears, with a preview that only counts."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facewire.animation.driving import RecordedMotion
from facewire.base.errors import NoFaceFound
from facewire.geometry.head_motion import HeadMotion
from facewire.media.image import load_image
from facewire.media.video import Frame, VideoWriter
from facewire.studio import messages as page
from facewire.studio.library import jpeg
from facewire.studio.painter import MOST_UNSEEN
from facewire.studio.project import Keyframe, Look, Motion, Project, Result, read_project
from tests.studio.stand_ins import GreyPreview, opened, photo, run, studio

CHOSEN = Project(photo="photo.png")


def still_motion(frames: int) -> RecordedMotion:
    own = HeadMotion(torch.eye(3)[None], torch.zeros(1, 3), torch.zeros(1, 22, 3))
    return RecordedMotion(own.expand(frames), tuple(range(frames)), Fraction(1, 25), Fraction(25))


def grey(data: bytes) -> int:
    picture = cv2.imdecode(np.frombuffer(data[16:], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return int(picture[0, 0, 0])


def is_exact(data: bytes) -> bool:
    return data[12] == 1


def test_a_photo_is_opened_shown_and_sent_again_exactly_when_it_stands(tmp_path: Path) -> None:
    photo(tmp_path / "studio")

    async def test() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            assert (await one.told(page.Media)).media[0].name == "photo.png"
            await one.say(page.Change(project=CHOSEN))
            seen = await one.told(page.Photo, lambda message: message.faces)
            assert (seen.width, seen.height, len(seen.faces)) == (64, 48, 2)
            first, second = await one.picture(), await one.picture()
            assert (is_exact(first), is_exact(second)) == (False, True)
            assert grey(second) == 100
            assert second[16:24] == b"\x89PNG\r\n\x1a\n"
            await one.say(page.Change(project=replace(CHOSEN, look=Look(smile=0.5)), gesture="smile"))
            told = await one.told(page.State, lambda message: message.heard == 2)
            assert told.can_undo
            assert told.command == "facewire rotate studio/photo.png -o studio/out/photo.png --edit smile=0.5"
            await one.say(page.Undo())
            back = await one.told(page.State, lambda message: message.heard == 3)
            assert back.project == CHOSEN
            assert back.can_redo

    run(test)
    assert read_project(tmp_path / "studio" / "project.json") == CHOSEN

    async def again() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            assert (await one.told(page.State)).can_redo
            await one.say(page.Redo())
            assert (await one.told(page.State, lambda message: message.heard)).project.look == Look(smile=0.5)

    run(again)


def test_only_the_newest_wish_is_rendered_and_few_pictures_are_on_their_way(tmp_path: Path) -> None:
    photo(tmp_path / "studio")
    preview = GreyPreview()

    async def test() -> None:
        async with studio(tmp_path / "studio", preview) as (session, port), opened(session, port) as one:
            await one.say(page.Change(project=CHOSEN))
            await one.told(page.Photo, lambda message: message.faces)
            while not is_exact(await one.picture()):
                pass
            preview.gate.clear()
            preview.asked.clear()
            for step in range(1, 41):
                look = Look(smile=step / 40)
                await one.say(page.Change(project=replace(CHOSEN, look=look), gesture="drag"))
            await one.told(page.State, lambda message: message.heard == 41)
            preview.gate.set()
            while grey(await one.picture()) != 200:
                pass
            assert len(preview.asked) <= 4
            await one.say(page.Play(on=True, seconds=0.0))
            await asyncio.sleep(0.2)
            assert session._painter.on_their_way <= MOST_UNSEEN

    run(test)


def test_what_cannot_be_is_told_and_nothing_ends(tmp_path: Path) -> None:
    photo(tmp_path / "studio")
    photo(tmp_path / "studio", "nobody.png")

    async def test() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            await one.say(page.Change(project=Project(photo="nobody.png")))
            assert "no face" in (await one.told(page.Photo, lambda message: message.problem)).problem
            await one.say(page.Change(project=Project(photo="gone.png")))
            assert "drop it" in (await one.told(page.Photo, lambda message: message.problem)).problem
            await one.say(page.Render())
            assert "drop it" in (await one.told(page.Failure)).problem
            await one.say(page.Change(project=CHOSEN))
            assert (await one.told(page.Photo, lambda message: message.faces)).name == "photo.png"
            await one.socket.send_str('{"type": "change", "project": {"photo": "../x.png"}}')
            assert "not as it must be" in (await one.told(page.Failure)).problem
            while not one.socket.closed:
                await one.socket.receive(timeout=20)
            assert one.socket.close_code == 4000

    run(test)


def test_keyframes_without_a_driver_play_and_stop_at_their_end(tmp_path: Path) -> None:
    photo(tmp_path / "studio")
    preview = GreyPreview()
    keys = (
        Keyframe(slider="smile", seconds=0.0, value=0.0),
        Keyframe(slider="smile", seconds=0.4, value=1.0),
    )

    async def test() -> None:
        async with studio(tmp_path / "studio", preview) as (session, port), opened(session, port) as one:
            await one.say(page.Change(project=replace(CHOSEN, keys=keys)))
            await one.told(page.Photo, lambda message: message.faces)
            await one.say(page.Play(on=True, seconds=0.0))
            for _ in range(12):
                await one.picture()
            moments = [wanted.seconds for wanted in preview.asked]
            assert all(0 <= moment <= 0.4 for moment in moments)
            assert len(set(moments)) > 5
            await one.say(page.Play(on=False, seconds=9.0))
            assert (await one.told(page.Playing, lambda message: not message.on)).seconds == 0.4

    run(test)


def test_a_driver_is_read_told_and_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tmp_path / "studio")
    for name in ("x.mp4", "broken.mp4"):
        (tmp_path / "studio" / name).write_bytes(b"x")
    asked: list[tuple[str, float | None]] = []

    def read(animator: object, path: Path, *, until: float | None, **others: object) -> RecordedMotion:
        asked.append((path.name, until))
        if path.name == "broken.mp4":
            raise NoFaceFound(path.name)
        return still_motion(25 if until is None else round(25 * until))

    monkeypatch.setattr("facewire.studio.session.read_driver", read)

    async def test() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            chosen = replace(CHOSEN, driver="x.mp4")
            await one.say(page.Change(project=chosen))
            await one.told(page.Playing, lambda message: message.on)
            told = await one.told(page.Driver, lambda message: message.frames)
            assert (told.seconds, told.rate, told.frames, len(told.curves.yaw)) == (1.0, 25.0, 25, 25)
            part = replace(chosen, motion=Motion(start=0.2, end=0.6, smooth=True))
            await one.say(page.Change(project=part))
            assert 0.2 <= (await one.told(page.Playing)).seconds <= 0.6
            again = await one.told(page.Driver, lambda message: len(asked) == 2)
            assert again.frames == 25  # the timeline shows all of it
            await one.say(page.Change(project=replace(chosen, driver="broken.mp4")))
            assert "no face" in (await one.told(page.Driver, lambda message: message.problem)).problem

    run(test)
    assert asked == [("x.mp4", None), ("x.mp4", 0.6), ("broken.mp4", None)]


def test_on_a_slow_machine_what_moves_is_halved_and_what_stands_is_whole(tmp_path: Path) -> None:
    photo(tmp_path / "studio", size=(1280, 960))
    preview = GreyPreview(seconds=0.08)

    async def test() -> None:
        async with studio(tmp_path / "studio", preview) as (session, port), opened(session, port) as one:
            await one.say(page.View(width=1280, height=1280))
            await one.say(page.Change(project=CHOSEN))
            await one.told(page.Photo, lambda message: message.faces)
            for step in range(1, 12):
                look = Look(smile=step / 20)
                await one.say(page.Change(project=replace(CHOSEN, look=look), gesture="drag"))
                await one.picture()
            while not is_exact(await one.picture()):
                pass
            sizes = [wanted.size for wanted in preview.asked]
            assert sizes[:5] == [1280] * 5
            assert 640 in sizes
            assert sizes[-1] == 1280

    run(test)


def test_several_photos_and_drivers_make_jobs(tmp_path: Path) -> None:
    for name in ("photo.png", "b.png"):
        photo(tmp_path / "studio", name)
    for name in ("x.mp4", "y.mp4"):
        (tmp_path / "studio" / name).write_bytes(b"x")

    async def test() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            session.queue.order(0, "pause")
            chosen = replace(CHOSEN, faces=(1,), result=Result(kind="gif"))
            await one.say(page.Change(project=chosen))
            await one.told(page.Photo, lambda message: message.faces)
            await one.say(page.Render(photos=("photo.png", "b.png"), drivers=("x.mp4", "y.mp4")))
            made = (await one.told(page.Jobs, lambda message: len(message.jobs) == 4)).jobs
            assert [job.output for job in made] == [
                f"studio/out/{name}.gif" for name in ("photo--x", "b--x", "photo--y", "b--y")
            ]
            assert ["--face" in job.words for job in made] == [True, False, True, False]
            await one.say(page.Encode(name="x.mp4"))
            assert (await one.told(page.Jobs, lambda message: len(message.jobs) == 5)).jobs[-1].line == (
                "facewire encode studio/x.mp4 -o studio/out/x.fwv"
            )

    run(test)


def test_a_frame_of_a_video_becomes_a_photo(tmp_path: Path) -> None:
    (tmp_path / "studio").mkdir()
    with VideoWriter(tmp_path / "studio" / "x.mp4", (64, 48), Fraction(25), crf=4) as writer:
        for number in range(3):
            picture = np.full((48, 64, 3), 60 + 60 * number, np.uint8)
            writer.write(Frame(picture, number, Fraction(1, 25)))

    async def test() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            await one.say(page.TakeFrame(name="x.mp4", frame=2))
            seen = await one.told(page.Photo, lambda message: message.faces)
            assert (seen.name, seen.width) == ("x frame 2.png", 64)
            assert abs(int(load_image(tmp_path / "studio" / seen.name)[0, 0, 0]) - 180) < 4
            await one.say(page.TakeFrame(name="x.mp4", frame=3))
            assert "no frame 3" in (await one.told(page.Failure)).problem

    run(test)


def test_a_result_may_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tmp_path / "studio")
    (tmp_path / "studio" / "x.mp4").write_bytes(b"x")
    monkeypatch.setattr(
        "facewire.studio.jobs.queue._PROGRAM", "import sys; open(sys.argv[4], 'w').write('motion')"
    )

    async def test() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            await one.say(page.Encode(name="x.mp4"))
            await one.told(page.Jobs, lambda message: any(job.state == "done" for job in message.jobs))
            await one.say(page.Order(job=1, action="use"))
            media = (await one.told(page.Media, lambda message: len(message.media) == 3)).media
            assert [medium.name for medium in media] == ["photo.png", "x.fwv", "x.mp4"]
            assert (tmp_path / "studio" / "x.fwv").read_text() == "motion"

    run(test)


class TestFiles:
    def test_a_file_comes_in_whole_under_a_harmless_name(self, tmp_path: Path) -> None:
        data = jpeg(np.full((40, 60, 3), 80, np.uint8), 90)

        async def test() -> None:
            async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
                assert await one.put("a b.jpg", data) == (200, '{"name": "a b.jpg"}')
                assert await one.put("a b.jpg", data) == (200, '{"name": "a b-2.jpg"}')
                status, text = await one.put("..%2F..%2Fevil%3C.jpg", data)
                assert (status, text) == (200, '{"name": "evil_.jpg"}')
                assert (await one.put("x.exe", data))[0] == 422
                assert (await one.put("project.json", data))[0] == 422
                assert (await one.get("/thumb/a%20b.jpg"))[0] == 200
                assert (await one.get("/thumb/project.json"))[0] == 422
                assert (await one.get("/media/a%20b.jpg"))[0] == 200
                assert (await one.get("/media/project.json"))[0] == 422

        run(test)
        assert sorted(path.name for path in (tmp_path / "studio").iterdir()) == [
            "a b-2.jpg",
            "a b.jpg",
            "evil_.jpg",
        ]
        assert (tmp_path / "studio" / "a b.jpg").read_bytes() == data

    def test_without_the_key_or_from_elsewhere_nothing_goes_in_or_out(self, tmp_path: Path) -> None:
        photo(tmp_path / "studio")
        (tmp_path / "studio" / "out").mkdir()
        (tmp_path / "studio" / "out" / "r.mp4").write_bytes(b"result")

        async def test() -> None:
            async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
                for path in ("/thumb/photo.png", "/media/photo.png", "/before", "/out/r.mp4"):
                    assert (await one.get(path, **{"X-Facewire-Key": "wrong"}))[0] == 403
                    assert (await one.get(path, Origin="https://evil.example"))[0] == 403
                    assert (await one.get(path, Host="evil.example"))[0] == 403
                assert (await one.put("a.jpg", b"x", **{"X-Facewire-Key": ""}))[0] == 403
                assert (await one.put("a.jpg", b"x", Origin="null"))[0] == 403
                assert await one.get("/out/r.mp4") == (200, "result")
                for path in ("/out/%2e%2e%2Fphoto.png", "/out/.hidden", "/out/gone.mp4", "/photo.png"):
                    assert (await one.get(path))[0] == 404

        run(test)
        assert not (tmp_path / "studio" / "a.jpg").exists()

    def test_the_page_and_its_scripts_are_served_and_nothing_else(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
                for path in ("/", "/studio.css", "/studio.js", "/timeline.js", "/dom.js", "/icon.svg"):
                    assert (await one.get(path))[0] == 200
                assert (await one.get("/messages.py"))[0] == 404

        run(test)


def test_another_page_takes_over_and_hears_everything(tmp_path: Path) -> None:
    photo(tmp_path / "studio")

    async def test() -> None:
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            await one.say(page.Change(project=CHOSEN))
            await one.told(page.Photo, lambda message: message.faces)
            async with opened(session, port) as other:
                assert (await other.told(page.Photo)).name == "photo.png"
                assert (await other.told(page.State)).project == CHOSEN
                assert len(await other.picture()) > 16
                assert "elsewhere" in (await one.told(page.Failure)).problem

    run(test)


def test_a_project_that_is_none_keeps_the_studio_shut(tmp_path: Path) -> None:
    folder = tmp_path / "studio"
    folder.mkdir()
    (folder / "project.json").write_text(json.dumps({"version": 99}))

    async def test() -> None:
        with pytest.raises(Exception, match="no project"):
            async with studio(folder):
                pass

    run(test)
