// One clock for sound and face: when a sample of the sender's sound clock is played here (facewire/call/playout).
//
//     played at = media time / 48000 + base
//
// `base` follows the 95th percentile of how late packets were lately, slowly; it jumps only when it is far off.

export const RATE = 48000;  // ticks of media time per second
const READ_SECONDS = 0.02;  // how far ahead sound is read
const MARGIN = 0.01;
const WINDOW = 4.0;  // seconds whose packets count
const MOST_KEPT = 200;  // packets at most
const LENGTHS = 10;  // packets of which the longest counts
const PERCENTILE = 0.95;
const UP_SPEED = 0.04;  // seconds per second that the base moves
const DOWN_SPEED = 0.01;
const FAR = 0.12;  // seconds; further off, the base jumps
const SLOWEST_RENDER = 0.5;

/** The clock of one connection; time is handed in, in seconds. */
export class Playout {
  /** @param {number} [slowestRender] rendering time assumed at first */
  constructor(slowestRender = 0.04) {
    this.renderSeconds = slowestRender;
    /** @type {number | null} */
    this.base = null;
    this.sound = new Lateness();
    this.face = new Lateness();
    /** @type {number[]} */
    this.lengths = [];
    this.movedAt = 0;
  }

  /**
   * Note a sound packet with the samples of media time `start` to `end`. Longer packets than before come later by as
   * much as they are longer, all of them: the base jumps by that.
   * @param {number} start
   * @param {number} end
   * @param {number} now
   */
  soundCame(start, end, now) {
    const before = Math.max(0, ...this.lengths), length = (end - start) / RATE;
    this.sound.add(now - end / RATE, now);
    this.lengths.push(length);
    if (this.lengths.length > LENGTHS) this.lengths.shift();
    if (this.base !== null && length > before) this.base += length - before;
    this.adapt(now);
  }

  /**
   * Note a face frame of media time `capture`.
   * @param {number} capture
   * @param {number} now
   */
  faceCame(capture, now) { this.face.add(now - capture / RATE, now); }

  /**
   * Note how long a picture took.
   * @param {number} seconds
   */
  rendered(seconds) { this.renderSeconds += 0.05 * (Math.min(seconds, SLOWEST_RENDER) - this.renderSeconds); }

  /**
   * Return the media time that plays now; null before the first packet.
   * @param {number} now
   */
  position(now) { return this.base === null ? null : (now - this.base) * RATE; }

  /**
   * Return the media time whose picture must be begun now to be seen in time.
   * @param {number} now
   */
  facePosition(now) { return this.base === null ? null : (now + this.renderSeconds - this.base) * RATE; }

  /** Seconds from the arrival of the typical sound packet to its last sample being played. */
  get delay() { return this.base === null ? 0 : this.base - this.sound.percentile(0.5); }

  /** Where the base should be. */
  get wanted() {
    const sound = this.sound.percentile(PERCENTILE) + Math.max(...this.lengths) + READ_SECONDS;
    if (this.face.empty) return sound + MARGIN;
    return Math.max(sound, this.face.percentile(PERCENTILE) + this.renderSeconds) + MARGIN;
  }

  /** @param {number} now */
  adapt(now) {
    const wanted = this.wanted;
    if (this.base === null || Math.abs(wanted - this.base) > FAR) {
      this.base = wanted;
    } else {
      const step = now - this.movedAt;
      this.base += Math.min(Math.max(wanted - this.base, -DOWN_SPEED * step), UP_SPEED * step);
    }
    this.movedAt = now;
  }
}

/** How late the packets of the last seconds were; at least the newest one counts. */
class Lateness {
  constructor() {
    /** @type {[number, number][]} */
    this.values = [];
  }

  /** True before the first. */
  get empty() { return this.values.length === 0; }

  /**
   * Note a packet.
   * @param {number} late
   * @param {number} now
   */
  add(late, now) {
    this.values.push([now, late]);
    if (this.values.length > MOST_KEPT) this.values.shift();
    while (this.values[0][0] < now - WINDOW) this.values.shift();
  }

  /**
   * Return a percentile, with straight lines between the values.
   * @param {number} share
   */
  percentile(share) {
    const sorted = this.values.map(([, late]) => late).sort((a, b) => a - b);
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low] + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
  }
}
