"""Where a conversation puts what is to be sent."""

from __future__ import annotations

from typing import Protocol


class Outbox(Protocol):
    """Where a conversation puts what is to be sent."""

    def media(self, payload: bytes, timestamp: int) -> None:
        """Send a sound packet (with its trailer); timestamp in samples of the sound clock."""

    def reliable(self, message: str | bytes) -> None:
        """Send on the reliable, ordered channel."""

    def loose(self, message: bytes) -> None:
        """Send on the unordered channel without retransmission."""
