"""Marks in every kind of file that is written, read back, and none where none was asked for; signatures."""

from __future__ import annotations

import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facewire.base.errors import ConfigError
from facewire.media.frame import Frame
from facewire.media.image import load_image, save_image
from facewire.media.marks.content_credentials import CERTIFICATE, KEY, signed_by
from facewire.media.marks.synthetic_mark import CREATOR, SOURCE_TYPE, Mark, packet, read_mark
from facewire.media.video import VideoReader, VideoWriter

PICTURES = ("a.png", "a.jpg", "a.webp")
VIDEOS = ("a.mp4", "a.mov", "a.mkv", "a.webm", "a.gif")
PIXELS = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)


def write(path: Path, synthetic: bool) -> None:
    if path.name in PICTURES:
        save_image(path, PIXELS, synthetic=synthetic)
        return
    with VideoWriter(path, (64, 48), Fraction(25), synthetic=synthetic) as writer:
        for number in range(3):
            writer.write(Frame(PIXELS + np.uint8(number), number, Fraction(1, 25)))


@pytest.mark.parametrize("name", PICTURES + VIDEOS)
def test_what_is_written_says_that_a_model_made_it(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, synthetic=True)
    assert read_mark(tmp_path / name) == Mark(SOURCE_TYPE, CREATOR)
    if name in PICTURES:
        assert load_image(tmp_path / name).shape == PIXELS.shape
        if name == "a.png":
            assert np.array_equal(load_image(tmp_path / name), PIXELS)
    else:
        with VideoReader(tmp_path / name) as reader:
            assert len(list(reader)) == 3


@pytest.mark.parametrize("name", PICTURES + VIDEOS)
def test_nothing_is_said_unless_it_is_asked_for(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, synthetic=False)
    assert read_mark(tmp_path / name) is None


def test_other_files_and_broken_ones_say_nothing(tmp_path: Path) -> None:
    for number, data in enumerate(
        (b"x", packet(), b"\0\0\0\4ftyp", b"\0\0\0\x18uuid", b"\x1a\x45\xdf\xa3", b"GIF89a")
    ):
        path = tmp_path / str(number)
        path.write_bytes(data)
        assert read_mark(path) is None


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for signing content, issued by an authority made up here, and its key."""
    pytest.importorskip("c2pa")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, text),
                x509.NameAttribute(NameOID.COMMON_NAME, text),
            ]
        )

    def usage(*, signs_certificates: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=signs_certificates,
            crl_sign=signs_certificates,
            encipher_only=False,
            decipher_only=False,
        )

    now = datetime.datetime.now(datetime.UTC)
    root, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issued = []
    for subject, key, authority in (("Test signer", own, False), ("Test authority", root, True)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False
            )
        )
        if not authority:
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(purpose, critical=False)
        issued.append(builder.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    folder = tmp_path_factory.mktemp("signer")
    certificate, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(issued))
    key_file.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, key_file


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.mp4", "a.mov"])
def test_a_named_certificate_signs(
    name: str, signer: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CERTIFICATE, str(signer[0]))
    monkeypatch.setenv(KEY, str(signer[1]))
    write(tmp_path / name, synthetic=True)
    assert "Test signer" in (signed_by(tmp_path / name) or "")
    assert read_mark(tmp_path / name) == Mark(SOURCE_TYPE, CREATOR)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_half_a_signer_is_refused_before_anything_is_written(
    signer: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CERTIFICATE, str(signer[0]))
    monkeypatch.delenv(KEY, raising=False)
    for name in ("a.png", "a.mp4"):
        with pytest.raises(ConfigError, match=KEY):
            write(tmp_path / name, synthetic=True)
    assert not list(tmp_path.iterdir())
