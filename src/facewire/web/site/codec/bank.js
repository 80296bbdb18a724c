// The pictures that a receiver keeps, so that one it was sent already can be named by a number (section 9.9).

const MOST_PICTURES = 8;

/**
 * The pictures used most recently, by the epoch that they came with.
 * @template Held
 */
export class Bank {
  constructor() {
    /** @type {Map<number, Held>} */
    this.held = new Map();
  }

  /**
   * Take the picture that came with an epoch; of nine the one used longest ago leaves and is returned.
   * @param {number} epoch
   * @param {Held} picture
   * @returns {Held | undefined}
   */
  add(epoch, picture) {
    this.held.set(epoch, picture);
    if (this.held.size <= MOST_PICTURES) return undefined;
    const [[oldest, left]] = this.held;
    this.held.delete(oldest);
    return left;
  }

  /**
   * Return the picture of an epoch, which is now the one used last; undefined if it is not held.
   * @param {number} epoch
   * @returns {Held | undefined}
   */
  recall(epoch) {
    const picture = this.held.get(epoch);
    if (picture !== undefined) {
      this.held.delete(epoch);
      this.held.set(epoch, picture);
    }
    return picture;
  }
}
