// Profile raw, the paper's baseline: half floats, no coding (docs/bitstream.md section 7).

import { CorruptPacket } from "./errors.js";
import { frameOfPoints, pointOf } from "./quantizer.js";
import { POSE } from "./state.js";

const SMALLEST_NORMAL = 2 ** -14;
const ROUNDING = 1.5 * 2 ** 52;

/**
 * Return 6 + 3 kept little-endian half floats.
 * @param {import("./state.js").MotionFrame} frame
 */
export function encodeRaw({ vector, kept }) {
  const count = POSE + 3 * kept;
  const out = new DataView(new ArrayBuffer(2 * count));
  for (let index = 0; index < count; index++) {
    const limit = index < 3 ? 4 : 8;
    out.setUint16(2 * index, halfBits(Math.min(Math.max(vector[index], -limit), limit)), true);
  }
  return new Uint8Array(out.buffer);
}

/**
 * Return the frame of a packet; the length says how many keypoints are kept, dropped ones are 0.
 * @param {Uint8Array} packet
 * @param {number} keypoints K
 * @param {number} [offset] of the packet in the stream
 */
export function decodeRaw(packet, keypoints, offset = 0) {
  const count = packet.length / 2;
  const kept = (count - POSE) / 3;
  if (!Number.isInteger(kept) || kept < 1 || kept > keypoints) {
    throw new CorruptPacket(offset, `${packet.length} bytes are no raw packet of up to ${keypoints} keypoints`);
  }
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const points = Array(POSE + 3 * keypoints).fill(0);
  for (let index = 0; index < count; index++) {
    const value = fromHalf(view.getUint16(2 * index, true));
    if (!Number.isFinite(value)) throw new CorruptPacket(offset, "a number is not finite");
    points[index] = pointOf(value, Infinity);
  }
  return frameOfPoints(points, kept);
}

/**
 * Return the nearest binary16 of a number of magnitude up to 8, ties to even.
 * @param {number} value
 */
function halfBits(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < SMALLEST_NORMAL) return sign + nearest(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign + ((exponent + 14) << 10) + nearest(size * 2 ** (10 - exponent));
}

/** @param {number} value */
function nearest(value) { return value + ROUNDING - ROUNDING; }

/** @param {number} bits */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * (1024 + fraction) * 2 ** (exponent - 25) : sign * fraction * 2 ** -24;
}
