"""Bytes to MotionFrame: the other half of `encoder.py`. Any bytes give frames or BitstreamError."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from facewire.base.errors import BitstreamError, CorruptPacket, MissingReference, TruncatedStream
from facewire.bitstream.packet import EPOCHS, HEAD_BYTES, HELD, PacketHead, unwrap
from facewire.bitstream.rangecoder import RangeDecoder
from facewire.bitstream.sections import LAST_FRAME, Run
from facewire.codec.frame_coder import FrameCoder
from facewire.codec.modes import ABSOLUTE, ANCHOR, NEXT, mode_of
from facewire.codec.quantizer import Quantizer
from facewire.codec.state import CoderState, MotionFrame
from facewire.codec.tables.artefact import CodecTables


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame as it came off the wire.

    number  frame number from 0
    epoch   the source to render it with
    motion  the motion
    bits    its share of the stream, bits (fractions: neighbours share bytes)
    """

    number: int
    epoch: int
    motion: MotionFrame
    bits: float


class _MotionDecoder:
    """What both profiles share: anchors by epoch, and turning a state into a frame."""

    def __init__(self, tables: CodecTables) -> None:
        self.tables = tables
        self._coder, self._quantizer = FrameCoder(tables), Quantizer(tables)
        self._anchors: dict[int, tuple[int, CoderState]] = {}

    def source(self, epoch: int, anchor: bytes, offset: int = 0) -> MotionFrame:
        """Take the anchor of a source section and return the source's own motion.

        Args:
            epoch: its number; at most the 4 newest are held.
            anchor: its bytes; b"" is the zero state.
            offset: of the anchor in the stream, for error texts.
        """
        state = self._coder.zero
        if anchor:
            state = self._read(RangeDecoder(anchor), ABSOLUTE, state, offset)
        self._anchors[epoch % EPOCHS] = (epoch, state)
        return self._quantizer.frame(state.levels, state.kept)

    def reference(self, data: bytes, offset: int = 0) -> MotionFrame:
        """Return the motion of a reference section, `offset` being its place in the stream."""
        state = self._read(RangeDecoder(data), ABSOLUTE, self._coder.zero, offset)
        return self._quantizer.frame(state.levels, state.kept)

    def _read(self, decoder: RangeDecoder, mode: int, reference: CoderState, offset: int) -> CoderState:
        try:
            return self._coder.read(decoder, mode, reference)
        except CorruptPacket as error:
            raise CorruptPacket(offset + error.offset, error.problem) from None

    def _anchor(self, epoch: int, offset: int) -> tuple[int, CoderState]:
        """Return the epoch whose number agrees modulo 4, and its anchor."""
        anchor = self._anchors.get(epoch % EPOCHS)
        if anchor is None:
            raise MissingReference(offset, epoch, "source")
        return anchor


class FileDecoder(_MotionDecoder):
    """Decodes runs of profile file."""

    def decode(self, run: Run, offset: int = 0, *, complete: bool = True) -> Iterator[DecodedFrame]:
        """Yield the frames of a run.

        Args:
            run: the section's content.
            offset: of the section's payload in the stream, for error texts.
            complete: False if the data are cut: frames up to the cut come, then TruncatedStream.

        Raises:
            CorruptPacket, MissingReference, TruncatedStream: as docs/bitstream.md section 10 says.
        """
        mode, (epoch, state) = ANCHOR, self._anchor(run.epoch, offset)
        if epoch != run.epoch:
            raise MissingReference(offset, run.epoch, "source")
        if complete:
            run.check_length(offset)
        decoder = RangeDecoder(run.data)
        before = 0.0
        for number in range(run.first, run.first + run.count):
            try:
                state = self._read(decoder, mode, state, offset)
            except CorruptPacket:
                if complete or decoder.position <= len(run.data):
                    raise
            if not complete and decoder.position > len(run.data):
                raise TruncatedStream(offset + len(run.data))
            mode, after = NEXT, decoder.bits
            motion = self._quantizer.frame(state.levels, state.kept)
            yield DecodedFrame(number, run.epoch, motion, after - before)
            before = after


class StreamDecoder(_MotionDecoder):
    """Decodes packets of profile stream in whatever order they arrive."""

    def __init__(self, tables: CodecTables) -> None:
        super().__init__(tables)
        self._states: dict[int, CoderState] = {}
        self._newest = -1

    def decode(self, packet: bytes, offset: int = 0, near: int | None = None) -> DecodedFrame:
        """Return the frame of a packet; the same packet twice gives the same frame twice.

        Args:
            packet: its bytes.
            offset: of the packet in the stream, for error texts.
            near: a frame number within 255 of this packet's, if the caller knows one; else the newest.

        Raises:
            MissingReference: it builds on a frame or source that is not held.
            CorruptPacket, TruncatedStream: it is no packet.
        """
        try:
            head = PacketHead.parse(packet)
        except BitstreamError as error:
            raise type(error)(offset + error.offset, error.problem) from None
        number = unwrap(head.number, max(self._newest, 0) if near is None else near)
        if number > LAST_FRAME:
            raise CorruptPacket(offset, f"frame number {number} is too large")
        epoch, anchor = self._anchor(head.epoch, offset)
        reference = self._states.get(number - head.distance) if head.distance else anchor
        if reference is None:
            raise MissingReference(offset, number - head.distance)
        decoder = RangeDecoder(packet[HEAD_BYTES:])
        state = self._read(decoder, mode_of(head.distance), reference, offset + HEAD_BYTES)
        self._hold(number, state)
        motion = self._quantizer.frame(state.levels, state.kept)
        return DecodedFrame(number, epoch, motion, 8.0 * len(packet))

    def _hold(self, number: int, state: CoderState) -> None:
        """Keep a state that later packets may build on; forget those too old."""
        if number > self._newest:
            for old in [held for held in self._states if held < number - HELD]:
                del self._states[old]
            self._newest = number
        if number >= self._newest - HELD:
            self._states[number] = state
