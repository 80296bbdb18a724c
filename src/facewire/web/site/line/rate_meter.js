// Bits per second over a sliding window (facewire/transport/meter.py).

const BUCKETS = 10;  // pieces that a window is kept in

/** Time is handed in, in seconds. */
export class RateMeter {
  /** @param {number} [window] seconds */
  constructor(window = 2) {
    this.window = window;
    this.step = window / BUCKETS;
    /** @type {{at: number, bytes: number, events: number}[]} */
    this.buckets = [];
    /** @type {number | null} */
    this.begin = null;
    this.totalBytes = 0;
  }

  /**
   * Count an event of some bytes.
   * @param {number} now
   * @param {number} [bytes]
   */
  add(now, bytes = 0) {
    this.totalBytes += bytes;
    this.begin ??= now;
    const last = this.buckets.at(-1);
    if (!last || now - last.at >= this.step) this.buckets = [...this.buckets.slice(-BUCKETS), { at: now, bytes, events: 1 }];
    else Object.assign(last, { bytes: last.bytes + bytes, events: last.events + 1 });
  }

  /** Return kbit/s. @param {number} now */
  rate(now) { return (8 * this.sum(now, "bytes")) / 1000 / this.span(now); }

  /** Return events a second. @param {number} now */
  perSecond(now) { return this.sum(now, "events") / this.span(now); }

  /**
   * @param {number} now
   * @param {"bytes" | "events"} what
   */
  sum(now, what) {
    return this.buckets.reduce((sum, bucket) => (now - bucket.at < this.window ? sum + bucket[what] : sum), 0);
  }

  /** @param {number} now */
  span(now) { return Math.min(Math.max(now - (this.begin ?? now), this.step), this.window); }
}
