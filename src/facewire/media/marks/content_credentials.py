"""Signed content credentials (C2PA): who made a file with what, signed so that a change shows.

Off until a certificate is named; then every picture and video that is marked as synthetic is signed too:

    FACEWIRE_C2PA_CERTIFICATE   PEM, the signer's certificate first, then its chain
    FACEWIRE_C2PA_KEY           PEM, the signer's private key (ES256, PKCS#8)
    FACEWIRE_C2PA_TIMESTAMPS    address of a time-stamping server; optional, only then anything is sent

Needs `pip install 'facewire[c2pa]'`. The library may fetch neither manifests that a file names nor the state of
certificates.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewire.base.errors import ConfigError, OutputError
from facewire.media.marks.synthetic_mark import CREATOR, SOURCE_TYPE

CERTIFICATE, KEY, TIMESTAMPS = (
    "FACEWIRE_C2PA_CERTIFICATE",
    "FACEWIRE_C2PA_KEY",
    "FACEWIRE_C2PA_TIMESTAMPS",
)
TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
}
"""What can be signed."""
_LARGEST_HEAD = 1 << 26
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature."""

    certificate: bytes
    key: bytes
    timestamps: str | None


def configured() -> Signer | None:
    """Return the signer that the environment names, None if it names none.

    Raises:
        ConfigError: a file is missing, one of the two is not named, or the library is not installed.
    """
    named = {name: os.environ.get(name) for name in (CERTIFICATE, KEY)}
    if not any(named.values()):
        return None
    contents = []
    for name, path in named.items():
        if not path or not Path(path).is_file():
            raise ConfigError(name, path, "the name of a PEM file, for both certificate and key, or of none")
        contents.append(Path(path).read_bytes())
    _library()
    return Signer(contents[0], contents[1], os.environ.get(TIMESTAMPS) or None)


def sign(path: Path, suffix: str, signer: Signer) -> None:
    """Sign a finished file in place; kinds that C2PA does not know stay as they are.

    Raises:
        OutputError: certificate and key do not fit, or the file cannot be written.
    """
    kind = TYPES.get(suffix.lower())
    if kind is None:
        return
    c2pa = _library()
    signed = path.with_name(f"{path.name}.signed")
    try:
        server = signer.timestamps.encode() if signer.timestamps else None
        information = c2pa.C2paSignerInfo(b"es256", signer.certificate, signer.key, server)
        with (
            c2pa.Signer.from_info(information) as by,
            c2pa.Builder(json.dumps(manifest(kind)), _context(c2pa)) as builder,
            path.open("rb") as source,
            signed.open("w+b") as target,
        ):
            builder.sign(by, kind, source, target)
        signed.replace(path)
    except c2pa.C2paError as error:
        raise OutputError(path, f"cannot be signed ({error}): check {CERTIFICATE} and {KEY}") from error
    finally:
        signed.unlink(missing_ok=True)


def manifest(kind: str) -> dict[str, Any]:
    """Return what is signed: that a model changed a picture of a camera."""
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE, "softwareAgent": {"name": CREATOR}}
    return {
        "claim_generator_info": [{"name": CREATOR}],
        "format": kind,
        "title": "animated portrait",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }


def signed_by(path: str | Path) -> str | None:
    """Return what a file's credentials say of its signer, for people; None if it has none.

    Raises:
        OSError: the file cannot be read.
    """
    kind = TYPES.get(Path(path).suffix.lower())
    if kind is None:
        return None
    with Path(path).open("rb") as file:
        if b"jumb" not in file.read(_LARGEST_HEAD):
            return None
    try:
        c2pa = _library()
    except ConfigError:
        return "signed credentials (pip install 'facewire[c2pa]' reads them)"
    try:
        with Path(path).open("rb") as file, c2pa.Reader(kind, file, context=_context(c2pa)) as reader:
            store = json.loads(reader.json())
    except c2pa.C2paError as error:
        return f"signed credentials that cannot be read ({error})"
    active = store["manifests"][store["active_manifest"]]
    issuer = active.get("signature_info", {}).get("issuer", "unknown")
    return f"signed by {issuer}, {store.get('validation_state', 'not checked')}"


def _context(c2pa: Any) -> Any:
    return c2pa.Context(c2pa.Settings.from_dict(_OFFLINE))


def _library() -> Any:
    try:
        import c2pa
    except ImportError as problem:
        raise ConfigError(CERTIFICATE, "set", "it with pip install 'facewire[c2pa]'") from problem
    return c2pa
