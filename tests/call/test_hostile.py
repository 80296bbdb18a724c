"""Hostile packets by the thousand (FACEWIRE_HOSTILE sets how many): nothing gets out, memory stays small."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

from facewire.call.conversation.conversation import Conversation
from tests.call.test_conversation import PARTY, SOURCE, Two, Wire

COUNT = int(os.environ.get("FACEWIRE_HOSTILE", "6000"))
LONGEST_CALL = 400
"""Messages to one connection before another begins."""


def recorded() -> tuple[list[tuple[bytes, int]], list[bytes], list[str | bytes]]:
    """Return media, loose and reliable messages of a good call."""
    media: list[tuple[bytes, int]] = []
    reliable: list[str | bytes] = []
    two = Two()
    hear, tell = two.sides[1].hear_media, two.sides[1].hear_reliable

    def keep_media(payload: bytes, timestamp: int, now: float) -> None:
        media.append((payload, timestamp))
        hear(payload, timestamp, now)

    def keep_reliable(message: str | bytes, now: float) -> None:
        reliable.append(message)
        tell(message, now)

    two.sides[1].hear_media = keep_media  # type: ignore[method-assign]
    two.sides[1].hear_reliable = keep_reliable  # type: ignore[method-assign]
    two.greet()
    two.run(2.0)
    return media, [b"\x46" + bytes(5), b"\x56" + bytes(40)], reliable


def damaged(chance: random.Random, data: bytes) -> bytes:
    """Return bytes cut, flipped, joined or made up."""
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randbytes(chance.randrange(300))
    out = bytearray(data[: chance.randrange(len(data) + 1)] if kind == 1 else data)
    for _ in range(chance.randrange(1, 6)):
        if out:
            out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out) * (1 + (kind == 4))


def attacks(chance: random.Random) -> Iterator[tuple[str, bytes | str, int]]:
    media, loose, reliable = recorded()
    while True:
        kind = chance.choice("mmmmlr")
        if kind == "m":
            payload, timestamp = chance.choice(media)
            at = timestamp if chance.random() < 0.7 else chance.randrange(1 << 32)
            yield kind, payload if chance.random() < 0.3 else damaged(chance, payload), at
        elif kind == "l":
            yield kind, damaged(chance, chance.choice(loose)), 0
        else:
            message = chance.choice(reliable)
            if isinstance(message, bytes):
                yield kind, damaged(chance, message), 0
            elif chance.random() < 0.5:
                yield kind, message, 0
            else:
                yield kind, damaged(chance, message.encode()).decode("utf-8", "replace"), 0


def test_a_flood_of_hostile_messages() -> None:
    chance = random.Random(8)
    source = attacks(chance)
    side = Conversation(PARTY, SOURCE, Wire(), 0.0)
    seen = misfits = 0
    for step in range(COUNT):
        if step % LONGEST_CALL == 0:
            misfits += bool(side.problem)
            side = Conversation(PARTY, SOURCE, Wire(), 0.0)
            side.live = True
        now = 0.01 * (step % LONGEST_CALL)
        kind, data, at = next(source)
        if kind == "m":
            assert isinstance(data, bytes)
            side.hear_media(data, at, now)
        elif kind == "l":
            assert isinstance(data, bytes)
            side.hear_loose(data, now)
        else:
            side.hear_reliable(data, now)
        while side.photos:
            side.photo_prepared(side.photos.popleft())
        side.sound(480, now)
        seen += side.due(now) is not None
        assert len(side.loudspeaker._packets) <= 64
        assert len(side.faces._waiting) <= 50
        assert len(side.sender._sent_at) <= 256
    assert misfits > 0
    assert side.refused > 0


def test_who_has_not_greeted_is_not_seen() -> None:
    media, _, _ = recorded()
    side = Conversation(PARTY, SOURCE, Wire(), 0.0)
    for step, (payload, timestamp) in enumerate(media):
        side.hear_media(payload, timestamp, 0.04 * step)
        assert side.due(0.04 * step) is None
    assert side.faces.decoded == 0
