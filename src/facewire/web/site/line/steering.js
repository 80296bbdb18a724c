// One connection's line in both directions: what to say of what comes, and how to send what goes
// (facewire/call/conversation/steering.py).
//
// Until the other side has shown that it knows of reports it is an older one, and is sent the rich step without any.

import { aloneBytes, parseAlone } from "../protocol/line_report.js";
import { Controller } from "./controller.js";
import { LineMeter } from "./line_meter.js";
import { FACE_SECONDS, NONE, RICH, STEPS } from "./steps.js";

const SOME_WAIT = 0.05;
const REPORT_SECONDS = 0.36;
const LATE_PACKETS = 12;  // of the own packets that the latest counts of
const SLACK = 0.35;  // share of the time between two pictures by which one may come early and be sent all the same
const [ANNOUNCEMENTS, ANNOUNCE_SECONDS] = [5, 0.5];
export const QUICK = 8;  // pictures a second; a side that draws fewer says so
const [DRAWS_SECONDS, DRAWS_KEPT] = [5, 12];  // between two reports that say it, and how long one holds
const [RTP_BYTES, CHANNEL_BYTES] = [28 + 12 + 16, 28 + 37 + 28];

/** Time is handed in, in seconds. */
export class Steering {
  /** @param {boolean} thin thin mode is wanted on this side */
  constructor(thin) {
    this.meter = new LineMeter();
    this.controller = new Controller(thin);
    /** How the own packets leave. */
    this.leaving = new LineMeter();
    /** By how much the last of them left late, seconds. @type {number[]} */
    this.late = [0];
    /** The other side knows of reports. */
    this.known = false;
    this.heardMedia = false;
    /** Pictures a second that this side draws; null if that is not known. @type {number | null} */
    this.draws = null;
    this.drawsTold = -Infinity;
    /** What the other side said of itself, and when. @type {{draws: number | null, at: number}} */
    this.theirs = { draws: null, at: -Infinity };
    this.announced = 0;
    this.reported = -Infinity;
  }

  /** The step to send with. */
  get step() { return this.known ? this.controller.step : STEPS[RICH]; }

  /** What to send twice. */
  get protection() { return this.known ? this.controller.protection : NONE; }

  /** Why the step is not the richest. */
  get reason() { return this.known ? this.controller.reason : ""; }

  /** The least time between two faces that are sent. */
  get faceSeconds() { return (this.step.faceEvery - SLACK) * FACE_SECONDS; }

  /** @param {boolean} thin */
  want(thin) { this.controller.want(thin); }

  /** @param {number} now */
  passTime(now) { this.controller.passTime(now); }

  /**
   * @param {number} start
   * @param {number} samples
   * @param {number} bytes above RTP
   * @param {number} now
   */
  soundCame(start, samples, bytes, now) {
    this.meter.bytesCame(RTP_BYTES + bytes, now);
    this.meter.soundCame(start, samples, now);
  }

  /**
   * Note a sound packet that left: a busy machine is no full line, nor is sound that a browser has left out.
   * @param {number} start
   * @param {number} samples
   * @param {number} now
   */
  soundLeft(start, samples, now) {
    this.leaving.soundCame(start, samples, now);
    this.late = [...this.late.slice(1 - LATE_PACKETS), this.leaving.wait];
  }

  /**
   * Note a message of a data channel.
   * @param {number} length
   * @param {number} now
   */
  messageCame(length, now) { this.meter.bytesCame(channelBytes(length), now); }

  /** @param {number} now */
  photoBegins(now) { this.meter.photoBegins(now); }

  /**
   * @param {number} length
   * @param {number} now
   */
  photoPiece(length, now) { this.meter.photoPiece(channelBytes(length), now); }

  /** Note that a photo is whole; say whether that tells something new. */
  photoEnds() { return this.meter.photoEnds(); }

  /**
   * Return a report that goes alone, if one is due: the other side has not been heard of, or this one is slow.
   * @param {number} now
   */
  announcement(now) {
    if (this.known && this.draws !== null && this.draws < QUICK) return this.slowness(now);
    if (this.known || this.announced >= ANNOUNCEMENTS || now - this.reported < ANNOUNCE_SECONDS) return null;
    this.announced++;
    return this.alone(now);
  }

  /** @param {number} now */
  slowness(now) {
    if (now - this.drawsTold < DRAWS_SECONDS) return null;
    this.drawsTold = now;
    return aloneBytes(this.report(now), this.draws);
  }

  /** Return how many pictures a second the other side draws; null if it has not said so lately. @param {number} now */
  theirDraws(now) { return now - this.theirs.at > DRAWS_KEPT ? null : this.theirs.draws; }

  /** Return a report that goes alone. @param {number} now */
  alone(now) {
    this.reported = now;
    return aloneBytes(this.report(now));
  }

  /**
   * Return the report that goes behind the next sound packet: from time to time, and always on a full line.
   * @param {number} now
   */
  due(now) {
    if (!this.known || (now - this.reported < REPORT_SECONDS && this.meter.wait < SOME_WAIT)) return null;
    this.reported = now;
    return this.report(now);
  }

  /**
   * Take a report that came alone; say whether it is the first sign of the other side.
   * @param {Uint8Array} message
   * @param {number} now
   */
  hearAlone(message, now) {
    const report = parseAlone(message);
    const first = !this.known;
    this.known = true;
    if (report.draws !== null) this.theirs = { draws: report.draws, at: now };
    if (this.heardMedia) return first;
    this.controller.wantTheirs(report.thin);
    this.controller.expect(report.rate, now);
    return first;
  }

  /**
   * Take a report that came behind a sound packet.
   * @param {import("../protocol/line_report.js").LineReport} report
   * @param {number} roundTrip seconds
   * @param {number} now
   */
  hear(report, roundTrip, now) {
    [this.known, this.heardMedia] = [true, true];
    this.controller.hear(this.withoutOwn(report), roundTrip, now);
  }

  /** @param {number} now */
  report(now) { return this.withoutOwn(this.meter.report(now, this.controller.own)); }

  /**
   * Return a report without the waiting that this machine causes itself, at either end.
   * @param {import("../protocol/line_report.js").LineReport} report
   */
  withoutOwn(report) { return { ...report, wait: Math.max(0, report.wait - Math.max(...this.late)) }; }
}

/** @param {number} length */
function channelBytes(length) { return CHANNEL_BYTES + 4 * Math.ceil(length / 4); }
