// The sender's half of the face stream: epochs in step with sources, what was confirmed, and how long the way is
// (facewire/call/conversation/face_sender.py).

import { StreamEncoder } from "../codec/encoder.js";
import { FARTHEST } from "../codec/packet.js";
import { LONGEST_HELD, NUMBERS, UNIT_SECONDS } from "../protocol/bundle.js";
import { unwrapped } from "../protocol/numbers.js";

/** A new source is offered first and used only when the receiver has confirmed it; before the first nothing is sent. */
export class FaceSender {
  /** @param {import("../codec/tables.js").CodecTables} tables */
  constructor(tables) {
    this.tables = tables;
    /** Of the source in use; -1 before the first. */
    this.epoch = -1;
    /** Seconds, smoothed; null before the first acknowledgement. @type {number | null} */
    this.roundTrip = null;
    /** @type {{epoch: number, motion: import("../codec/state.js").MotionFrame} | null} */
    this.offered = null;
    this.newest = -1;
    /** @type {Map<number, number>} */
    this.sentAt = new Map();
  }

  /** True once the receiver holds a source. */
  get ready() { return this.epoch >= 0; }

  /**
   * Return epoch and anchor of a new source with this motion; a second one replaces an unconfirmed one.
   * @param {import("../codec/state.js").MotionFrame} motion
   */
  offer(motion) {
    this.offered = { epoch: this.epoch + 1, motion };
    return { epoch: this.offered.epoch, anchor: new StreamEncoder(this.tables).source(motion) };
  }

  /**
   * Note that the receiver holds the source of an epoch; return its motion if it is in use from now on, else null.
   * @param {number} epoch
   */
  confirm(epoch) {
    if (this.offered?.epoch !== epoch) return null;
    const { motion } = this.offered;
    [this.epoch, this.offered] = [epoch, null];
    return motion;
  }

  /**
   * Note that frames left.
   * @param {number[]} numbers
   * @param {number} now seconds
   */
  left(numbers, now) {
    for (const number of numbers) {
      this.newest = Math.max(this.newest, number);
      this.sentAt.set(number, now);
      this.sentAt.delete(number - NUMBERS / 2);
    }
  }

  /**
   * Take an acknowledgement; return the number of the frame if later ones may build on it, else null.
   * @param {{number: number, held: number}} ack
   * @param {number} now seconds
   */
  acknowledge(ack, now) {
    if (this.newest < 0) return null;
    const number = unwrapped(ack.number, this.newest, NUMBERS);
    const sent = this.sentAt.get(number);
    if (number > this.newest || sent === undefined) return null;  // the same one is confirmed while nothing newer comes
    this.sentAt.delete(number);
    if (ack.held < LONGEST_HELD) this.measure(Math.max(0, now - sent - ack.held * UNIT_SECONDS));
    return this.newest - number < FARTHEST ? number : null;
  }

  /** @param {number} seconds */
  measure(seconds) { this.roundTrip = this.roundTrip === null ? seconds : 0.9 * this.roundTrip + 0.1 * seconds; }
}
