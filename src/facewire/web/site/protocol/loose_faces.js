// Face messages on the channel that may lose, where one side does not want trailers (docs/call.md section 3;
// facewire/call/conversation/loose_faces.py).
//
//     face mark | end of the sound (u32, samples), length (u8), message | the same again

import { joined, uintBytes } from "../codec/bytes.js";
import { TruncatedStream } from "../codec/errors.js";
import { unwrapped } from "./numbers.js";

export const FACE_MARK = 0x46;
const TOGETHER = 2;  // face messages in one
const DIFFERENCES = 33;  // messages over which the clocks are matched
const CLOCK = 2 ** 32;
const PACKET_SAMPLES = 1920;

/** Both directions of one connection. */
export class LooseFaces {
  constructor() {
    /** @type {Uint8Array[]} */
    this.batch = [];
    /** @type {number[]} */
    this.differences = [];
  }

  /**
   * Add the face message beside the sound that ends at `end`; return what is to be sent now, if anything.
   * @param {number} end samples
   * @param {Uint8Array} message
   */
  add(end, message) {
    this.batch.push(joined(uintBytes(end % CLOCK, 4), message.length, message));
    if (this.batch.length < TOGETHER) return null;
    const whole = joined(FACE_MARK, ...this.batch);
    this.batch = [];
    return whole;
  }

  /**
   * Return the face messages after the mark, each with the end of its sound on the clock of the sound packets.
   * @param {Uint8Array} data without the mark
   * @param {number} near start of the newest sound packet, samples
   */
  take(data, near) {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const entries = [];
    for (let at = 0; at < data.length;) {
      if (data.length < at + 5 || data.length < at + 5 + data[at + 4]) throw new TruncatedStream(at);
      const next = at + 5 + data[at + 4];
      entries.push({ end: view.getUint32(at, true), message: data.subarray(at + 5, next) });
      at = next;
    }
    if (entries.length) this.match(near + PACKET_SAMPLES - /** @type {any} */ (entries.at(-1)).end);
    const difference = highMedian(this.differences);
    return entries.map(({ end, message }) => ({ end: unwrapped(end + difference, near, CLOCK), message }));
  }

  /** @param {number} difference */
  match(difference) {
    this.differences = [...this.differences.slice(1 - DIFFERENCES), ((difference % CLOCK) + CLOCK) % CLOCK];
  }
}

/** @param {number[]} values */
function highMedian(values) { return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0; }
