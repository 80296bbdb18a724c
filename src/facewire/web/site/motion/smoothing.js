// Taking the tremble out of a live motion without making it late: the one-euro filter (Casiez, Roussel, Vogel, CHI
// 2012), with the settings of facewire/animation/smoothing.py.

import { nearestRotation } from "./rotation.js";

const SPEED_CUTOFF = 2;  // hertz; how quickly the estimate of the speed itself follows
const GAP = 0.5;  // seconds without a motion after which the filter starts anew

/**
 * How one kind of number is filtered: hertz at rest, and hertz more per unit per second.
 * @typedef {{cutoff: number, slope: number}} Smoothness
 */
const ROTATION = { cutoff: 1.5, slope: 12 };
const TRANSLATION = { cutoff: 1.5, slope: 25 };
const EXPRESSION = { cutoff: 2, slope: 60 };

/** Filters rows of numbers; the entries of a row belong together and have one speed. */
class OneEuro {
  /**
   * @param {Smoothness} smoothness
   * @param {number} width entries of a row
   */
  constructor(smoothness, width) {
    this.smoothness = smoothness;
    this.width = width;
    this.reset();
  }

  /**
   * Return the filtered rows, `seconds` after the ones before; the first ones come back as they are.
   * @param {ArrayLike<number>} rows
   * @param {number} seconds
   */
  filter(rows, seconds) {
    const before = this.value;
    if (!before) {
      this.value = Float64Array.from(rows);
      this.slope = new Float64Array(rows.length);
      return this.value;
    }
    const quick = share(SPEED_CUTOFF, seconds);
    this.slope = this.slope.map((slope, at) => slope + quick * ((rows[at] - before[at]) / seconds - slope));
    this.value = before.map((value, at) => {
      const first = at - (at % this.width);
      const cutoff = this.smoothness.cutoff
        + this.smoothness.slope * Math.hypot(...this.slope.subarray(first, first + this.width));
      return value + share(cutoff, seconds) * (rows[at] - value);
    });
    return this.value;
  }

  /** Forget everything. */
  reset() {
    /** @type {Float64Array | null} */
    this.value = null;
    this.slope = new Float64Array(0);
  }
}

/** Filters a stream of head motions as they come, one at a time. */
export class MotionSmoother {
  constructor() {
    this.rotation = new OneEuro(ROTATION, 9);
    this.translation = new OneEuro(TRANSLATION, 3);
    this.expression = new OneEuro(EXPRESSION, 3);
    this.time = -Infinity;
  }

  /**
   * Return the smoothed motion; a time (seconds) that does not advance starts anew, as a gap does.
   * @param {import("./head_motion.js").HeadMotion} motion
   * @param {number} time
   * @returns {import("./head_motion.js").HeadMotion}
   */
  smooth(motion, time) {
    let seconds = time - this.time;
    if (!(seconds > 0 && seconds < GAP)) {
      this.reset();
      seconds = 1;
    }
    this.time = time;
    return {
      rotation: nearestRotation(this.rotation.filter(motion.rotation, seconds), motion.rotation),
      translation: this.translation.filter(motion.translation, seconds),
      expression: this.expression.filter(motion.expression, seconds),
    };
  }

  /** Start anew: the next motion is taken as it is. */
  reset() {
    for (const part of [this.rotation, this.translation, this.expression]) part.reset();
    this.time = -Infinity;
  }
}

/**
 * @param {number} cutoff
 * @param {number} seconds
 */
function share(cutoff, seconds) { return 1 / (1 + 1 / (2 * Math.PI * cutoff * seconds)); }
