"""Feeds damaged and random bytes to every decoder: values or BitstreamError, quickly, in little memory.

    python scripts/fuzz_bitstream.py --inputs 1000000 --seed 1

Inputs are the golden streams, packets and the messages of a talk in a video stream, with bits flipped, bytes
replaced, pieces cut, doubled, swapped or inserted, and plain random bytes. Half of the damaged files get right
checksums again, so that the damage reaches the decoders behind them. Prints one JSON object; the exit code is 1
if anything else than a value or BitstreamError came out, or an input took more than a second of processor time for
each 1000 bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from facewire.base.errors import BitstreamError, WeightsError
from facewire.bitstream.container import read_index
from facewire.bitstream.header import header_length
from facewire.bitstream.sections import Packets
from facewire.bitstream.sei.nal import H264, START, Message, message_unit, messages_of
from facewire.bitstream.varint import read_varint, write_varint
from facewire.codec.decoder import DecodedFrame, StreamDecoder
from facewire.codec.encoder import FileEncoder
from facewire.codec.messages.reader import FaceFrame, FaceMessages
from facewire.codec.messages.writer import MotionMessages
from facewire.codec.raw import decode_raw
from facewire.codec.tables.artefact import CodecTables, load_tables, parse_tables
from facewire.codec.talk import TalkReader

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "codec" / "golden"
SLOWEST_S_PER_KB = 1.0


@dataclass
class Outcome:
    """What came of the inputs so far."""

    inputs: int = 0
    frames: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    too_slow: int = 0
    started: float = field(default_factory=time.perf_counter)
    memory_before_kb: int = field(default_factory=lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    def report(self) -> dict[str, object]:
        """Return the figures."""
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "inputs": self.inputs,
            "frames_decoded": self.frames,
            "outcomes": dict(self.kinds.most_common()),
            "crashes": len(self.crashes),
            "first_crash": self.crashes[0] if self.crashes else None,
            "too_slow": self.too_slow,
            "slowest_input_s": round(self.slowest_s, 4),
            "seconds": round(time.perf_counter() - self.started, 1),
            "peak_memory_mb": round(memory / 1024, 1),
            "memory_growth_mb": round((memory - self.memory_before_kb) / 1024, 1),
        }


class Targets:
    """The decoders under test; each takes bytes and returns how many frames it made of them."""

    def __init__(self, tables: CodecTables) -> None:
        self.tables = tables
        self.streams = [path.read_bytes() for path in sorted(GOLDEN.glob("*.fwv"))]
        self.packets = _packets_of(GOLDEN / "stream.fwv")
        self.artefact = (GOLDEN / "tables.json").read_bytes()
        self.messages = _messages_of(GOLDEN / "file.fwv", tables)

    def read_file(self, data: bytes) -> int:
        """Read a whole talk."""
        return self._talk(data, tolerant=False)

    def read_tolerant(self, data: bytes) -> int:
        """Read a whole talk, passing over damage, and its index."""
        read_index(io.BytesIO(data))
        return self._talk(data, tolerant=True)

    def read_packets(self, data: bytes) -> int:
        """Take the bytes as four packets of a call that is under way."""
        decoder = StreamDecoder(self.tables)
        decoder.source(0, data[:20])
        quarter = max(1, len(data) // 4)
        frames = 0
        for at in range(0, len(data), quarter):
            try:
                decoder.decode(data[at : at + quarter])
                frames += 1
            except BitstreamError:
                continue
        return frames

    def read_messages(self, data: bytes) -> int:
        """Take the bytes as an access unit with face messages."""
        faces, frames = FaceMessages(lambda *_: self.tables), 0
        for message in messages_of(data, H264):
            frames += sum(isinstance(said, FaceFrame) for said in faces.take(message))
        return frames

    def read_raw(self, data: bytes) -> int:
        """Take the bytes as one packet of profile raw."""
        decode_raw(data, self.tables.keypoints)
        return 1

    def read_tables(self, data: bytes) -> int:
        """Take the bytes as tables."""
        parse_tables(data)
        return 0

    def _talk(self, data: bytes, *, tolerant: bool) -> int:
        reader = TalkReader(io.BytesIO(data), lambda *_: self.tables, tolerant=tolerant)
        return sum(isinstance(item, DecodedFrame) for item in reader)


def _packets_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    packets: list[bytes] = []
    for _, start, size in _sections(data):
        try:
            packets += Packets.parse(data[start : start + size], start).packets
        except BitstreamError:
            continue
    return packets


def _messages_of(path: Path, tables: CodecTables) -> list[Message]:
    """Return the messages of a talk's first frames, the key picture's before them."""
    motions = [
        item.motion
        for item in TalkReader(io.BytesIO(path.read_bytes()), lambda *_: tables)
        if isinstance(item, DecodedFrame)
    ]
    header = TalkReader(io.BytesIO(path.read_bytes()), lambda *_: tables).header
    encoder, messages = FileEncoder(tables), MotionMessages(header, private=False)
    encoder.source(motions[0])
    found = [messages.base(0, encoder.levels, [(0.0, 0.1)])]
    for motion in motions[:20]:
        encoder.encode(motion)
        found.append(messages.frame(encoder.levels, [(0.0, 0.1)]))
    return found


def damaged_messages(rng: random.Random, messages: list[Message]) -> bytes:
    """Return the unit of messages of which one is damaged, or the damaged unit of all."""
    some = list(messages)
    if rng.random() < 0.5:
        at = rng.randrange(len(some))
        some[at] = Message(some[at].kind, mutated(rng, some[at].payload))
        return START + message_unit(some, H264)
    return START + mutated(rng, message_unit(some, H264))


def _sections(data: bytes) -> list[tuple[int, int, int]]:
    """Return (offset, payload start, payload size) of the sections of a file, as far as they can be found."""
    found, at = [], header_length(data[:8])
    while at + 2 < len(data):
        size, start = read_varint(data, at + 1)
        if start + size + 4 > len(data):
            break
        found.append((at, start, size))
        at = start + size + 4
    return found


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return `data` with one to eight damages."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) + 1)
        span = rng.choice((1, 1, 2, 4, 16, 64))
        kind = rng.randrange(7)
        if kind == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif kind == 1 and out:
            out[at % len(out)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            del out[at : at + span]
        elif kind == 3:
            out[at:at] = rng.randbytes(span)
        elif kind == 4:
            out[at:at] = out[at : at + span]
        elif kind == 5:
            del out[at:]
        else:
            other = rng.randrange(len(out) + 1)
            out[at : at + span], out[other : other + span] = out[other : other + span], out[at : at + span]
    return bytes(out)


def damaged_inside(rng: random.Random, data: bytes) -> bytes:
    """Return a file in which one payload is damaged and length and checksum are right again."""
    sections = _sections(data)
    offset, start, size = rng.choice(sections)
    payload = mutated(rng, data[start : start + size])
    kind = data[offset] if rng.random() < 0.9 else rng.randrange(256)
    head = bytes((kind,)) + write_varint(len(payload))
    section = head + payload + crc32(payload, crc32(head)).to_bytes(4, "little")
    return data[:offset] + section + data[start + size + 4 :]


def damaged_header(rng: random.Random, data: bytes) -> bytes:
    """Return a file whose header is damaged and has a right checksum."""
    length = header_length(data[:8])
    fields = bytearray(data[: length - 4])
    for _ in range(rng.choice((1, 2))):
        fields[rng.randrange(len(fields))] = rng.randrange(256)
    return bytes(fields) + crc32(fields).to_bytes(4, "little") + data[length:]


def one_input(rng: random.Random, targets: Targets) -> tuple[Callable[[bytes], int], bytes]:
    """Return a decoder and bytes for it."""
    dice = rng.random()
    stream = rng.choice(targets.streams)
    reader = targets.read_file if rng.random() < 0.6 else targets.read_tolerant
    if dice < 0.25:
        return reader, damaged_inside(rng, stream)
    if dice < 0.45:
        return reader, mutated(rng, stream)
    if dice < 0.5:
        return reader, damaged_header(rng, stream)
    if dice < 0.55:
        return reader, stream[: rng.randrange(len(stream))] + rng.randbytes(rng.randrange(64))
    if dice < 0.65:
        return targets.read_messages, damaged_messages(rng, targets.messages)
    if dice < 0.8:
        return targets.read_packets, mutated(rng, b"".join(rng.choices(targets.packets, k=4)))
    if dice < 0.9:
        return targets.read_packets, rng.randbytes(rng.randrange(120))
    if dice < 0.97:
        return targets.read_raw, rng.randbytes(rng.choice((18, 24, 30, 36, 42, rng.randrange(60))))
    if dice < 0.999:
        return reader, rng.randbytes(rng.randrange(200))
    return targets.read_tables, mutated(rng, targets.artefact)


def fuzz(inputs: int, seed: int, progress: bool = False) -> Outcome:
    """Try `inputs` inputs and return what came of them."""
    targets = Targets(load_tables(GOLDEN / "tables.json"))
    rng = random.Random(seed)
    for data in targets.streams:
        targets.read_file(data)
    outcome = Outcome()
    for number in range(inputs):
        target, data = one_input(rng, targets)
        start = time.process_time()
        try:
            outcome.frames += target(data)
            outcome.kinds["value"] += 1
        except (BitstreamError, WeightsError) as error:
            outcome.kinds[type(error).__name__] += 1
        except Exception:
            outcome.crashes.append(f"{target.__name__} {data.hex()}\n{traceback.format_exc()}")
        took = time.process_time() - start
        outcome.slowest_s = max(outcome.slowest_s, took)
        outcome.too_slow += took > SLOWEST_S_PER_KB * max(1, len(data) / 1000)
        outcome.inputs += 1
        if progress and (number + 1) % 50000 == 0:
            print(json.dumps(outcome.report()), file=sys.stderr, flush=True)
    return outcome


def main() -> int:
    """Fuzz and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--progress", action="store_true", help="a line every 50000 inputs, to standard error"
    )
    arguments = parser.parse_args()
    outcome = fuzz(arguments.inputs, arguments.seed, arguments.progress)
    print(json.dumps(outcome.report(), indent=2))
    return 1 if outcome.crashes or outcome.too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
