// The head of a .fwv file (docs/bitstream.md section 8).

import { ByteReader, checked, crc32, joined, uintBytes } from "./bytes.js";
import { CorruptPacket, NotAStream, UnsupportedVersion } from "./errors.js";

const MAGIC = [0x89, 0x46, 0x57, 0x56];
const MAJOR = 1;
const CONVENTION = 1;
const SYNTHETIC = 1;
export const REFERENCES = 1;  // minor version from which on there may be reference sections
export const RECALLS = 2;  // and recalls
export const BARE_PICTURES = 3;  // and AV1 key frames without a container
export const STREAM = 1;
export const FILE = 2;
export const RAW = 3;
export const PREFIX_BYTES = 8;
const LEAST_BYTES = 43;
const MOST_BYTES = 1024;
const MOST_KEYPOINTS = 64;
const FASTEST = 1000;  // frames a second

/**
 * What holds for a whole file.
 * @typedef {object} Header
 * @property {number} profile 1 stream, 2 file, 3 raw
 * @property {Uint8Array} fingerprint first 8 bytes of the SHA-256 of the model's weights
 * @property {number} table id of the coding tables, 0 in profile raw
 * @property {Uint8Array} tableHash first 8 bytes of the SHA-256 of their artefact, zeros in profile raw
 * @property {number} width
 * @property {number} height
 * @property {[number, number]} fps numerator and denominator, reduced
 * @property {number} keypoints K
 * @property {number} minor version: the lowest that has all that the stream holds
 */

/**
 * Raise CorruptPacket unless every field is within its limits.
 * @param {Header} header
 */
function check({ profile, table, tableHash, width, height, fps, keypoints, minor }) {
  checked(table, "the tables id", profile === RAW ? 0 : 1, 0xffff, 20);
  if (profile === RAW && (table || tableHash.some(Boolean))) {
    throw new CorruptPacket(20, "profile raw has no tables");
  }
  checked(width, "the picture width", 16, 16384, 30);
  checked(height, "the picture height", 16, 16384, 32);
  checked(fps[0], "the frame rate's numerator", 1, 0xffff, 34);
  checked(fps[1], "the frame rate's denominator", 1, 0xffff, 36);
  if (fps[0] > FASTEST * fps[1]) {
    throw new CorruptPacket(34, `${fps[0]}/${fps[1]} frames a second are more than ${FASTEST}`);
  }
  checked(keypoints, "the number of keypoints", 1, MOST_KEYPOINTS, 38);
  checked(minor, "the minor version", 0, 0xff, 5);
}

/**
 * Return the header with its CRC.
 * @param {Header} header
 * @returns {Uint8Array}
 */
export function headerBytes(header) {
  check(header);
  if (header.fingerprint.length !== 8 || header.tableHash.length !== 8) {
    throw new RangeError("model fingerprint and table hash are 8 bytes each");
  }
  const [numerator, denominator] = reduced(header.fps);
  const fields = joined(
    ...[MAGIC, MAJOR, header.minor, uintBytes(LEAST_BYTES, 2), header.profile, CONVENTION],
    ...[uintBytes(SYNTHETIC, 2), header.fingerprint, uintBytes(header.table, 2), header.tableHash],
    ...[header.width, header.height, numerator, denominator].map((value) => uintBytes(value, 2)),
    header.keypoints,
  );
  return joined(fields, uintBytes(crc32(fields), 4));
}

/**
 * Return the length of the header that begins with these 8 bytes.
 * @param {Uint8Array} prefix
 * @returns {number}
 */
export function headerLength(prefix) {
  if (MAGIC.some((byte, at) => prefix[at] !== byte)) throw new NotAStream(0);
  if (prefix[4] !== MAJOR) throw new UnsupportedVersion(4, `format version ${prefix[4]}`);
  return checked(prefix[6] | (prefix[7] << 8), "the header length", LEAST_BYTES, MOST_BYTES, 6);
}

/**
 * Return whether these bytes, fewer than a prefix, could be the beginning of a stream.
 * @param {Uint8Array} start
 */
export function beginsLikeAStream(start) {
  return MAGIC.every((byte, at) => at >= start.length || start[at] === byte);
}

/**
 * Return the header of exactly its own bytes.
 * @param {Uint8Array} data
 * @returns {Header}
 */
export function parseHeader(data) {
  const end = data.length - 4;
  const reader = new ByteReader(data);
  if (crc32(data.subarray(0, end)) !== new ByteReader(data.subarray(end)).uint(4)) {
    throw new CorruptPacket(end, "the header's checksum does not fit");
  }
  reader.take(5);
  const minor = reader.uint(1);
  reader.take(2);
  const [profile, convention, flags] = [reader.uint(1), reader.uint(1), reader.uint(2)];
  if (profile < STREAM || profile > RAW) throw new UnsupportedVersion(8, `profile ${profile}`);
  if (convention !== CONVENTION) throw new UnsupportedVersion(9, `axis convention ${convention}`);
  if (!(flags & SYNTHETIC)) {
    throw new NotAStream(10, "the stream is not marked as synthetic media, so it is refused");
  }
  if (flags !== SYNTHETIC) throw new UnsupportedVersion(10, `flag word ${flags.toString(16)}`);
  const [fingerprint, table, tableHash] = [reader.take(8), reader.uint(2), reader.take(8)];
  const [width, height, numerator, denominator] = [0, 0, 0, 0].map(() => reader.uint(2));
  const keypoints = reader.uint(1);
  if (!denominator) throw new CorruptPacket(36, "the frame rate's denominator is 0");
  const fps = reduced([numerator, denominator]);
  const header = { profile, fingerprint, table, tableHash, width, height, fps, keypoints, minor };
  check(header);
  return header;
}

/**
 * @param {[number, number]} fps
 * @returns {[number, number]}
 */
function reduced([numerator, denominator]) {
  let [a, b] = [numerator, denominator];
  while (b) [a, b] = [b, a % b];
  return [numerator / a, denominator / a];
}
