// The 16 bits in front of every packet of profile stream (docs/bitstream.md section 7).

import { uintBytes } from "./bytes.js";
import { CorruptPacket, TruncatedStream } from "./errors.js";

export const NUMBERS = 512;  // frame numbers are sent modulo this
export const FARTHEST = 31;  // largest distance to a reference, frames
export const HELD = FARTHEST + 32;  // states that a decoder holds before the newest
export const EPOCHS = 4;  // epochs are sent modulo this
export const HEAD_BYTES = 2;
export const LONGEST_PACKET = 1024;

/**
 * Where a packet stands: frame number modulo 512, frames back to the reference (0: the anchor), source modulo 4.
 * @typedef {{number: number, distance: number, epoch: number}} PacketHead
 */

/**
 * @param {PacketHead} head
 * @returns {Uint8Array}
 */
export function headBytes({ number, distance, epoch }) {
  return uintBytes(number | (distance << 9) | (epoch << 14), HEAD_BYTES);
}

/**
 * @param {Uint8Array} packet
 * @returns {PacketHead}
 */
export function parseHead(packet) {
  if (packet.length < HEAD_BYTES) throw new TruncatedStream(packet.length, "a packet is shorter than its head");
  if (packet.length > LONGEST_PACKET) {
    throw new CorruptPacket(0, `a packet of ${packet.length} bytes is longer than ${LONGEST_PACKET}`);
  }
  const value = packet[0] | (packet[1] << 8);
  return { number: value & (NUMBERS - 1), distance: (value >> 9) & FARTHEST, epoch: value >> 14 };
}

/**
 * Return the frame number that agrees with `number` modulo 512, lies nearest to `newest` and is not negative.
 * @param {number} number
 * @param {number} newest
 * @returns {number}
 */
export function unwrap(number, newest) {
  const ahead = modulo(number - newest + NUMBERS / 2, NUMBERS) - NUMBERS / 2;
  return newest + ahead >= 0 ? newest + ahead : newest + ahead + NUMBERS;
}

/**
 * @param {number} value
 * @param {number} by
 */
function modulo(value, by) { return ((value % by) + by) % by; }
