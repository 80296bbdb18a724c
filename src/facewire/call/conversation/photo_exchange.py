"""Source photos on the reliable channel: offered, sent in pieces, put together, prepared, confirmed."""

from __future__ import annotations

from collections import deque

from facewire.base.errors import ProtocolError
from facewire.call.conversation.face_sender import FaceSender
from facewire.call.conversation.photo_pacer import PhotoPacer
from facewire.call.conversation.source_photo import IncomingPhoto, OwnSource
from facewire.call.messages.peer_messages import Photo
from facewire.call.playout.face_receiver import FaceReceiver
from facewire.transport.pieces import Assembly, digest


class PhotoExchange:
    """Both directions of one connection.

    Args:
        sender: what offers become epochs of.
        faces: what takes the anchors of the other side's photos.
        held: the last photo of the other side, from a connection before.
    """

    def __init__(self, sender: FaceSender, faces: FaceReceiver, held: IncomingPhoto | None) -> None:
        self.held = held
        """The last photo of the other side that was prepared."""
        self.complete: deque[IncomingPhoto] = deque(maxlen=4)
        """Photos of the other side that want to be prepared."""
        self.outgoing = PhotoPacer()
        """Pieces that are to be sent."""
        self._sender, self._faces = sender, faces
        self._assembly: tuple[Photo, Assembly] | None = None

    @property
    def progress(self) -> float:
        """Share of the photo that has come, 1 if none is on its way."""
        return 1.0 if self._assembly is None else self._assembly[1].progress

    def offer(self, source: OwnSource, picture: bytes, holds: str, now: float) -> Photo:
        """Offer a picture of the own source: return its head; its pieces wait, unless the other side holds them.

        Args:
            source: the own source.
            picture: one of its pictures, or its preview.
            holds: SHA-256 of what the other side holds, hexadecimal.
            now: seconds.
        """
        offer = self._sender.offer(picture, source.motion)
        sha256 = digest(offer.picture).hex()
        held = sha256 == holds
        self.outgoing.begin(offer.epoch, b"" if held else offer.picture, now)
        return Photo(
            epoch=offer.epoch,
            bytes=len(offer.picture),
            sha256=sha256,
            anchor=offer.anchor.hex(),
            avatar=source.avatar,
            held=held,
        )

    def hear_photo(self, photo: Photo) -> None:
        """Take the head of a photo.

        Raises:
            ProtocolError, BitstreamError: it is against the rules.
        """
        sha256 = bytes.fromhex(photo.sha256)
        if photo.held:
            if self.held is None or self.held.sha256 != sha256:
                raise ProtocolError("a photo is called known that is not")
            self._take(photo, self.held.picture)
            return
        self._assembly = (photo, Assembly(photo.epoch, photo.bytes, sha256))

    def hear_piece(self, piece: bytes) -> None:
        """Take a piece of a photo.

        Raises:
            ProtocolError, BitstreamError: it is against the rules.
        """
        if self._assembly is None:
            raise ProtocolError("a piece of a photo that was not announced")
        photo, assembly = self._assembly
        picture = assembly.add(piece)
        if picture is not None:
            self._assembly = None
            self._take(photo, picture)

    def _take(self, photo: Photo, picture: bytes) -> None:
        self._faces.source(photo.epoch, bytes.fromhex(photo.anchor))
        self.complete.append(IncomingPhoto(photo.epoch, bytes.fromhex(photo.sha256), picture, photo.avatar))
