"""The protocols by name. The ablation, which takes several models, is in ablation.py."""

from __future__ import annotations

from facewire.base.errors import ConfigError
from facewire.evaluation.protocols import canonical, freeview, occlusion, reconstruction, transfer
from facewire.evaluation.protocols.protocol import Protocol

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        reconstruction.PROTOCOL,
        transfer.PROTOCOL,
        freeview.PROTOCOL,
        canonical.PROTOCOL,
        occlusion.PROTOCOL,
    )
}


def protocol_of(name: str) -> Protocol:
    """Return a protocol.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in PROTOCOLS:
        raise ConfigError("protocol", name, ", ".join(PROTOCOLS))
    return PROTOCOLS[name]
