// The sections of a .fwv file: values, their bytes, and back (docs/bitstream.md section 9).
//
// Every `parse...` takes the payload and its offset in the file and returns a value or throws CorruptPacket or
// TruncatedStream. What is inside a coded frame or a picture is not looked at here.

import { ByteReader, checked, joined, uintBytes, varintBytes } from "./bytes.js";
import { CorruptPacket } from "./errors.js";
import { LONGEST_PACKET } from "./packet.js";

export const SOURCE = 1;
export const MOTION = 2;
export const AUDIO_HEAD = 3;
export const AUDIO = 4;
export const PATCH = 5;
export const INDEX = 6;
export const END = 7;
export const REFERENCE = 128;
export const RECALL = 129;
export const ANCILLARY = 128;  // from this id on unknown sections are skipped

export const MIME_NONE = 0;
export const MIME_TYPES = [null, "image/png", "image/jpeg", "image/webp", "image/avif", "image/jxl", "image/av1"];
export const MIME_AV1 = 6;
const OPUS = 1;

const MIB = 2 ** 20;
/** @type {Record<number, number>} */
const LIMITS = {
  [MOTION]: MIB, [AUDIO_HEAD]: 8, [AUDIO]: MIB, [INDEX]: MIB, [END]: 8, [REFERENCE]: 1029, [RECALL]: 6,
};
export const MOST_FRAMES = 1024;  // in a motion section
export const MOST_ENTRIES = 65536;  // in an index
const MOST_ANCHOR = 1024;
const MOST_AUDIO = 4096;
const LONGEST_AUDIO = 8192;
export const LAST_EPOCH = 0xffff;
export const LAST_FRAME = 0xffffffff;
const LAST_TIME = 2 ** 48 - 1;

/**
 * Return the most bytes of a section's payload.
 * @param {number} kind
 */
export function payloadLimit(kind) { return LIMITS[kind] ?? 16 * MIB; }

/**
 * @typedef {{epoch: number, frame: number, mime: number, anchor: Uint8Array, picture: Uint8Array}} Source
 * @typedef {{frame: number, motion: Uint8Array}} Reference
 * @typedef {{epoch: number, picture: number}} Recall
 * @typedef {{first: number, count: number, epoch: number, data: Uint8Array}} Run
 * @typedef {{first: number, packets: Uint8Array[], offsets: number[]}} Packets
 * @typedef {{channels: number, preSkip: number, rate: number}} AudioHead
 * @typedef {{time: number, packets: Uint8Array[]}} Audio
 * @typedef {{frame: number, duration: number, x: number, y: number, width: number, height: number, mime: number,
 *   picture: Uint8Array}} Patch
 * @typedef {[number, number][]} Index first frame and file offset of the motion sections
 * @typedef {{frames: number, index: number}} End
 */

/** @param {Source} source */
export function sourceBytes({ epoch, frame, mime, anchor, picture }) {
  return joined(varintBytes(epoch), varintBytes(frame), mime, varintBytes(anchor.length), anchor, picture);
}

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {Source}
 */
export function parseSource(payload, offset) {
  const reader = new ByteReader(payload, offset);
  const epoch = reader.varint("the epoch", 0, LAST_EPOCH);
  const frame = reader.varint("the frame number", 0, LAST_FRAME);
  const mime = checked(reader.uint(1), "the picture type", 0, MIME_AV1, reader.offset - 1);
  const anchor = reader.take(reader.varint("the anchor length", 0, MOST_ANCHOR));
  if ((mime === MIME_NONE) !== (reader.remaining === 0)) {
    throw new CorruptPacket(reader.offset, "picture and picture type contradict each other");
  }
  if (epoch === 0 && (mime === MIME_NONE || frame)) {
    throw new CorruptPacket(offset, "the first source needs a picture and starts at frame 0");
  }
  return { epoch, frame, mime, anchor, picture: reader.rest() };
}

/** @param {Reference} reference */
export function referenceBytes({ frame, motion }) { return joined(varintBytes(frame), motion); }

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {Reference}
 */
export function parseReference(payload, offset) {
  const reader = new ByteReader(payload, offset);
  const frame = reader.varint("the frame number", 0, LAST_FRAME);
  if (reader.remaining < 1 || reader.remaining > MOST_ANCHOR) {
    throw new CorruptPacket(reader.offset, `a reference of ${reader.remaining} bytes`);
  }
  return { frame, motion: reader.rest() };
}

/** @param {Recall} recall */
export function recallBytes({ epoch, picture }) { return joined(varintBytes(epoch), varintBytes(picture)); }

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {Recall}
 */
export function parseRecall(payload, offset) {
  const reader = new ByteReader(payload, offset);
  const epoch = reader.varint("the epoch", 1, LAST_EPOCH);
  const picture = reader.varint("the picture's epoch", 0, epoch - 1);
  reader.finish("a recall");
  return { epoch, picture };
}

/**
 * Return the payload, padded with zero bytes to an eighth of the frames.
 * @param {Run} run
 */
export function runBytes({ first, count, epoch, data }) {
  const padding = new Uint8Array(Math.max(0, (count >> 3) - data.length));
  return joined(varintBytes(first), varintBytes(count), varintBytes(epoch), data, padding);
}

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {Run}
 */
export function parseRun(payload, offset) {
  const reader = new ByteReader(payload, offset);
  const [first, count] = numbers(reader);
  return { first, count, epoch: reader.varint("the epoch", 0, LAST_EPOCH), data: reader.rest() };
}

/** @param {{first: number, packets: Uint8Array[]}} packets */
export function packetsBytes({ first, packets }) {
  return joined(varintBytes(first), varintBytes(packets.length), ...withLengths(packets));
}

