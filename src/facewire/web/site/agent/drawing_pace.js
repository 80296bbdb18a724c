// How many pictures a second this device draws, as measured while it does (facewire/call/person/drawing_pace.py).

const LAST = 9;  // pictures whose median counts; before so many nothing is known
const AGAIN_SECONDS = 2;  // while none are asked for, one is drawn so often where few are drawn, to see whether that is so still

/** The pace of one stream. */
export class DrawingPace {
  constructor() {
    /** @type {number[]} */
    this.took = [];
    this.tried = -Infinity;
  }

  /** Note what a picture took. @param {number} seconds */
  drew(seconds) { this.took = [...this.took.slice(1 - LAST), seconds]; }

  /** Whole pictures a second; null if that is not known yet. @returns {number | null} */
  get perSecond() {
    if (this.took.length < LAST) return null;
    const middle = [...this.took].sort((first, second) => first - second)[(LAST - 1) / 2];
    return Math.floor(1 / Math.max(middle, 1e-3));
  }

  /**
   * Say whether one should be drawn to see whether `enough` a second can be now, and note that it is.
   * @param {number} now
   * @param {number} enough
   */
  due(now, enough) {
    const pace = this.perSecond;
    if (pace === null || pace >= enough || now - this.tried < AGAIN_SECONDS) return false;
    this.tried = now;
    return true;
  }
}
