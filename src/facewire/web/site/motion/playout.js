// One clock for sound and face: when a sample of the sender's sound clock is played here (facewire/call/playout).
//
//     played at = media time / 48000 + base
//
// `base` follows the 95th percentile of how late packets were lately, slowly; it jumps only when it is far off.

export const RATE = 48000;  // ticks of media time per second
const PACKET_SECONDS = 0.04;
const READ_SECONDS = 0.02;  // how far ahead sound is read
const MARGIN = 0.01;
const WINDOW = 100;  // packets whose lateness counts
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
    /** @type {number[]} */
    this.sound = [];
    /** @type {number[]} */
    this.face = [];
    this.movedAt = 0;
  }

  /**
   * Note a sound packet whose last sample has media time `end`.
   * @param {number} end
   * @param {number} now
   */
  soundCame(end, now) {
    noted(this.sound, now - end / RATE);
    this.adapt(now);
  }

  /**
   * Note a face frame of media time `capture`.
   * @param {number} capture
   * @param {number} now
   */
  faceCame(capture, now) { noted(this.face, now - capture / RATE); }

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

  /** Where the base should be. */
  get wanted() {
    const sound = percentile(this.sound, PERCENTILE) + PACKET_SECONDS + READ_SECONDS;
    if (!this.face.length) return sound + MARGIN;
    return Math.max(sound, percentile(this.face, PERCENTILE) + this.renderSeconds) + MARGIN;
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

/**
 * @param {number[]} list
 * @param {number} value
 */
function noted(list, value) {
  list.push(value);
  if (list.length > WINDOW) list.shift();
}

/**
 * Return a percentile, with straight lines between the values.
 * @param {number[]} values
 * @param {number} share
 */
function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}
