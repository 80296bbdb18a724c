"""What the sender notices and decides: camera, judge, modes, performer, ordinary video; and the receiver's view."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any, cast

import numpy as np
import pytest

from facewire.base.errors import CorruptPacket
from facewire.call.conversation.meters import SAMPLE_FRAMES, H264Comparison
from facewire.call.person.camera import Camera, Sight
from facewire.call.person.drawing_pace import AGAIN_SECONDS, LAST, DrawingPace
from facewire.call.person.engine import Seen
from facewire.call.person.judge import MOST_DIFFERENCE, Judgement, difference, judge
from facewire.call.person.modes import BAD_SECONDS, ENOUGH, FEW, GOOD_SECONDS, ModeKeeper, ModeSettings
from facewire.call.person.pace import side_kept
from facewire.call.person.performer import Performance, Performer, Reflection
from facewire.call.person.portrait import Portrait
from facewire.call.person.view import FreeView
from facewire.call.playout.concealment import EASE_SECONDS, MEMORY, Concealment, between
from facewire.call.playout.plain_video import VideoReceiver, VideoSender
from facewire.codec.state import MotionFrame
from facewire.engines.parts import Drawn
from facewire.face.crop import CropBox
from facewire.geometry.pose import angles_from_rotation, rotation_from_angles
from facewire.media.still import decode_photo
from facewire.networks.compact.guides import GUIDES
from facewire.transport.face_message import PAUSED, SYNTHESIS, VIDEO
from facewire.transport.pieces import LARGEST_PHOTO
from tests.call.stand_ins import KEYPOINTS, SIZE, StandInEngine, StandInFinder, frame, motion

WHOLE = CropBox(0, 0, SIZE)
SIGHT = Sight(frame(0), 1, True, WHOLE)
GOOD, HAND, NOBODY = Judgement(()), Judgement(("looks different",)), Judgement(("no face",))


def turned(yaw: float) -> MotionFrame:
    angles = np.array((math.radians(yaw), 0, 0), np.float32)
    return MotionFrame(angles, np.zeros(3, np.float32), motion(0).expression)


class TestJudge:
    @pytest.mark.parametrize(
        ("sight", "seen", "distance", "reasons"),
        [
            (SIGHT, Seen(motion(0), True), None, ()),
            (SIGHT, Seen(motion(0), True), MOST_DIFFERENCE, ()),
            (SIGHT, Seen(motion(0), True), MOST_DIFFERENCE + 0.01, ("looks different",)),
            (SIGHT, Seen(motion(0), False), None, ("no face",)),
            (Sight(frame(0), 1, False, WHOLE), Seen(motion(0), True), None, ("no face",)),
            (Sight(frame(0), 2, True, WHOLE), Seen(motion(0), True), None, ("second person",)),
            (SIGHT, Seen(turned(50), True), None, ("turned too far",)),
            (SIGHT, Seen(turned(-44), True), None, ()),
        ],
    )
    def test_reasons(
        self, sight: Sight, seen: Seen, distance: float | None, reasons: tuple[str, ...]
    ) -> None:
        assert judge(sight, seen, distance).reasons == reasons

    def test_equal_pictures_do_not_differ_and_light_does_not_count(self) -> None:
        picture = frame(0)
        dimmer = (picture * 0.6 + 10).astype(np.uint8)
        assert difference(picture, picture) == pytest.approx(0, abs=0.01)
        assert difference(picture, dimmer) < 0.05

    def test_something_before_the_face_differs(self) -> None:
        side = 256
        rng = np.random.default_rng(0)
        y, x = np.mgrid[0:side, 0:side]
        face = (128 + 50 * np.sin(x / 11) * np.cos(y / 13))[..., None].repeat(3, axis=2).astype(np.uint8)
        hidden = face.copy()
        patch = np.kron(rng.integers(60, 200, (12, 12, 1)), np.ones((8, 8, 3)))
        hidden[80:176, 80:176] = patch.astype(np.uint8)
        assert difference(hidden, face) > MOST_DIFFERENCE

    def test_a_covered_lens_has_nothing_to_compare(self) -> None:
        assert difference(np.zeros((SIZE, SIZE, 3), np.uint8), frame(0)) == 0


class TestModes:
    def hear(self, keeper: ModeKeeper, judgement: Judgement, start: float, seconds: float) -> list[str]:
        steps = int(seconds / 0.1) + 1
        return [keeper.hear(judgement, start + 0.1 * step) for step in range(steps)]

    def test_a_moment_changes_nothing(self) -> None:
        keeper = ModeKeeper(ModeSettings())
        assert set(self.hear(keeper, NOBODY, 0, BAD_SECONDS - 0.1)) == {"none"}
        assert keeper.hear(GOOD, 1.0) == "none"
        assert keeper.mode == SYNTHESIS

    def test_to_video_and_back(self) -> None:
        keeper = ModeKeeper(ModeSettings())
        assert self.hear(keeper, NOBODY, 0, BAD_SECONDS + 0.05)[-1] == "to video"
        assert keeper.mode == VIDEO
        orders = self.hear(keeper, GOOD, 10, GOOD_SECONDS + 0.1)
        assert [order for order in orders if order != "none"] == ["to synthesis"]
        assert keeper.mode == SYNTHESIS

    def test_what_looks_different_gets_one_new_source_first(self) -> None:
        keeper = ModeKeeper(ModeSettings())
        orders = [order for order in self.hear(keeper, HAND, 0, 3) if order != "none"]
        assert orders == ["refresh", "to video"]

    def test_an_avatar_never_shows_the_camera(self) -> None:
        keeper = ModeKeeper(ModeSettings(avatar=True))
        for judgement in (NOBODY, HAND, Judgement(("second person",))):
            assert set(self.hear(keeper, judgement, 0, 20)) == {"none"}
        assert keeper.mode == SYNTHESIS

    def test_without_video_it_stays_with_synthesis(self) -> None:
        keeper = ModeKeeper(ModeSettings(video=False))
        assert set(self.hear(keeper, NOBODY, 0, 20)) == {"none"}

    def test_who_draws_few_pictures_is_sent_video_until_it_draws_enough(self) -> None:
        keeper = ModeKeeper(ModeSettings())
        modes = []
        for draws in (None, ENOUGH, FEW, FEW - 1, FEW, ENOUGH - 1, ENOUGH, FEW, 0, None):
            keeper.hear_draws(draws)
            modes.append(keeper.mode == VIDEO)
            assert any("draws" in reason for reason in keeper.why) == modes[-1]
        assert modes == [False, False, False, True, True, True, False, False, True, False]

    @pytest.mark.parametrize(
        "settings", [ModeSettings(avatar=True), ModeSettings(video=False), ModeSettings()]
    )
    def test_no_machine_is_so_slow_that_the_camera_is_shown_against_the_user_s_will(
        self, settings: ModeSettings
    ) -> None:
        keeper = ModeKeeper(settings)
        keeper.refused = settings.video and not settings.avatar
        keeper.hear_draws(0)
        assert keeper.mode == SYNTHESIS
        assert keeper.why == ()
        keeper.refused = False
        assert (keeper.mode == VIDEO) == (settings == ModeSettings())

    def test_camera_off_goes_before_everything(self) -> None:
        keeper = ModeKeeper(ModeSettings())
        self.hear(keeper, NOBODY, 0, 2)
        keeper.camera_off = True
        assert keeper.mode == PAUSED


class TestCamera:
    def test_a_head_crop_stays_whole(self) -> None:
        camera = Camera(cast(Any, StandInFinder()), SIZE)
        camera.look(frame(7), 0.0)
        sight = camera.cut(frame(7))
        assert (sight.crop == frame(7)).all()
        assert (sight.faces, sight.found) == (1, True)

    def test_a_head_in_a_wide_picture_is_cut_out(self) -> None:
        camera = Camera(cast(Any, StandInFinder()), SIZE)
        wide = np.zeros((240, 400, 3), np.uint8)
        camera.look(wide, 0.0)
        assert camera.box.side == pytest.approx(0.57 * 240 / 0.57, rel=0.05)
        assert 0 <= camera.box.left < 400 - camera.box.side

    def test_second_persons_and_empty_chairs_are_seen(self) -> None:
        finder = StandInFinder()
        camera = Camera(cast(Any, finder), SIZE)
        camera.look(frame(0), 0.0)
        finder.others = 1
        camera.look(frame(0), 0.5)
        assert camera.cut(frame(0)).faces == 1
        camera.look(frame(0), 1.1)
        assert camera.cut(frame(0)).faces == 2
        finder.there = False
        camera.look(frame(0), 2.2)
        assert not camera.cut(frame(0)).found

    def test_a_picture_of_another_shape_is_cut_in_the_middle_until_it_is_looked_at(self) -> None:
        camera = Camera(cast(Any, StandInFinder()), SIZE)
        assert camera.due(0.0)
        camera.look(frame(0), 0.0)
        assert not camera.due(0.3)
        wide = np.zeros((240, 400, 3), np.uint8)
        wide[:, 80:320] = 200
        assert (camera.cut(wide).crop == 200).all()
        assert (camera.cut(frame(7)).crop == frame(7)).all()


class TestPerformer:
    def make(self, **settings: bool) -> tuple[Performer, StandInEngine, StandInFinder]:
        engine, finder = StandInEngine(), StandInFinder()
        return Performer(engine, cast(Any, finder), ModeSettings(**settings)), engine, finder

    def act(
        self, performer: Performer, step: int, start: float, count: int
    ) -> tuple[list[Performance], list[Reflection]]:
        """Show one picture again and again, 25 times a second."""
        done, led = [], []
        for now in (start + 0.04 * turn for turn in range(count)):
            done.append(performer.perform(frame(step), now))
            if performer.due(now):
                led.append(performer.reflect(frame(step), done[-1], now))
        return done, led

    def test_a_source_from_the_camera_takes_motions_as_they_are(self) -> None:
        performer, _, _ = self.make()
        performer.use(frame(0), WHOLE, from_camera=True)
        sent = performer.perform(frame(9), 0.0).motion
        assert sent is not None
        assert np.abs(sent.vector() - motion(9).vector()).max() < 1e-5

    def test_a_chosen_photo_takes_the_first_motion_as_its_own(self) -> None:
        performer, _, _ = self.make()
        performer.use(frame(0), WHOLE, from_camera=False)
        sent = performer.perform(frame(30), 0.0).motion
        assert sent is not None
        assert np.abs(sent.vector() - motion(0).vector()).max() < 1e-5

    def test_without_a_source_nothing_is_sent(self) -> None:
        performer, _, _ = self.make()
        assert performer.perform(frame(0), 0.0).motion is None

    def test_an_empty_chair_leads_to_video_and_coming_back_to_a_new_source(self) -> None:
        performer, engine, _ = self.make()
        performer.use(frame(0), WHOLE, from_camera=True)
        engine.present = False
        _, led = self.act(performer, 1, 0, 60)
        assert [one.order for one in led].count("to video") == 1
        engine.present = True
        _, led = self.act(performer, 2, 10, 120)
        assert [one.order for one in led if one.order != "none"] == ["to synthesis"]
        assert sum(one.source is not None for one in led) == 1

    def test_another_person_gets_no_source(self) -> None:
        engine, finder = StandInEngine(), StandInFinder()
        performer = Performer(engine, cast(Any, finder), ModeSettings(), lambda first, second: False)
        performer.use(frame(0), WHOLE, from_camera=True)
        engine.present = False
        self.act(performer, 1, 0, 60)
        engine.present = True
        _, led = self.act(performer, 2, 10, 120)
        assert all(one.source is None for one in led)
        assert performer.keeper.mode == VIDEO
        assert any(one.order == "to video" for one in led)

    def test_an_avatar_chosen_during_ordinary_video_hides_the_camera_at_once(self) -> None:
        performer, engine, _ = self.make()
        performer.use(frame(0), WHOLE, from_camera=True)
        engine.present = False
        self.act(performer, 1, 0, 60)
        assert performer.keeper.mode == VIDEO
        performer.keeper.settings = ModeSettings(avatar=True)
        assert performer.keeper.mode == SYNTHESIS

    @pytest.mark.parametrize(
        ("largest", "own", "sides"),
        [
            (512, SIZE, [SIZE]),
            (512, 40, [SIZE]),
            (512, 301, [SIZE, 300]),
            (512, 2000, [SIZE, 512]),
            (1024, 2000, [SIZE, 512, 1024]),
            (1024, 700, [SIZE, 512, 700]),
            (256, 700, [SIZE, 256]),
            (SIZE, 700, [SIZE]),
        ],
    )
    def test_a_source_has_the_sizes_that_receivers_may_want(
        self, largest: int, own: int, sides: list[int]
    ) -> None:
        performer = Performer(StandInEngine(), cast(Any, StandInFinder()), ModeSettings(), largest=largest)
        photo = np.zeros((own + 20, own + 30, 3), np.uint8)
        source = performer.use(photo, CropBox(10, 10, own), from_camera=True)
        assert [picture.side for picture in source.pictures] == sides
        for picture in source.pictures:
            assert decode_photo(picture.data, picture.side**2).shape == (picture.side, picture.side, 3)

    def test_a_picture_that_is_too_large_to_send_is_left_out(self) -> None:
        performer = Performer(StandInEngine(), cast(Any, StandInFinder()), ModeSettings(), largest=1024)
        noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
        source = performer.use(noise, CropBox(0, 0, 1024), from_camera=True)
        assert [picture.side for picture in source.pictures] == [SIZE, 512]
        assert all(len(picture.data) <= LARGEST_PHOTO for picture in source.pictures)

    def test_the_own_face_is_drawn_as_large_as_this_machine_shows(self) -> None:
        performer, _, _ = self.make()
        photo = np.zeros((600, 600, 3), np.uint8)
        for shows, side in ((SIZE, SIZE), (512, 512)):
            performer.shows = shows
            source = performer.use(photo, CropBox(0, 0, 600), from_camera=True)
            shown = performer.preview(source.motion)
            assert shown is not None
            assert shown.shape == (side, side, 3)


class Drawing(StandInEngine):
    """Shows of every motion what the camera sees, some pixels further right; one keypoint has moved all of it."""

    shift = 3

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[MotionFrame] = []

    def draw(self, person: Portrait, motion: MotionFrame) -> Drawn | None:
        self.asked.append(motion)
        masks = np.zeros((KEYPOINTS + 1, 64, 64), np.float32)
        masks[1 + len(GUIDES)] = 1
        return Drawn(np.roll(frame(0), self.shift, axis=1), masks)


class TestSecondLooks:
    """What a receiver would show is compared with what is seen, now and then; motions of then on are corrected."""

    def make(
        self, seconds: float = 0.0, *, from_camera: bool = True, avatar: bool = False
    ) -> tuple[Performer, Drawing]:
        """Return a performer whose looks take some seconds each."""
        times = itertools.count()
        engine = Drawing()
        clock = lambda: seconds * next(times)  # noqa: E731
        performer = Performer(engine, cast(Any, StandInFinder()), ModeSettings(avatar=avatar), clock=clock)
        performer.use(frame(0), WHOLE, from_camera=from_camera, avatar=avatar)
        return performer, engine

    def sent(self, performer: Performer, count: int, start: float = 0.0) -> MotionFrame:
        """Show one picture again and again, 25 times a second; return the last motion."""
        for now in (start + 0.04 * turn for turn in range(count)):
            done = performer.perform(frame(0), now)
            if performer.due(now):
                performer.reflect(frame(0), done, now)
        assert done.motion is not None
        return done.motion

    def test_a_motion_is_corrected_by_what_looks_found(self) -> None:
        performer, engine = self.make()
        by = self.sent(performer, 50).expression - motion(0).expression
        pixels = by * SIZE / 2
        assert pixels[len(GUIDES), 0] == pytest.approx(-Drawing.shift, abs=0.6)
        assert np.abs(np.delete(by, len(GUIDES), axis=0)).max() < 1e-3
        # Looks are at motions as they were read: a correction is not corrected.
        assert all(np.abs(asked.vector() - motion(0).vector()).max() < 1e-5 for asked in engine.asked)

    @pytest.mark.parametrize("settings", [{"from_camera": False}, {"avatar": True}])
    def test_pictures_of_another_moment_or_of_somebody_else_are_not_compared(
        self, settings: dict[str, bool]
    ) -> None:
        performer, engine = self.make(**settings)
        self.sent(performer, 50)
        assert not engine.asked

    def test_a_new_source_begins_anew(self) -> None:
        performer, _ = self.make()
        self.sent(performer, 50)
        performer.use(frame(0), WHOLE, from_camera=True)
        found = performer.perform(frame(0), 3.0).motion
        assert found is not None
        assert np.abs(found.vector() - motion(0).vector()).max() < 1e-5

    def test_they_take_a_share_of_the_time_and_no_more(self) -> None:
        for seconds, looks in ((0.0, 21), (0.2, 5)):  # five times a second; once a second, the fifth of it
            performer, engine = self.make(seconds)
            self.sent(performer, 102)
            assert abs(len(engine.asked) - looks) <= 1, seconds

    def test_an_empty_chair_is_not_looked_at_again_with_every_picture(self) -> None:
        performer, engine = self.make()
        engine.present = False
        done = performer.perform(frame(0), 0.0)
        performer.reflect(frame(0), done, 0.0)
        assert not performer.due(0.04)
        assert performer.due(0.21)
        assert not engine.asked

    def test_models_that_do_not_say_what_moved_are_asked_once(self) -> None:
        performer, engine = self.make()
        engine.draw = lambda person, motion: engine.asked.append(motion)  # type: ignore[method-assign]
        self.sent(performer, 50)
        assert len(engine.asked) == 1


class TestH264:
    def test_another_size_begins_anew(self) -> None:
        comparison = H264Comparison()
        looked = 0

        def moving(step: int, side: int) -> Any:
            nonlocal looked
            looked += 1
            return np.roll(frame(0, side), step, axis=1)

        for side in (SIZE, 2 * SIZE):
            comparison.kbit_per_s = 0.0
            for step in range(SAMPLE_FRAMES + 10):
                assert comparison.kbit_per_s == 0 or step >= SAMPLE_FRAMES
                comparison.see(side, lambda: moving(step, side))  # noqa: B023
            assert comparison.kbit_per_s > 0
        assert looked == 2 * SAMPLE_FRAMES


class TestPace:
    @pytest.mark.parametrize(("seconds", "side"), [(0.01, 512), (0.03, 512), (0.034, SIZE), (1.0, SIZE)])
    def test_large_faces_are_for_machines_that_make_25_a_second(self, seconds: float, side: int) -> None:
        now = 0.0

        def clock() -> float:
            return now

        class Slow(StandInEngine):
            def render(self, person: Portrait, motion: MotionFrame, turn: Any = None) -> Any:
                nonlocal now
                now += seconds
                return super().render(person, motion, turn)

        assert side_kept(Slow(), frame(0), clock) == side


class TestConcealment:
    def test_between(self) -> None:
        middle = between(motion(0), motion(10), 0.5).vector()
        assert np.allclose(middle, (motion(0).vector() + motion(10).vector()) / 2)

    def test_it_eases_to_rest_and_comes_back_without_a_jump(self) -> None:
        concealment = Concealment(motion(0))
        last, steps = motion(30), []
        for step in range(50):
            eased = concealment.ease(last, 0.04 * step)
            if eased is not None:
                steps.append(eased)
        assert np.abs(steps[-1].vector() - motion(0).vector()).max() < 1e-5
        assert len(steps) <= EASE_SECONDS / 0.04 + 2
        back = [concealment.arrive(motion(30), 5 + 0.04 * step) for step in range(6)]
        path = [last, *steps, *back]
        jumps = [np.abs(a.vector() - b.vector()).max() for a, b in itertools.pairwise(path)]
        assert max(jumps) < 0.6 * np.abs(motion(30).vector() - motion(0).vector()).max()
        assert (back[-1].vector() == motion(30).vector()).all()

    def test_rest_is_the_mean_of_what_came(self) -> None:
        concealment = Concealment(motion(0))
        for step in range(20 * MEMORY):
            concealment.arrive(motion(10 if step % 2 else 30), 0.04 * step)
        mean = (motion(10).vector() + motion(30).vector()) / 2
        assert concealment.rest.vector() == pytest.approx(mean, abs=0.02 * float(np.abs(mean).max()))

    def test_who_came_back_by_another_way_is_not_drawn_to_rest_again(self) -> None:
        concealment = Concealment(motion(0))
        concealment.ease(motion(30), 0.5)
        concealment.back()
        assert (concealment.arrive(motion(30), 1.0).vector() == motion(30).vector()).all()


class TestPlainVideo:
    def test_pictures_arrive_and_losses_heal_with_a_keyframe(self) -> None:
        sender, receiver = VideoSender(SIZE), VideoReceiver()
        shown = []
        for step in range(40):
            messages = sender.send(np.roll(frame(0), step, axis=1), 1920 * step)
            for message in messages:
                if step == 10:  # lost
                    continue
                picture = receiver.take(message)
                if picture is not None:
                    shown.append(step)
            if receiver.ask(0.1 * step):
                sender.keyframe()
        assert shown[:10] == list(range(10))
        assert 11 not in shown
        assert shown[-1] == 39
        assert len(shown) > 30

    def test_any_bytes(self) -> None:
        receiver, chance = VideoReceiver(), random.Random(1)
        good = VideoSender(SIZE).send(frame(0), 0)[0]
        for _ in range(300):
            data = bytearray(good[: chance.randrange(len(good) + 1)])
            for _ in range(chance.randrange(4)):
                if data:
                    data[chance.randrange(len(data))] = chance.randrange(256)
            try:
                receiver.take(bytes(data))
            except CorruptPacket:
                continue
        assert len(receiver._open) <= 8


class TestView:
    def angles(self, view: FreeView, head: MotionFrame) -> list[float]:
        turn = None
        for _ in range(40):
            turn = view.turn(head)
        own = rotation_from_angles(*head.angles[:, None])[0]
        whole = own if turn is None else turn @ own
        return [math.degrees(float(angle)) for angle in angles_from_rotation(whole)]

    def test_the_own_view_costs_nothing(self) -> None:
        assert FreeView().turn(turned(20)) is None

    def test_turning_adds_to_the_head(self) -> None:
        view = FreeView()
        view.aim(15, 0, 0, False)
        assert self.angles(view, turned(10))[0] == pytest.approx(25, abs=0.1)

    def test_look_at_me_takes_the_heads_own_turn_away(self) -> None:
        view = FreeView()
        view.aim(0, 0, 0, True)
        assert self.angles(view, turned(30)) == pytest.approx([0, 0, 0], abs=0.1)
        assert not view.moving
        view.aim(0, 0, 0, False)
        assert view.moving
        assert self.angles(view, turned(30))[0] == pytest.approx(30, abs=0.5)


class TestDrawingPace:
    def pace(self, *took: float) -> DrawingPace:
        pace = DrawingPace()
        for seconds in took:
            pace.drew(seconds)
        return pace

    def test_a_picture_that_took_long_changes_nothing(self) -> None:
        assert self.pace(*[0.19] * (LAST - 1)).per_s is None
        assert self.pace(3.0, *[0.19] * (LAST - 1)).per_s == 5

    def test_one_picture_is_tried_now_and_then_where_few_are_drawn(self) -> None:
        slow, quick = self.pace(*[0.19] * LAST), self.pace(*[0.03] * LAST)
        times = [0.1 * step for step in range(60)]
        assert [at for at in times if slow.due(at, 8)] == pytest.approx([0, AGAIN_SECONDS, 2 * AGAIN_SECONDS])
        assert not any(pace.due(at, 8) for pace in (quick, DrawingPace()) for at in times)
