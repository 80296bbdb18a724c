"""Who may enter a room, and how the two of them know each other (docs/call.md section 7).

    token, 256 bits, only in the link's fragment
      admission = HMAC(token, "admission" + room)   shown to the signalling server, which can do nothing else with it
      seal      = HMAC(token, "seal" + message)     over everything the peers say through the server

So the server learns neither the token nor can it put itself between the two: a session description with another
certificate fingerprint would have no seal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from facewire.base.errors import ConfigError

TOKEN_BYTES = 32
_ROOM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_HINT = "a link from `facewire call`, such as https://host/join#room=talk&token=..."


@dataclass(frozen=True, slots=True)
class Invitation:
    """A room on a signalling server and the secret that opens it. Its repr does not show the token.

    server  http(s) address of the signalling server, without a slash at the end
    room    1 to 64 letters, digits, - and _
    token   43 characters of base64url, 256 bits
    """

    server: str
    room: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.server)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ConfigError("signal", self.server, "an address such as https://signal.example.org")
        if not _ROOM.fullmatch(self.room):
            raise ConfigError("room", self.room, "1 to 64 letters, digits, - and _")
        if not _TOKEN.fullmatch(self.token) or len(urlsafe_b64decode(self.token + "=")) != TOKEN_BYTES:
            raise ConfigError("token", "(hidden)", "the token of the invitation link, unchanged")

    @classmethod
    def create(cls, server: str, room: str) -> Invitation:
        """Return an invitation to a room with a fresh token."""
        token = urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
        return cls(server.rstrip("/"), room, token)

    @classmethod
    def parse(cls, link: str) -> Invitation:
        """Return the invitation of a link.

        Raises:
            ConfigError: it is not one.
        """
        try:
            parts = urlsplit(link.strip())
            values = parse_qs(parts.fragment, max_num_fields=8)
        except ValueError:
            raise ConfigError("invitation", "(hidden)", _HINT) from None
        if len(values.get("room", ())) != 1 or len(values.get("token", ())) != 1:
            raise ConfigError("invitation", "(hidden)", _HINT)
        path = parts.path.removesuffix("/join").rstrip("/")
        return cls(f"{parts.scheme}://{parts.netloc}{path}", values["room"][0], values["token"][0])

    @property
    def link(self) -> str:
        """The link to give to the other person; the secret is in the fragment, which browsers send to nobody."""
        return f"{self.server}/join#{urlencode({'room': self.room, 'token': self.token})}"

    @property
    def join_address(self) -> str:
        """Where the signalling server takes websockets for this room."""
        return f"{self.server}/room/{quote(self.room)}"

    @property
    def admission(self) -> str:
        """What the signalling server is shown: 64 hexadecimal digits."""
        return self._mac(b"admission\0" + self.room.encode()).hex()

    def seal(self, seat: str, text: str) -> str:
        """Return the seal, 64 hexadecimal digits, of a text that the peer in `seat` says."""
        return self._mac(b"seal\0" + seat.encode() + b"\0" + text.encode()).hex()

    def is_sealed(self, seat: str, text: str, seal: str) -> bool:
        """Say whether the peer in `seat`, and nobody else, said this."""
        return hmac.compare_digest(self.seal(seat, text).encode(), seal.encode())

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(urlsafe_b64decode(self.token + "="), b"facewire 1\0" + message, hashlib.sha256)