/**
 * Return the packets of a section; of a cut one, the whole packets in it.
 * @param {Uint8Array} payload
 * @param {number} offset
 * @param {boolean} complete
 * @returns {Packets}
 */
export function parsePackets(payload, offset, complete) {
  const reader = new ByteReader(payload, offset);
  const [first, count] = numbers(reader);
  /** @type {Packets} */
  const found = { first, packets: [], offsets: [] };
  for (let index = 0; index < count; index++) {
    if (!complete && !holdsPacket(reader)) return found;
    const size = reader.varint("the packet length", 0, LONGEST_PACKET);
    found.offsets.push(reader.offset);
    found.packets.push(reader.take(size));
  }
  reader.finish("a motion section");
  return found;
}

/** @param {AudioHead} head */
export function audioHeadBytes({ channels, preSkip, rate }) {
  return joined(OPUS, channels, uintBytes(preSkip, 2), uintBytes(rate, 4));
}

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {AudioHead}
 */
export function parseAudioHead(payload, offset) {
  const reader = new ByteReader(payload, offset);
  checked(reader.uint(1), "the audio codec", OPUS, OPUS, offset);
  const channels = checked(reader.uint(1), "the number of audio channels", 1, 2, offset + 1);
  const preSkip = reader.uint(2);
  const rate = checked(reader.uint(4), "the audio rate", 8000, 192000, offset + 4);
  reader.finish("the audio head");
  return { channels, preSkip, rate };
}

/** @param {Audio} audio */
export function audioBytes({ time, packets }) {
  return joined(varintBytes(time), varintBytes(packets.length), ...withLengths(packets));
}

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {Audio}
 */
export function parseAudio(payload, offset) {
  const reader = new ByteReader(payload, offset);
  const time = reader.varint("the audio time", 0, LAST_TIME);
  const count = reader.varint("the number of audio packets", 1, MOST_AUDIO);
  const packets = [];
  for (let index = 0; index < count; index++) {
    packets.push(reader.take(reader.varint("the audio packet length", 0, LONGEST_AUDIO)));
  }
  reader.finish("an audio section");
  return { time, packets };
}

/** @param {Patch} patch */
export function patchBytes({ frame, duration, x, y, width, height, mime, picture }) {
  const box = [x, y, width, height].map((value) => uintBytes(value, 2));
  return joined(varintBytes(frame), varintBytes(duration), ...box, mime, picture);
}

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @param {{width: number, height: number}} size of pictures
 * @returns {Patch}
 */
export function parsePatch(payload, offset, size) {
  const reader = new ByteReader(payload, offset);
  const frame = reader.varint("the frame number", 0, LAST_FRAME);
  const duration = reader.varint("the duration", 0, LAST_FRAME);
  const at = reader.offset;
  const [x, y, width, height] = [0, 0, 0, 0].map(() => reader.uint(2));
  checked(width, "the patch width", 1, Math.max(0, size.width - x), at + 4);
  checked(height, "the patch height", 1, Math.max(0, size.height - y), at + 6);
  const mime = checked(reader.uint(1), "the picture type", 1, MIME_AV1, at + 8);
  if (!reader.remaining) throw new CorruptPacket(reader.offset, "a patch has no picture");
  return { frame, duration, x, y, width, height, mime, picture: reader.rest() };
}

/** @param {Index} entries */
export function indexBytes(entries) {
  const out = [varintBytes(entries.length)];
  let [frame, place] = [0, 0];
  for (const [first, offset] of entries) {
    out.push(varintBytes(first - frame), varintBytes(offset - place));
    [frame, place] = [first, offset];
  }
  return joined(...out);
}

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {Index}
 */
export function parseIndex(payload, offset) {
  const reader = new ByteReader(payload, offset);
  /** @type {Index} */
  const entries = [];
  let [frame, place] = [0, 0];
  for (let left = reader.varint("the number of index entries", 0, MOST_ENTRIES); left; left--) {
    frame += reader.varint("an index entry", 0, LAST_FRAME - frame);
    place += reader.varint("an index entry", 0, LAST_TIME - place);
    entries.push([frame, place]);
  }
  reader.finish("the index");
  return entries;
}

/** @param {End} end */
export function endBytes({ frames, index }) { return joined(uintBytes(frames, 4), uintBytes(index, 4)); }

/**
 * @param {Uint8Array} payload
 * @param {number} offset
 * @returns {End}
 */
export function parseEnd(payload, offset) {
  const reader = new ByteReader(payload, offset);
  const end = { frames: reader.uint(4), index: reader.uint(4) };
  reader.finish("the end");
  return end;
}

/**
 * Return the first frame number and the number of frames of a motion section.
 * @param {ByteReader} reader
 */
function numbers(reader) {
  const first = reader.varint("the frame number", 0, LAST_FRAME);
  return [first, reader.varint("the number of frames", 1, Math.min(MOST_FRAMES, LAST_FRAME - first + 1))];
}

/** @param {Uint8Array[]} packets */
function withLengths(packets) { return packets.flatMap((packet) => [varintBytes(packet.length), packet]); }

/**
 * Return whether a length and a whole packet lie ahead.
 * @param {ByteReader} reader
 */
function holdsPacket(reader) {
  const ahead = new ByteReader(reader.data.subarray(reader.at, reader.at + 8), reader.offset);
  if (ahead.remaining < 8 && ahead.data.every((byte) => byte & 0x80)) return false;
  return reader.remaining >= ahead.varint("the packet length", 0, LONGEST_PACKET) + ahead.at;
}
