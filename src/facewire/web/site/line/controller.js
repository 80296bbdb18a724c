// Which step to send with: down as soon as the line is full, up carefully, protected as much as is lost
// (facewire/call/line/controller.py, which says why).

import { NONE, RICH, STEPS, THIN, fitting, rateOf } from "./steps.js";

const [FULL_WAIT, SOME_WAIT, CALM_WAIT, LONG_WAIT] = [0.12, 0.05, 0.04, 0.4];  // seconds of waiting
const [FULL_LOSS, DEAD_LOSS] = [0.08, 0.6];
const SHARE = 0.85;  // of what came through a full line that is used from then on
const [FIRST_HOLD, BEYOND_HOLD, LONGEST_HOLD] = [4, 20, 120];  // seconds of calm before a step up
const [PROBATION, TRIED_WAIT] = [8, 0.06];  // seconds within which a step up can fail, and of waiting at which it has
const [TREND_SECONDS, DRAINED] = [0.6, 0.03];  // a queue that becomes shorter needs no further step down
const SETTLE = 1;  // seconds, and a round trip, until a step shows in the reports
const SILENCE = 2;  // seconds without a report after which the line counts as full
const THIN_LINE = 16;  // kbit/s that a line is taken for whose user wants thin mode
const [FACES_FROM, SOUND_FROM] = [0.008, 0.02];  // shares lost from which faces and sound are sent twice
const LONGEST_BACK = 360;  // milliseconds that a copy may be earlier

/** Chooses for one direction; time is handed in, in seconds. */
export class Controller {
  /** @param {boolean} thin thin mode is wanted on this side */
  constructor(thin) {
    this.place = RICH;
    this.protection = NONE;
    /** Why the step is not the richest, for people. */
    this.reason = "";
    this.carries = Infinity;
    this.own = false;
    this.theirs = false;
    this.changed = -Infinity;
    this.heard = -Infinity;
    this.rose = -Infinity;
    this.hold = FIRST_HOLD;
    this.loss = 0;
    this.run = 0;
    this.wait = 0;
    /** @type {[number, number][]} */
    this.waits = [];
    this.want(thin);
  }

  get step() { return STEPS[this.place]; }

  /** True if either side wants thin mode. */
  get thin() { return this.own || this.theirs; }

  /** kbit/s that the line carries as far as is known; infinite while it was never full. */
  get limit() { return this.thin ? Math.min(this.carries, THIN_LINE) : this.carries; }

  /** @param {boolean} thin */
  want(thin) {
    this.own = thin;
    this.byHand();
  }

  /** @param {boolean} thin */
  wantTheirs(thin) {
    if (thin === this.theirs) return;
    this.theirs = thin;
    this.byHand();
  }

  /**
   * Note what the line carries before anything but a photo went over it.
   * @param {number} rate kbit/s
   * @param {number} now
   */
  expect(rate, now) {
    if (rate === Infinity) return;
    this.carries = rate;
    this.hold = FIRST_HOLD / 2;
    this.go(Math.max(this.place, fitting(SHARE * rate)), now, `the line carries ${rate.toFixed(0)} kbit/s`);
  }

  /**
   * Take a report of the other side on what this side sends.
   * @param {import("../protocol/line_report.js").LineReport} report
   * @param {number} roundTrip seconds
   * @param {number} now
   */
  hear(report, roundTrip, now) {
    this.heard = now;
    [this.loss, this.run, this.wait] = [report.loss, report.run, report.wait];
    this.wantTheirs(report.thin);
    const settled = now - this.changed > SETTLE + roundTrip;
    const tried = now - this.rose < PROBATION;
    const full = report.wait > (tried ? TRIED_WAIT : FULL_WAIT) || (report.wait > SOME_WAIT && report.loss > FULL_LOSS);
    const drains = this.drains(report.wait, now);
    const urgent = report.wait > LONG_WAIT && this.place < THIN;
    if ((full || report.loss > DEAD_LOSS) && (settled || tried || urgent) && !drains) this.fall(report, now);
    else if (settled && report.wait < CALM_WAIT && now - this.changed > this.patience) this.rise(now);
    this.protect();
  }

  /** Note that time passed; without reports the line counts as full. @param {number} now */
  passTime(now) {
    const silent = this.heard > -Infinity && now - Math.max(this.heard, this.changed) > SILENCE;
    if (silent && this.place < THIN) this.go(THIN, now, "nothing is heard of the line");
  }

  /**
   * Note a waiting time and say whether it is falling.
   * @param {number} wait
   * @param {number} now
   */
  drains(wait, now) {
    this.waits.push([now, wait]);
    while (this.waits[0][0] < now - TREND_SECONDS) this.waits.shift();
    return wait < this.waits[0][1] - DRAINED;
  }

  /** Seconds of calm before the next step up. */
  get patience() {
    const beyond = this.place > RICH && rateOf(STEPS[this.place - 1], this.protection) > this.limit;
    return beyond ? Math.min(LONGEST_HOLD, (this.hold * BEYOND_HOLD) / FIRST_HOLD) : this.hold;
  }

  byHand() {
    if (!this.thin) {
      this.hold = FIRST_HOLD;
      return;
    }
    this.place = THIN;
    this.reason = `thin mode was chosen${this.own ? "" : " by the other side"}`;
  }

  /**
   * @param {import("../protocol/line_report.js").LineReport} report
   * @param {number} now
   */
  fall({ rate, wait, loss }, now) {
    if (now - this.rose < PROBATION) this.hold = Math.min(LONGEST_HOLD, 2 * this.hold);
    this.rose = -Infinity;
    this.carries = Math.min(rate, 4 * rateOf(STEPS[RICH]));
    const place = Math.max(Math.min(this.place + 1, THIN), fitting(SHARE * this.limit, this.protection));
    const why = wait <= SOME_WAIT ? `${(100 * loss).toFixed(0)} % are lost` : `packets wait ${(1000 * wait).toFixed(0)} ms`;
    this.go(wait > LONG_WAIT ? THIN : place, now, why);
  }

  /** @param {number} now */
  rise(now) {
    if (now - this.rose > PROBATION && this.rose > -Infinity) this.hold = Math.max(FIRST_HOLD, this.hold / 2);
    if (this.thin) return;
    if (this.place === RICH) {
      [this.carries, this.reason] = [Infinity, ""];
      return;
    }
    this.carries = Math.max(this.carries, rateOf(this.step, this.protection) / SHARE);
    this.rose = now;
    this.go(this.place - 1, now, this.place === RICH + 1 ? "" : "the line is being tried");
  }

  /**
   * @param {number} place
   * @param {number} now
   * @param {string} why
   */
  go(place, now, why) {
    if (this.thin) return;
    [this.place, this.changed, this.reason] = [place, now, place === RICH ? "" : why];
  }

  /** Choose what is sent twice: by the loss, and so that it fits the line. */
  protect() {
    if (this.wait > LONG_WAIT) {  // whatever goes twice makes the queue longer
      this.protection = NONE;
      return;
    }
    const { packet } = this.step;
    const back = Math.max(1, Math.min(Math.round((2000 * this.run) / packet) - 1, Math.floor(LONGEST_BACK / packet)));
    const wanted = { faces: this.loss >= FACES_FROM, sound: this.loss >= SOUND_FROM, back };
    const fits = this.limit === Infinity || rateOf(this.step, wanted) <= SHARE * this.limit;
    this.protection = fits ? wanted : { ...wanted, sound: false };
  }
}
