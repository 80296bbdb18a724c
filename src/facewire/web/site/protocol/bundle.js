// What stands in a trailer: mode and marks, an acknowledgement, faces, a report on the line, a copy of earlier sound, in
// both versions (docs/call.md sections 4 and 10; facewire/transport/face_message.py and bundle.py).

import { joined, uintBytes } from "../codec/bytes.js";
import { CorruptPacket, TruncatedStream, UnsupportedVersion } from "../codec/errors.js";
import { REPORT_BYTES, parseReport, reportBytes } from "./line_report.js";

export const SYNTHESIS = 0;
export const VIDEO = 1;
export const PAUSED = 2;
export const NUMBERS = 512;  // frame numbers wrap here
export const UNIT_SECONDS = 0.004;
export const LONGEST_HELD = 127;  // units that an acknowledgement can say
const OLDEST = 255;  // units that an age can say
export const MOST_FACES = 7;

const [SYNTHESISED, AVATAR, ACK, FACE, EARLIER, VERSION] = [1, 2, 4, 8, 64, 128];
const [REPORT, COPY, THINNED] = [8, 64, 8];

/**
 * One trailer. Ages and `held` in units of 4 ms; `back`, how much earlier a copy of sound begins, in 20 ms.
 * @typedef {object} Bundle
 * @property {number} mode
 * @property {boolean} avatar the face shown need not be that of the person who moves it
 * @property {{number: number, held: number} | null} ack
 * @property {{age: number, packet: Uint8Array}[]} faces in the order in which they are decoded
 * @property {import("./line_report.js").LineReport | null} report
 * @property {{back: number, sound: Uint8Array} | null} copy
 * @property {boolean} thinned every second frame is left out
 */

/** @type {Bundle} */
export const BARE = { mode: SYNTHESIS, avatar: false, ack: null, faces: [], report: null, copy: null, thinned: false };

/**
 * Return the bytes of the wire: version 0 where it can say the same.
 * @param {Bundle} bundle
 */
export function bundleBytes(bundle) {
  const { mode, avatar, ack, faces, report, copy, thinned } = bundle;
  if (faces.length <= 2 && !report && !copy && !thinned) return plainBytes(bundle);
  const marks = (ack ? ACK : 0) | (report ? REPORT : 0) | (copy ? COPY : 0) | (avatar ? AVATAR : 0);
  return joined(
    SYNTHESISED | (mode << 4) | VERSION | marks,
    ackBytes(ack),
    report ? reportBytes(report) : [],
    faces.length | (thinned ? THINNED : 0),
    ...faces.flatMap(({ age, packet }) => [cutAge(age), packet.length, packet]),
    ...(copy ? [copy.back, copy.sound] : []),
  );
}

/** @param {Bundle} bundle */
function plainBytes({ mode, avatar, ack, faces }) {
  const [earlier, face] = faces.length === 2 ? faces : [null, faces[0]];
  const marks = (ack ? ACK : 0) | (face ? FACE : 0) | (earlier ? EARLIER : 0) | (avatar ? AVATAR : 0);
  return joined(
    SYNTHESISED | (mode << 4) | marks,
    ackBytes(ack),
    ...(earlier ? [cutAge(earlier.age), earlier.packet.length, earlier.packet] : []),
    ...(face ? [cutAge(face.age), face.packet] : []),
  );
}

/** @param {Bundle["ack"]} ack */
function ackBytes(ack) {
  return ack ? uintBytes((ack.number % NUMBERS) | (Math.min(ack.held, LONGEST_HELD) << 9), 2) : [];
}

/** @param {number} age */
function cutAge(age) { return Math.min(Math.max(age, 0), OLDEST); }

/**
 * Return the message of some bytes, of either version.
 * @param {Uint8Array} data
 * @returns {Bundle}
 */
export function parseBundle(data) {
  const rest = new Rest(data);
  const flags = rest.byte();
  const mode = (flags >> 4) & 3;
  if (!(flags & SYNTHESISED)) throw new CorruptPacket(0, "not marked as synthesised media");
  if (mode > PAUSED) throw new CorruptPacket(0, `mode ${mode} is unknown`);
  const common = { ...BARE, mode, avatar: Boolean(flags & AVATAR), ack: flags & ACK ? parseAck(rest.take(2)) : null };
  return flags & VERSION ? packed(rest, flags, common) : plain(rest, flags, common);
}

/**
 * @param {Rest} rest
 * @param {number} flags
 * @param {Bundle} common
 */
function plain(rest, flags, common) {
  const faces = flags & EARLIER ? [rest.entry()] : [];
  if (!(flags & FACE)) {
    if (rest.left || faces.length) throw new CorruptPacket(rest.at, "bytes after the end of a message without a face");
    return common;
  }
  const age = rest.byte();
  if (!rest.left) throw new TruncatedStream(rest.at);
  return { ...common, faces: [...faces, { age, packet: rest.take(rest.left) }] };
}

/**
 * @param {Rest} rest
 * @param {number} flags
 * @param {Bundle} common
 */
function packed(rest, flags, common) {
  const report = flags & REPORT ? parseReport(rest.take(REPORT_BYTES)) : null;
  const count = rest.byte();
  if (count > (MOST_FACES | THINNED)) throw new UnsupportedVersion(rest.at - 1, "marks that are unknown");
  const faces = Array.from({ length: count & MOST_FACES }, () => rest.entry());
  const copy = flags & COPY ? { back: rest.byte(), sound: rest.take(rest.left) } : null;
  if (copy && !(copy.back && copy.sound.length)) throw new CorruptPacket(rest.at, "a copy of sound that is none");
  if (rest.left) throw new CorruptPacket(rest.at, "bytes after the end of a message");
  return { ...common, faces, report, copy, thinned: Boolean(count & THINNED) };
}

/** @param {Uint8Array} bytes */
function parseAck(bytes) {
  const word = bytes[0] | (bytes[1] << 8);
  return { number: word % NUMBERS, held: word >> 9 };
}

/** Bytes that are taken from the front. */
class Rest {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  /** How many are left. */
  get left() { return this.data.length - this.at; }

  /** @param {number} count */
  take(count) {
    if (count > this.left) throw new TruncatedStream(this.data.length);
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  byte() { return this.take(1)[0]; }

  /** Return the next face: its age and its packet. */
  entry() {
    const [age, length] = this.take(2);
    if (!length) throw new CorruptPacket(this.at - 1, "a face without bytes");
    return { age, packet: this.take(length) };
  }
}
