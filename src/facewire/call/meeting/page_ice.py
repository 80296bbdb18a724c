"""STUN and TURN servers as pages are told of them: a TURN server's secret becomes credentials that soon end.

    username = "EXPIRY:facewire"   credential = base64(HMAC-SHA1(secret, username))

coturn checks that with `use-auth-secret` and `static-auth-secret` (draft-uberti-behave-turn-rest). Whoever opens the
page learns credentials, as its browser must; after some hours they are worth nothing.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence

from facewire.base.errors import ConfigError

LIFETIME_SECONDS = 12 * 3600
USER = "facewire"
_STUN = re.compile(r"stuns?:[^\s?]+")
_TURN = re.compile(r"turns?:[^\s?]+(\?transport=(udp|tcp))?")


class PageIce:
    """The servers of one page.

    Args:
        urls: of STUN and TURN servers.
        secret: that the TURN servers share with this one, or "".

    Raises:
        ConfigError: they are no such servers, or a TURN server has no secret.
    """

    def __init__(self, urls: Sequence[str] = (), secret: str = "") -> None:
        for url in urls:
            if not (_STUN.fullmatch(url) or _TURN.fullmatch(url)):
                raise ConfigError("ice", url, "stun:HOST:PORT or turn:HOST:PORT?transport=udp")
        self._stun = [url for url in urls if _STUN.fullmatch(url)]
        self._turn = [url for url in urls if _TURN.fullmatch(url)]
        if self._turn and not secret:
            raise ConfigError("ice", self._turn[0], "the TURN server's static-auth-secret with it")
        self._secret = secret

    def servers(self, now: float) -> list[dict[str, str]]:
        """Return what a page hands to its browser.

        Args:
            now: seconds of the epoch.
        """
        found = [{"urls": url} for url in self._stun]
        if not self._turn:
            return found
        name = f"{round(now) + LIFETIME_SECONDS}:{USER}"
        mac = hmac.digest(self._secret.encode(), name.encode(), "sha1")
        credential = base64.b64encode(mac).decode()
        return [*found, *({"urls": url, "username": name, "credential": credential} for url in self._turn)]
