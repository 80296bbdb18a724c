// Writing and reading .fwv files section by section (docs/bitstream.md sections 8 to 10). Knows nothing about what is
// inside a coded frame; talk.js does.

import { checked, crc32, joined, readVarint, uintBytes, varintBytes } from "./bytes.js";
import { CorruptPacket, TruncatedStream, UnsupportedVersion } from "./errors.js";
import { PREFIX_BYTES, beginsLikeAStream, headerBytes, headerLength, parseHeader } from "./header.js";
import { ANCILLARY, END, INDEX, MOST_ENTRIES, MOTION, endBytes, indexBytes, payloadLimit } from "./sections.js";

const CRC_BYTES = 4;
const LONGEST_START = 9;  // type and length

/**
 * One section as it stands in the file.
 * @typedef {object} Section
 * @property {number} kind its type id
 * @property {number} offset place of the type byte in the file
 * @property {number} start place of the first payload byte
 * @property {Uint8Array} payload its bytes, fewer than announced if `whole` is false
 * @property {boolean} complete false: the file ends inside, and the CRC could not be checked
 * @property {boolean} whole false: the file ends inside the payload
 * @property {boolean} intact false: the CRC does not fit (only from a reader that tolerates damage)
 */

/** Collects header, sections, index and end. */
export class FwvWriter {
  /** @param {import("./header.js").Header} header */
  constructor(header) {
    this.header = header;
    /** Bytes so far. */
    this.written = 0;
    /** @type {Uint8Array[]} */
    this.pieces = [];
    /** @type {[number, number][]} */
    this.entries = [];
    this.put(headerBytes(header));
  }

  /**
   * Add one section and return its bytes in the file.
   * @param {number} kind
   * @param {Uint8Array} payload
   * @param {number} [first] of a motion section: its first frame, for the index
   */
  write(kind, payload, first) {
    if (payload.length > payloadLimit(kind)) {
      throw new RangeError(`a section of type ${kind} cannot hold ${payload.length} bytes`);
    }
    if (first !== undefined) this.entries.push([first, this.written]);
    const start = joined(kind, varintBytes(payload.length));
    const section = joined(start, payload, uintBytes(crc32(payload, crc32(start)), CRC_BYTES));
    this.put(section);
    return section.length;
  }

  /**
   * Add the index, if wanted, and the end, and return the whole file.
   * @param {number} frames
   * @param {boolean} [index]
   * @returns {Uint8Array}
   */
  finish(frames, index = true) {
    const size = index && this.entries.length ? this.write(INDEX, indexBytes(thinned(this.entries))) : 0;
    this.write(END, endBytes({ frames, index: size }));
    return joined(...this.pieces);
  }

  /** @param {Uint8Array} data */
  put(data) {
    this.pieces.push(data);
    this.written += data.length;
  }
}

/** Iterates over the sections of a file's bytes; the header is read at once. */
export class FwvReader {
  /**
   * @param {Uint8Array} data
   * @param {{tolerant?: boolean}} [options] tolerant: deliver damaged sections with `intact` false
   */
  constructor(data, { tolerant = false } = {}) {
    this.data = data;
    this.tolerant = tolerant;
    /** Bytes read so far. */
    this.offset = 0;
    const prefix = this.read(PREFIX_BYTES);
    if (prefix.length < PREFIX_BYTES && beginsLikeAStream(prefix)) throw new TruncatedStream(prefix.length);
    const length = headerLength(prefix);
    this.read(length - PREFIX_BYTES);
    if (this.offset < length) throw new TruncatedStream(this.offset);
    this.header = parseHeader(data.subarray(0, length));
  }

  /**
   * Yield sections up to and including the end. A motion section that the file cuts is delivered with `complete`
   * false; then comes TruncatedStream.
   * @returns {Generator<Section>}
   */
  *[Symbol.iterator]() {
    for (;;) {
      const section = this.section();
      if (section.complete || section.kind === MOTION) yield section;
      if (!section.complete) throw new TruncatedStream(this.offset);
      if (section.kind === END && section.intact) {
        if (this.read(1).length) throw new CorruptPacket(this.offset - 1, "bytes follow the end of the stream");
        return;
      }
    }
  }

  /** @returns {Section} */
  section() {
    const offset = this.offset;
    const start = this.start();
    const kind = start[0];
    if (!kind) throw new CorruptPacket(offset, "a section has type 0");
    if (kind > END && kind < ANCILLARY) throw new UnsupportedVersion(offset, `section type ${kind}`);
    const [size] = readVarint(start, 1, offset);
    checked(size, "the section length", 0, payloadLimit(kind), offset + 1);
    const payload = this.read(size);
    const check = this.read(CRC_BYTES);
    const place = offset + start.length;
    const section = { kind, offset, start: place, payload, complete: true, whole: true, intact: true };
    if (check.length < CRC_BYTES) return { ...section, complete: false, whole: payload.length === size };
    if (uintBytes(crc32(payload, crc32(start)), CRC_BYTES).every((byte, at) => byte === check[at])) return section;
    if (!this.tolerant) {
      throw new CorruptPacket(place + size, `the checksum of a section of type ${kind} does not fit`);
    }
    return { ...section, intact: false };
  }

  /** Return type byte and length of the next section. */
  start() {
    const offset = this.offset;
    this.read(1);
    while (this.offset - offset < LONGEST_START) {
      const [byte] = this.read(1);
      if (byte === undefined) throw new TruncatedStream(this.offset);
      if (byte < 0x80) return this.data.subarray(offset, this.offset);
    }
    throw new CorruptPacket(this.offset, "a section length is longer than 8 bytes");
  }

  /**
   * Return `size` bytes, or fewer at the end.
   * @param {number} size
   */
  read(size) {
    const piece = this.data.subarray(this.offset, this.offset + size);
    this.offset += piece.length;
    return piece;
  }
}

/**
 * Return at most 65536 entries, evenly chosen.
 * @param {[number, number][]} entries
 */
function thinned(entries) {
  const step = Math.ceil(entries.length / MOST_ENTRIES);
  return entries.filter((_, index) => index % step === 0);
}
