"""The page's own engine: what it is told, what is served to it, when it is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facewire.animation.animator import Animator
from facewire.base.errors import MediaError
from facewire.media.image import load_image, resize, save_image
from facewire.studio import messages as page
from facewire.studio.preview.native import NativePreview, Wanted
from facewire.studio.preview.page_engine import checked_folder, is_fast_enough
from facewire.studio.project import Look, Project, Result
from tests.studio.stand_ins import GreyPreview, engine_folder, opened, photo, run, studio

CHOSEN = Project(photo="photo.png")


@pytest.mark.parametrize(
    ("in_page", "here", "used"),
    [(20, 40, True), (40, 40, False), (60, 40, False), (66, 90, True), (70, 90, False)],
)
def test_it_must_be_faster_than_this_machines_and_fast_enough(
    in_page: float, here: float, used: bool
) -> None:
    assert is_fast_enough(in_page, here) == used


def test_a_folder_must_have_the_same_weights(tmp_path: Path) -> None:
    folder = engine_folder(tmp_path / "site")
    assert checked_folder(folder, "ab") == folder
    for wrong in (folder, tmp_path):
        with pytest.raises(MediaError):
            checked_folder(wrong, "cd")


def test_a_page_that_is_fast_is_told_heads_and_sent_what_stands(tmp_path: Path) -> None:
    photo(tmp_path / "studio")
    preview = GreyPreview()

    async def test() -> None:
        async with (
            studio(tmp_path / "studio", preview, engine_folder(tmp_path / "site")) as (session, port),
            opened(session, port) as one,
        ):
            assert (await one.told(page.Welcome)).web
            await one.say(page.Change(project=CHOSEN))
            await one.told(page.Photo, lambda message: message.faces)
            await one.say(page.Measured(milliseconds=90.0, name="wasm"))
            slow = await one.told(page.Engines)
            assert (slow.page, "40 ms" in slow.text, "90 ms" in slow.text) == (False, True, True)
            await one.say(page.Measured(milliseconds=20.0, name="webgpu"))
            assert (await one.told(page.Engines)).page
            await one.say(page.Change(project=replace(CHOSEN, look=Look(smile=0.5))))
            heads = await one.told(page.Heads, lambda message: message.heads[0].expression[0] == 0.5)
            await one.say(page.Shown(number=heads.number))
            assert (await one.picture())[12] == 1  # exact, from this machine
            assert await one.get("/head/3") == (200, bytes([3, 1, 2, 255]).decode(errors="replace"))
            assert (await one.get("/head/3", **{"X-Facewire-Key": ""}))[0] == 403

    run(test)


def test_only_programs_and_networks_of_its_folder_are_served(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            studio(tmp_path / "studio", engine=engine_folder(tmp_path / "site")) as (session, port),
            opened(session, port) as one,
        ):
            assert (await one.get("/web/render/index.js"))[0] == 200
            for path in ("/web/secret.txt", "/web/render", "/web/..%2Fsite%2Fmanifest.json", "/web/gone.js"):
                assert (await one.get(path))[0] == 404
            assert (await one.get("/web/manifest.json", Host="evil.example"))[0] == 403
            for path in ("/", "/web/render/index.js"):
                headers = await one.headers(path)
                assert "'wasm-unsafe-eval'" in headers["Content-Security-Policy"]
                assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        async with studio(tmp_path / "studio") as (session, port), opened(session, port) as one:
            assert (await one.get("/web/manifest.json"))[0] == 404
            assert "wasm" not in (await one.headers("/"))["Content-Security-Policy"]

    run(test)


@pytest.mark.slow
def test_heads_laid_into_the_photo_are_nearly_the_native_picture(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", astronaut())
    preview, animator = NativePreview(Animator.load()), Animator.load()
    chosen = Project(photo="a.png", look=Look(yaw=10.0, smile=0.4))
    wanted = Wanted(project=chosen, photo=tmp_path / "a.png", recorded=None, seconds=0.0, size=512)
    heads = preview.heads(wanted)
    assert heads is not None
    (head,) = heads
    square = np.frombuffer(preview.square(wanted, 0), np.uint8).reshape(256, 256, 4)
    person = animator.person(square[..., :3], crop_mode="none")
    turned = person.identity.motion
    turned = type(turned)(
        *(
            part.new_tensor(numbers).reshape(part.shape)
            for part, numbers in zip(
                (turned.rotation, turned.translation, turned.expression),
                (head.rotation, head.translation, head.expression),
                strict=True,
            )
        )
    )
    (made,) = animator.render_batch(person, turned)
    native, picture = preview.picture(wanted), load_image(tmp_path / "a.png").astype(float)
    left, top, side = (round(512 * share) for share in (head.left, head.top, head.width))
    share = resize(np.repeat(square[..., 3:], 3, axis=2), (side, side)).astype(float) / 255
    place = slice(top, top + side), slice(left, left + side)
    picture[place] = share * resize(made, (side, side)) + (1 - share) * picture[place]
    error = np.square((picture - native) / 255).mean()
    assert -10 * np.log10(error) > 30
    assert preview.heads(replace(wanted, project=replace(chosen, result=Result(head=True)))) is None
    assert preview.heads(replace(wanted, show="matte")) is None
