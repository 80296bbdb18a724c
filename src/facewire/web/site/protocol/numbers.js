// Numbers as they go over the wire: rounded, wrapped, rationed.

/**
 * Return the nearest whole number, of two the even one, as Python rounds.
 * @param {number} value
 */
export function rounded(value) {
  const low = Math.floor(value);
  const half = value - low === 0.5;
  return half ? low + (low & 1) : Math.round(value);
}

/**
 * Return the number that agrees with `value` modulo `modulus` and lies nearest to `near`.
 * @param {number} value
 * @param {number} near
 * @param {number} modulus
 */
export function unwrapped(value, near, modulus) {
  const half = modulus / 2;
  const ahead = (value - near + half) % modulus;
  return near + (ahead < 0 ? ahead + modulus : ahead) - half;
}

/** Allows `rate` events a second on average and `burst` at once; time is handed in. */
export class Permits {
  /**
   * @param {number} rate
   * @param {number} burst
   */
  constructor(rate, burst) {
    this.rate = rate;
    this.burst = burst;
    this.level = burst;
    /** @type {number | null} */
    this.at = null;
  }

  /**
   * Take one and say whether there was one.
   * @param {number} now seconds
   */
  take(now) {
    if (this.at !== null) this.level = Math.min(this.burst, this.level + Math.max(0, now - this.at) * this.rate);
    this.at = now;
    if (this.level < 1) return false;
    this.level--;
    return true;
  }
}
