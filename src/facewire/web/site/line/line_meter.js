// What comes over the line, measured where it arrives: losses, how long they last, waiting in queues, rate
// (facewire/call/line/line_meter.py).
//
// Waiting is told from distance without clocks that agree: it is by how much a packet came later than the quickest of the
// last 30 s. Of the newest few packets the quickest counts, so that jitter is not taken for a queue.

import { RateMeter } from "./rate_meter.js";

const RATE = 48000;
const UNIT = 960;  // samples in which losses are counted
const WINDOW = 250;  // units over which losses are counted: 5 s
const AWAY = 1000;  // units after which the other side was away and not lost
const NEWEST = 4;  // packets of which the quickest says what waiting there is
const BASELINE_SECONDS = 30;
const BURST_SECONDS = 0.05;  // a photo that came within this came too fast for its rate to be told

/** Measures one direction; time is handed in, in seconds. */
export class LineMeter {
  constructor() {
    /** Number of the newest unit. @type {number | null} */
    this.newest = null;
    /** Whether the units up to the newest came, the newest last; at most WINDOW. @type {boolean[]} */
    this.came = [];
    /** @type {number[]} */
    this.late = [];
    /** Second and the quickest packet of it. @type {[number, number][]} */
    this.quickest = [];
    this.meter = new RateMeter(1);
    /** When the head and the pieces of the first photo came, and their bytes. @type {[number, number][] | null} */
    this.photo = null;
    this.timed = false;
    /** kbit/s at which the first photo came: what the line carries. */
    this.photoRate = Infinity;
  }

  /**
   * Note a sound packet of media time `start`.
   * @param {number} start
   * @param {number} samples
   * @param {number} now
   */
  soundCame(start, samples, now) {
    const first = Math.floor(start / UNIT), end = first + Math.max(1, Math.round(samples / UNIT)) - 1;
    if (this.newest === null || end - this.newest > AWAY) [this.newest, this.came] = [first - 1, []];
    for (; this.newest < end; this.newest++) this.came.push(this.newest + 1 >= first);
    for (let unit = first; unit <= end; unit++) {
      const at = this.came.length - 1 - (this.newest - unit);
      if (at >= 0) this.came[at] = true;
    }
    this.came = this.came.slice(-WINDOW);
    this.waited(now - (start + samples) / RATE, now);
  }

  /**
   * Note the bytes of anything that came, headers included.
   * @param {number} bytes
   * @param {number} now
   */
  bytesCame(bytes, now) { this.meter.add(now, bytes); }

  /** Note that a photo was announced. @param {number} now */
  photoBegins(now) { this.photo = this.timed ? null : [[now, 0]]; }

  /**
   * Note a piece of that photo, headers included; the first photo's rate is kept.
   * @param {number} bytes
   * @param {number} now
   */
  photoPiece(bytes, now) {
    const photo = this.photo;
    if (!photo) return;
    photo.push([now, bytes]);
    const gaps = photo.slice(1).map(([at, size], place) => [at - photo[place][0], size]).sort(([a], [b]) => a - b);
    const usual = gaps.length > 1 ? gaps.slice(0, -1) : gaps;  // the longest may be the wait for a piece sent again
    const seconds = usual.reduce((sum, [gap]) => sum + gap, 0);
    const whole = usual.reduce((sum, [, size]) => sum + size, 0);
    if (seconds > BURST_SECONDS) this.photoRate = (8 * whole) / seconds / 1000;
  }

  /** Note that the photo is whole, and say whether its rate is new. */
  photoEnds() {
    const first = this.photo !== null && !this.timed;
    [this.photo, this.timed] = [null, true];
    return first;
  }

  /** Seconds that packets wait now. */
  get wait() {
    return this.late.length ? Math.min(...this.late) - Math.min(...this.quickest.map(([, late]) => late)) : 0;
  }

  /** Share of sound lost in the last 5 s, 0 to 1. */
  get loss() { return this.came.length ? this.came.filter((one) => !one).length / this.came.length : 0; }

  /**
   * Return the report to the other side.
   * @param {number} now
   * @param {boolean} thin this side wants thin mode
   * @returns {import("../protocol/line_report.js").LineReport}
   */
  report(now, thin) {
    const gaps = this.came.map((one) => (one ? "1" : "0")).join("").split("1").filter(Boolean);
    return {
      loss: this.loss,
      run: gaps.length ? (UNIT / RATE * gaps.join("").length) / gaps.length : 0,
      wait: this.wait,
      rate: this.came.length ? this.meter.rate(now) : this.photoRate,
      thin,
    };
  }

  /**
   * @param {number} late
   * @param {number} now
   */
  waited(late, now) {
    this.late = [...this.late.slice(1 - NEWEST), late];
    const second = Math.floor(now), last = this.quickest.at(-1);
    if (last?.[0] === second) last[1] = Math.min(late, last[1]);
    else this.quickest.push([second, late]);
    while (this.quickest[0][0] <= second - BASELINE_SECONDS) this.quickest.shift();
  }
}
