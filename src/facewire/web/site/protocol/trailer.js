// Face bytes behind a sound packet (docs/call.md section 3), and how much sound an Opus packet holds (RFC 6716, 3.1).
//
//     Opus packet | trailer, 0 to 255 bytes | length of the trailer, 1 byte

import { joined } from "../codec/bytes.js";
import { CorruptPacket } from "../codec/errors.js";

export const LONGEST_TRAILER = 255;
const LONGEST_PACKET = 1275 + LONGEST_TRAILER + 1;
const LONGEST_SAMPLES = 5760;
const SILK = [480, 960, 1920, 2880];
const HYBRID = [480, 960];
const CELT = [120, 240, 480, 960];

/**
 * Return a sound packet with a trailer.
 * @param {Uint8Array} sound
 * @param {Uint8Array} trailer
 */
export function join(sound, trailer) {
  if (trailer.length > LONGEST_TRAILER) throw new RangeError(`a trailer of ${trailer.length} bytes is too long`);
  return joined(sound, trailer, trailer.length);
}

/**
 * Return the sound and the trailer of a packet.
 * @param {Uint8Array} packet
 */
export function split(packet) {
  if (packet.length < 2 || packet.length > LONGEST_PACKET) {
    throw new CorruptPacket(0, `${packet.length} bytes are no sound packet with a trailer`);
  }
  const length = packet[packet.length - 1];
  if (length + 1 >= packet.length) throw new CorruptPacket(packet.length - 1, `a trailer of ${length} bytes leaves no sound`);
  const cut = packet.length - 1 - length;
  return { sound: packet.subarray(0, cut), trailer: packet.subarray(cut, -1) };
}

/**
 * Return the samples, at 48 kHz, that an Opus packet holds.
 * @param {Uint8Array} packet
 */
export function opusSamples(packet) {
  if (!packet.length) throw new CorruptPacket(0, "an empty sound packet");
  const [kind, code] = [packet[0] >> 3, packet[0] & 3];
  const frame = kind < 12 ? SILK[kind % 4] : kind < 16 ? HYBRID[kind % 2] : CELT[kind % 4];
  if (code === 3 && packet.length < 2) throw new CorruptPacket(1, "a sound packet without its number of frames");
  const count = code === 0 ? 1 : code < 3 ? 2 : packet[1] & 63;
  if (!count || count * frame > LONGEST_SAMPLES) throw new CorruptPacket(0, `a sound packet of ${count} frames`);
  return count * frame;
}
