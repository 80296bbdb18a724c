// Which picture is sent: synthesis, ordinary video, or none; changed slowly, so that nothing flickers
// (facewire/call/person/modes.py). A page has no identity network, so it never takes a new source by itself.
//
//     synthesis --bad for 0.6 s--> video --good for 2 s--> synthesis
//
// Ordinary video is also sent to a side that draws few pictures a second, as long as it says so.

import { PAUSED, SYNTHESIS, VIDEO } from "../protocol/bundle.js";

const [BAD_SECONDS, GOOD_SECONDS] = [0.6, 2];
const [FEW, ENOUGH] = [6, 8];  // pictures a second: whoever draws fewer than FEW is sent video until it draws ENOUGH

/** The mode of one sender. */
export class ModeKeeper {
  constructor() {
    this.cameraOff = false;
    /** Ordinary video of the camera may be sent where synthesis does not fit. */
    this.allowed = true;
    /** What spoke against synthesis last. @type {string[]} */
    this.reasons = [];
    this.video = false;
    /** Pictures a second that the other side draws, if these are few. @type {number | null} */
    this.slow = null;
    /** Since when it has been as it is, good or bad. @type {number | null} */
    this.since = null;
  }

  /** SYNTHESIS, VIDEO or PAUSED. */
  get mode() {
    if (this.cameraOff) return PAUSED;
    return (this.video || this.slow !== null) && this.allowed ? VIDEO : SYNTHESIS;
  }

  /** What speaks against synthesis, for people. */
  get why() {
    const slow = this.slow !== null && this.mode === VIDEO;
    return [...this.reasons, ...(slow ? [`the other side draws ${this.slow} pictures a second`] : [])];
  }

  /**
   * Note how many pictures a second the other side draws; null: it does not say.
   * @param {number | null} draws
   */
  hearDraws(draws) { this.slow = draws !== null && draws < (this.slow === null ? FEW : ENOUGH) ? draws : null; }

  /**
   * Take a judgement.
   * @param {string[]} reasons that speak against synthesis
   * @param {number} now
   */
  hear(reasons, now) {
    if (this.since === null || (reasons.length > 0) !== (this.reasons.length > 0)) this.since = now;
    this.reasons = reasons;
    if (reasons.length && now - this.since >= BAD_SECONDS) this.video = true;
    else if (!reasons.length && now - this.since >= GOOD_SECONDS) this.video = false;
  }
}
