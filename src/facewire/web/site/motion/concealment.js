// What to show while nothing comes: ease towards rest, then come back without a jump (facewire/call/playout).

import { motionFrame } from "../codec/state.js";

const EASE_SECONDS = 1.2;  // how long the way to rest takes
const RETURN_SECONDS = 0.16;  // how long the way back to the true motion takes
const FIRST_STEP = 0.04;  // seconds of that way that the first frame goes
const MEMORY = 50;  // frames that rest is the mean of
const FIRST_MEMORY = 5;  // frames that the source's own motion counts for at the beginning

/** @typedef {import("../codec/state.js").MotionFrame} MotionFrame */

/**
 * Return the motion at a share of the way from one to the other.
 * @param {MotionFrame} first
 * @param {MotionFrame} second
 * @param {number} share
 */
export function between(first, second, share) {
  const [from, to] = [Math.fround(1 - share), Math.fround(share)];
  const mixed = first.vector.map((value, at) => Math.fround(from * value) + Math.fround(to * second.vector[at]));
  return motionFrame(mixed, first.kept);
}

/** Remembers where the face rests and where it was left, for one source of one connection. */
export class Concealment {
  /** @param {MotionFrame} own the source's own motion, at which rest begins */
  constructor(own) {
    this.rest = own;
    this.count = FIRST_MEMORY;
    /** @type {MotionFrame | null} */
    this.eased = null;
    this.done = false;
    /** @type {number | null} */
    this.returned = null;
  }

  /**
   * Return the motion `silence` seconds after easing began; null when the way is done.
   * @param {MotionFrame} last
   * @param {number} silence
   */
  ease(last, silence) {
    const share = Math.min(1, Math.max(0, silence) / EASE_SECONDS);
    if (share >= 1 && this.done) return null;
    this.done = share >= 1;
    this.returned = null;
    this.eased = between(last, this.rest, share);
    return this.eased;
  }

  /** Note that the picture found back to the true motion by another way. */
  back() {
    this.eased = null;
    this.done = false;
  }

  /**
   * Return what to show of a frame that came: itself, or on the way back from rest a mixture.
   * @param {MotionFrame} motion
   * @param {number} now seconds
   */
  arrive(motion, now) {
    this.count++;
    this.rest = between(this.rest, motion, 1 / Math.min(this.count, MEMORY));
    if (!this.eased) return motion;
    if (this.returned === null) {
      this.returned = now;
      this.done = false;
    }
    const share = (now - this.returned + FIRST_STEP) / RETURN_SECONDS;
    if (share < 1) return between(this.eased, motion, share);
    this.eased = null;
    return motion;
  }
}
