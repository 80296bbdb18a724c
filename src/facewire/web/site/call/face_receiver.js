// The receiver's half of the face stream: messages in any order in, the motion to show at any moment out
// (facewire/call/playout/face_receiver.py).
//
//     packet -> StreamDecoder -> frames by capture time -> due? -> fresh | filled between two | held | eased to rest

import { StreamDecoder } from "../codec/decoder.js";
import { BitstreamError, MissingReference } from "../codec/errors.js";
import { Concealment, RATE, between } from "../motion/index.js";
import { NUMBERS, UNIT_SECONDS } from "../protocol/bundle.js";

const MOST_WAITING = 50;  // decoded frames that wait at most to be shown
const GAP = 1.6;  // a frame is missing between two that are this many usual intervals apart
const [HOLD, LEAST_HOLD] = [3, 1.5];  // usual intervals for which the last frame is held when nothing follows
const HOLD_SECONDS = 0.16;  // and no longer than so, unless that is less than the least
const INTERVALS = 25;  // frames over which the usual interval is measured
const LONGEST_INTERVAL = 0.2;
const PERIOD = 0.04;  // between pictures where the sender leaves out every second frame
const MOST_NUMBERS = 64;  // frame numbers that are remembered
const KEPT_SOURCES = 4;

/**
 * @typedef {import("../codec/state.js").MotionFrame} MotionFrame
 * @typedef {{number: number, capture: number, epoch: number, motion: MotionFrame}} Waiting capture in samples
 * @typedef {{motion: MotionFrame, epoch: number, capture: number, kind: "fresh" | "filled" | "eased"}} Show
 */

/** Decodes one connection's face stream and says what to show when. */
export class FaceReceiver {
  /**
   * @param {import("../codec/tables.js").CodecTables} tables
   * @param {import("../motion/playout.js").Playout} playout the clock that sound and face share
   */
  constructor(tables, playout) {
    this.decoder = new StreamDecoder(tables);
    this.playout = playout;
    this.decoded = 0;
    this.late = 0;
    this.refused = 0;
    this.unreferenced = 0;
    /** The sender leaves out every second frame. */
    this.thinned = false;
    /** @type {number[]} */
    this.numbers = [];
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    /** @type {{number: number, came: number} | null} */
    this.newest = null;
    /** The last picture that stands for the sender's own frames; `visible` may be on its way to rest. @type {Show | null} */
    this.shown = null;
    /** @type {Show | null} */
    this.visible = null;
    /** @type {Map<number, Concealment>} */
    this.concealments = new Map();
    this.intervals = [PERIOD];
    /** @type {number | null} */
    this.lastCapture = null;
  }

  /**
   * Take the anchor of a source.
   * @param {number} epoch
   * @param {Uint8Array} anchor
   */
  source(epoch, anchor) {
    this.concealments.set(epoch, new Concealment(this.decoder.source(epoch, anchor)));
    for (const old of [...this.concealments.keys()].sort((a, b) => a - b).slice(0, -KEPT_SOURCES)) this.concealments.delete(old);
  }

  /**
   * Take a face packet; say whether it could be decoded.
   * @param {Uint8Array} packet
   * @param {number} capture when its picture was taken, samples of the sender's clock
   * @param {number} now seconds
   */
  take(packet, capture, now) {
    const frame = this.opened(packet);
    if (!frame) return false;
    if (this.numbers.includes(frame.number)) return true;
    this.decoded++;
    this.numbers = [...this.numbers.slice(1 - MOST_NUMBERS), frame.number];
    this.playout.faceCame(capture, now);
    if (!this.newest || frame.number > this.newest.number) this.newest = { number: frame.number, came: now };
    if (this.shown && capture <= this.shown.capture) {
      this.late++;
      return true;
    }
    this.waiting.set(frame.number, { number: frame.number, capture, epoch: frame.epoch, motion: frame.motion });
    if (this.waiting.size > MOST_WAITING) this.waiting.delete(Math.min(...this.waiting.keys()));
    return true;
  }

  /** @param {Uint8Array} packet */
  opened(packet) {
    try {
      return this.decoder.decode(packet);
    } catch (error) {
      if (!(error instanceof BitstreamError)) throw error;
      if (error instanceof MissingReference) this.unreferenced++;
      else this.refused++;
      return null;
    }
  }

  /**
   * Return what to confirm to the sender.
   * @param {number} now seconds
   */
  acknowledgement(now) {
    if (!this.newest) return null;
    return { number: this.newest.number % NUMBERS, held: Math.floor((now - this.newest.came) / UNIT_SECONDS) };
  }

  /**
   * Return what to render now, or null if the picture stays as it is.
   * @param {number} now seconds
   * @returns {Show | null}
   */
  due(now) {
    const media = this.playout.facePosition(now);
    if (media === null) return null;
    const fresh = this.takeDue(media);
    if (!fresh) return this.conceal(media);
    if (this.lastCapture !== null) this.intervals = [...this.intervals.slice(1 - INTERVALS), (fresh.capture - this.lastCapture) / RATE];
    this.lastCapture = fresh.capture;
    const motion = this.concealments.get(fresh.epoch)?.arrive(fresh.motion, now) ?? fresh.motion;
    this.shown = this.visible = { motion, epoch: fresh.epoch, capture: fresh.capture, kind: "fresh" };
    return this.shown;
  }

  /**
   * Return the newest frame whose time has come, and forget the older ones.
   * @param {number} media
   */
  takeDue(media) {
    const ready = [...this.waiting.values()].filter((frame) => frame.capture <= media);
    if (!ready.length) return null;
    for (const { number } of ready) this.waiting.delete(number);
    this.late += ready.length - 1;
    return ready.reduce((newest, frame) => (frame.capture > newest.capture ? frame : newest));
  }

  /**
   * Return a picture between the one that is seen and the next that waits, or one on the way to rest.
   * @param {number} media
   * @returns {Show | null}
   */
  conceal(media) {
    const [last, seen] = [this.shown, this.visible];
    const interval = Math.min(LONGEST_INTERVAL, median(this.intervals));
    const pace = this.thinned ? PERIOD : interval;
    if (!last || !seen || media - seen.capture < pace * RATE) return null;
    const concealment = this.concealments.get(last.epoch);
    const later = [...this.waiting.values()].sort((a, b) => a.capture - b.capture)[0];
    if (later?.epoch === last.epoch) {
      const gap = later.capture - seen.capture;
      if (gap < GAP * pace * RATE) return null;
      const motion = between(seen.motion, later.motion, Math.min(1, (media - seen.capture) / gap));
      concealment?.back();
      this.shown = this.visible = { motion, epoch: last.epoch, capture: media, kind: "filled" };
      return this.shown;
    }
    const hold = Math.max(LEAST_HOLD * interval, Math.min(HOLD * interval, HOLD_SECONDS));
    const silence = (media - last.capture) / RATE - hold;
    const eased = silence > 0 ? concealment?.ease(last.motion, silence) : null;
    if (!eased) return null;
    this.visible = { motion: eased, epoch: last.epoch, capture: media, kind: "eased" };
    return this.visible;
  }
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
