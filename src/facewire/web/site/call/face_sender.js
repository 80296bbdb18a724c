// The sender's half of the face stream: motions in, packets of profile stream out, epochs in step with sources
// (facewire/call/conversation/face_sender.py).

import { StreamEncoder } from "../codec/encoder.js";
import { FARTHEST } from "../codec/packet.js";
import { LONGEST_HELD, NUMBERS, UNIT_SECONDS } from "../protocol/bundle.js";
import { unwrapped } from "../protocol/numbers.js";
import { LONGEST_TRAILER } from "../protocol/trailer.js";

const MOST_FACE_BYTES = LONGEST_TRAILER - 6;  // flags, acknowledgement, ages and a length stand in the same trailer

/**
 * Codes one connection's face stream. A new source is offered first and used only when the receiver has confirmed it;
 * nothing is coded before the first is confirmed.
 */
export class FaceSender {
  /** @param {import("../codec/tables.js").CodecTables} tables */
  constructor(tables) {
    this.tables = tables;
    this.encoder = new StreamEncoder(tables);
    /** Seconds, smoothed; null before the first acknowledgement. @type {number | null} */
    this.roundTrip = null;
    /** @type {{epoch: number, motion: import("../codec/state.js").MotionFrame} | null} */
    this.offered = null;
    /** @type {Map<number, number>} */
    this.sentAt = new Map();
  }

  /** True once the receiver holds a source. */
  get ready() { return this.encoder.epoch >= 0; }

  /**
   * Return epoch and anchor of a new source with this motion; a second one replaces an unconfirmed one.
   * @param {import("../codec/state.js").MotionFrame} motion
   */
  offer(motion) {
    this.offered = { epoch: this.encoder.epoch + 1, motion };
    return { epoch: this.offered.epoch, anchor: new StreamEncoder(this.tables).source(motion) };
  }

  /**
   * Note that the receiver holds the source of an epoch; say whether it is now in use.
   * @param {number} epoch
   */
  confirm(epoch) {
    if (this.offered?.epoch !== epoch) return false;
    this.encoder.source(this.offered.motion);
    this.offered = null;
    return true;
  }

  /**
   * Return the packet of the next frame; null if it would not fit behind a sound packet.
   * @param {import("../codec/state.js").MotionFrame} motion
   * @param {number} now seconds
   */
  encode(motion, now) {
    const { number, data } = this.encoder.encode(motion);
    this.sentAt.set(number, now);
    this.sentAt.delete(number - NUMBERS / 2);
    return data.length <= MOST_FACE_BYTES ? data : null;
  }

  /**
   * Take an acknowledgement.
   * @param {{number: number, held: number}} ack
   * @param {number} now seconds
   */
  acknowledge(ack, now) {
    const newest = this.encoder.number - 1;
    if (newest < 0) return;
    const number = unwrapped(ack.number, newest, NUMBERS);
    const sent = this.sentAt.get(number);
    if (number > newest || sent === undefined) return;  // the same one is confirmed again while nothing newer comes
    this.sentAt.delete(number);
    if (ack.held < LONGEST_HELD) this.measure(Math.max(0, now - sent - ack.held * UNIT_SECONDS));
    if (newest - number < FARTHEST) this.encoder.acknowledge(number);
  }

  /** @param {number} seconds */
  measure(seconds) { this.roundTrip = this.roundTrip === null ? seconds : 0.9 * this.roundTrip + 0.1 * seconds; }
}
