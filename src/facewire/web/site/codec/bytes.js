// Numbers in bytes: varints, little-endian integers, checksums, and a cursor whose errors know their offset.

import { CorruptPacket, TruncatedStream } from "./errors.js";

const LONGEST = 8;  // bytes of a varint

/**
 * Join pieces of bytes; numbers stand for single bytes.
 * @param {...(Uint8Array | ArrayLike<number> | number)} pieces
 * @returns {Uint8Array}
 */
export function joined(...pieces) {
  const parts = pieces.map((piece) => (typeof piece === "number" ? [piece] : piece));
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Return a little-endian unsigned number in `size` bytes.
 * @param {number} value
 * @param {number} size at most 4
 * @returns {Uint8Array}
 */
export function uintBytes(value, size) {
  return Uint8Array.from({ length: size }, (_, index) => Math.floor(value / 2 ** (8 * index)) & 0xff);
}

/**
 * Return the shortest encoding of `value`, 0 to 2^53 - 1.
 * @param {number} value
 * @returns {Uint8Array}
 */
export function varintBytes(value) {
  if (!(Number.isSafeInteger(value) && value >= 0)) throw new RangeError(`${value} does not fit a varint`);
  const out = [];
  while (value > 0x7f) {
    out.push((value % 128) | 0x80);
    value = Math.floor(value / 128);
  }
  out.push(value);
  return Uint8Array.from(out);
}

/**
 * Return the number that starts at `data[at]` and the position after it. Above 2^53 it is only nearly the number; the
 * format allows none so large, so it is refused either way.
 * @param {Uint8Array} data
 * @param {number} at
 * @param {number} [base] offset of `data[0]` in the whole stream
 * @returns {[number, number]}
 */
export function readVarint(data, at, base = 0) {
  let value = 0;
  for (let index = 0; index < LONGEST; index++) {
    if (at + index >= data.length) throw new TruncatedStream(base + data.length);
    const byte = data[at + index];
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) {
      if (byte === 0 && index) throw new CorruptPacket(base + at, "a number is longer than it needs to be");
      return [value, at + index + 1];
    }
  }
  throw new CorruptPacket(base + at, `a number is longer than ${LONGEST} bytes`);
}

/**
 * Return `value` if it lies in [lowest, highest].
 * @param {number} value
 * @param {string} what
 * @param {number} lowest
 * @param {number} highest
 * @param {number} offset
 * @returns {number}
 */
export function checked(value, what, lowest, highest, offset) {
  if (!(lowest <= value && value <= highest)) {
    throw new CorruptPacket(offset, `${what} is ${value}, allowed are ${lowest} to ${highest}`);
  }
  return value;
}

/** Reads numbers and pieces off `data`, which begins at byte `base` of the whole stream. */
export class ByteReader {
  /**
   * @param {Uint8Array} data
   * @param {number} [base]
   */
  constructor(data, base = 0) {
    this.data = data;
    this.base = base;
    this.at = 0;
  }

  get offset() { return this.base + this.at; }

  get remaining() { return this.data.length - this.at; }

  /** @param {number} size bytes, at most 4 */
  uint(size) {
    return this.take(size).reduceRight((sum, byte) => sum * 256 + byte, 0);
  }

  /**
   * Return a varint, which must lie in [lowest, highest].
   * @param {string} what
   * @param {number} lowest
   * @param {number} highest
   */
  varint(what, lowest, highest) {
    const start = this.offset;
    const [value, at] = readVarint(this.data, this.at, this.base);
    this.at = at;
    return checked(value, what, lowest, highest, start);
  }

  /** @param {number} size */
  take(size) {
    if (size > this.remaining) throw new TruncatedStream(this.base + this.data.length);
    this.at += size;
    return this.data.subarray(this.at - size, this.at);
  }

  /** Return everything not read yet. */
  rest() { return this.take(this.remaining); }

  /** @param {string} what */
  finish(what) {
    if (this.remaining) throw new CorruptPacket(this.offset, `${this.remaining} bytes too many in ${what}`);
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * Return the CRC-32 of gzip and PNG.
 * @param {Uint8Array} data
 * @param {number} [before] the checksum of what comes before
 * @returns {number}
 */
export function crc32(data, before = 0) {
  let crc = ~before;
  for (let at = 0; at < data.length; at++) crc = CRC_TABLE[(crc ^ data[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * Return bytes as hexadecimal digits.
 * @param {Uint8Array} data
 * @returns {string}
 */
export function hex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Return the bytes of hexadecimal digits.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function unhex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
}
