"""What is compared and how bytes are charged: our own protocol, and the one of generative face video coding (GFVC).

A protocol says what is coded, at which settings, and what the rates of curves are.

talks   whatever clips there are; the first picture is charged apart, and spread over times
gfvc    250 frames, the key picture in every figure and coded at four qualities; every anchor at half the size, too
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from facewire.animation.animator import Animator
from facewire.base.errors import ConfigError
from facewire.evaluation.codecs.methods import (
    KEY_SETTINGS,
    OUR_SETTINGS,
    AnchorMethod,
    Method,
    anchor_methods,
    own_methods,
)
from facewire.evaluation.codecs.rates import CLIP, MOTION


@dataclass(frozen=True, slots=True)
class Protocol:
    """A way to compare.

    name      of the protocol
    frames    of a clip at most; they are held in memory, 150 MB for 750 at 256 pixels, 600 MB at 512
    account   what rates of curves and mean ratios are, of `rates.ACCOUNTS`
    settings  of ours
    halves    whether anchors code pictures of half the size, too
    """

    name: str
    frames: int
    account: str
    settings: tuple[str, ...]
    halves: bool

    def own(self, animator: Animator) -> list[Method]:
        """Return our methods."""
        return own_methods(animator, self.settings)

    def anchors(self) -> Sequence[AnchorMethod]:
        """Return the others, those that cannot be run here included."""
        whole = anchor_methods()
        return [*whole, *(AnchorMethod(method.anchor, 2) for method in whole if self.halves)]


TALKS: Final = Protocol("talks", 750, MOTION, OUR_SETTINGS, halves=False)
GFVC: Final = Protocol("gfvc", 250, CLIP, KEY_SETTINGS, halves=True)
PROTOCOLS: Final = {protocol.name: protocol for protocol in (TALKS, GFVC)}


def protocol_of(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError("protocol", name, ", ".join(PROTOCOLS))
    return PROTOCOLS[name]
