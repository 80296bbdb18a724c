"""What a packet costs on the wire beside its payload, bytes; IPv4 without options, DTLS 1.2 and SRTP with AES-GCM."""

from __future__ import annotations

IP_UDP = 28
RTP_HEAD, SRTP_TAG = 12, 16
TURN_CHANNEL = 4
"""Head of channel data between a machine and its TURN server (RFC 8656, 12.4)."""
DTLS_RECORD = 37
"""Head 13, explicit nonce 8, tag 16."""
SCTP_DATA, SCTP_SACK = 28, 28
"""Common head 12 and chunk 16 each."""


def rtp_bytes(payload: int) -> int:
    """Return the bytes of an SRTP packet with a payload of so many."""
    return IP_UDP + RTP_HEAD + payload + SRTP_TAG


def channel_bytes(payload: int) -> int:
    """Return the bytes of a data channel message, without the acknowledgement that comes back."""
    return IP_UDP + DTLS_RECORD + SCTP_DATA + (payload + 3) // 4 * 4


def acknowledgement_bytes() -> int:
    """Return the bytes of the acknowledgement of a data channel message."""
    return IP_UDP + DTLS_RECORD + SCTP_SACK
