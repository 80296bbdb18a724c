// Ordinary video for the moments when synthesis is the wrong tool: VP8 in fragments on the channel that may lose
// (facewire/call/playout/plain_video.py); what decodes it is the caller's.
//
//     u8 mark   u16 frame number   u8 fragment   u8 fragments, bit 7 keyframe   u32 media time   then at most 1000 bytes

import { joined } from "../codec/bytes.js";
import { CorruptPacket } from "../codec/errors.js";
import { unwrapped } from "./numbers.js";

export const VIDEO_MARK = 0x56;
const HEAD_BYTES = 9;
const FRAGMENT_BYTES = 1000;
const MOST_FRAGMENTS = 64;
const MOST_OPEN = 8;  // frames that are being put together at most
const MOST_WHOLE = 8;  // frames that wait to be decoded at most
const ASK_SECONDS = 0.5;  // between two requests for a keyframe
const NUMBERS = 2 ** 16;

/**
 * Return the messages of a coded picture; none if it is too large.
 * @param {number} number of the picture
 * @param {Uint8Array} data
 * @param {boolean} alone whether it is a keyframe
 * @param {number} capture when it was taken, samples of the own sound clock
 */
export function videoMessages(number, data, alone, capture) {
  const count = Math.ceil(data.length / FRAGMENT_BYTES);
  if (!count || count > MOST_FRAGMENTS) return [];
  return Array.from({ length: count }, (_, index) => {
    const part = data.subarray(index * FRAGMENT_BYTES, (index + 1) * FRAGMENT_BYTES);
    const message = new Uint8Array(HEAD_BYTES + part.length);
    const view = new DataView(message.buffer);
    view.setUint8(0, VIDEO_MARK);
    view.setUint16(1, number % NUMBERS, true);
    view.setUint8(3, index);
    view.setUint8(4, count | (alone ? 0x80 : 0));
    view.setUint32(5, capture % 2 ** 32, true);
    message.set(part, HEAD_BYTES);
    return message;
  });
}

/** Puts frames together; one with a missing fragment is dropped, and with it what builds on it, until a keyframe. */
export class VideoPieces {
  constructor() {
    /** True when nothing can be shown until a keyframe comes. */
    this.wantsKeyframe = false;
    /** Frames that can be decoded, in order. @type {{data: Uint8Array, alone: boolean}[]} */
    this.whole = [];
    /** @type {Map<number, Map<number, Uint8Array>>} */
    this.open = new Map();
    this.done = -1;
    this.asked = -Infinity;
  }

  /** @param {Uint8Array} message */
  take(message) {
    if (message.length <= HEAD_BYTES) throw new CorruptPacket(0, "too short for a piece of video");
    const view = new DataView(message.buffer, message.byteOffset, message.length);
    const [number, index, flags] = [view.getUint16(1, true), view.getUint8(3), view.getUint8(4)];
    const [count, alone] = [flags & 0x7f, flags > 0x7f];
    const part = message.slice(HEAD_BYTES);
    if (index >= count || count > MOST_FRAGMENTS || part.length > FRAGMENT_BYTES) throw new CorruptPacket(0, "not a piece of video");
    const whole = this.done < 0 ? number : unwrapped(number, this.done, NUMBERS);
    if (whole <= this.done && !alone) return;
    const parts = this.open.get(whole) ?? new Map();
    this.open.set(whole, parts.set(index, part));
    while (this.open.size > MOST_OPEN) this.open.delete(Math.min(...this.open.keys()));
    if (parts.size < count) return;
    this.finish(whole, joined(...[...parts.keys()].sort((a, b) => a - b).map((key) => parts.get(key))), alone);
  }

  /**
   * @param {number} number
   * @param {Uint8Array} data
   * @param {boolean} alone
   */
  finish(number, data, alone) {
    for (const key of this.open.keys()) if (key <= number) this.open.delete(key);
    const follows = this.done >= 0 && number === this.done + 1 && !this.wantsKeyframe;
    this.done = alone ? number : Math.max(this.done, number);
    this.wantsKeyframe = !alone && !follows;
    if (alone || follows) this.whole = [...this.whole.slice(1 - MOST_WHOLE), { data, alone }];
  }

  /** Note that a frame could not be decoded. */
  failed() { this.wantsKeyframe = true; }

  /**
   * Say whether to ask for a keyframe now.
   * @param {number} now seconds
   */
  ask(now) {
    if (!this.wantsKeyframe || now - this.asked < ASK_SECONDS) return false;
    this.asked = now;
    return true;
  }
}
