"""Invitations: the secret stays in the fragment, and nothing without it passes."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from facewire.base.errors import ConfigError
from facewire.transport.invitation import Invitation

SERVER = "https://signal.example.org"


def test_the_link_leads_back_and_keeps_the_token_in_the_fragment() -> None:
    invitation = Invitation.create(SERVER, "talk")
    assert Invitation.parse(invitation.link) == invitation
    parts = urlsplit(invitation.link)
    assert invitation.token in parts.fragment
    assert invitation.token not in invitation.link.replace(parts.fragment, "")
    assert invitation.token not in repr(invitation)
    assert invitation.token not in invitation.join_address + invitation.admission


def test_tokens_are_256_bits_and_never_the_same() -> None:
    tokens = {Invitation.create(SERVER, "talk").token for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}


def test_admission_depends_on_token_and_room() -> None:
    first = Invitation.create(SERVER, "talk")
    assert Invitation(SERVER, "other", first.token).admission != first.admission
    assert Invitation.create(SERVER, "talk").admission != first.admission


def test_a_seal_holds_for_one_seat_one_text_one_token() -> None:
    mine, other = Invitation.create(SERVER, "talk"), Invitation.create(SERVER, "talk")
    seal = mine.seal("a", "v=0")
    assert mine.is_sealed("a", "v=0", seal)
    assert not mine.is_sealed("b", "v=0", seal)
    assert not mine.is_sealed("a", "v=1", seal)
    assert not other.is_sealed("a", "v=0", seal)
    assert not mine.is_sealed("a", "v=0", "ä" * 64)


@pytest.mark.parametrize(
    "link",
    ["", "https://x/join", "https://x/join#room=a", "https://x/join#room=a&token=short", "ftp://x/join#room=a",
     "https://x/join#room=a%2Fb&token=" + "A" * 43, "https://x/join#room=a&room=b&token=" + "A" * 43, "http://[",
     "https://x/join#room=a&token=" + "A" * 42 + "/"],
)  # fmt: skip
def test_what_is_no_invitation(link: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Invitation.parse(link)
    assert "AAAA" not in str(caught.value)


def test_servers_may_live_in_a_folder() -> None:
    invitation = Invitation.create("https://x.org/facewire/", "talk")
    assert Invitation.parse(invitation.link) == invitation
    assert invitation.join_address == "https://x.org/facewire/room/talk"
