// Motion to bytes: packets for a live connection, runs of frames for a file.
//
//     frame -> points -> residuals against a reference -> (choose how many keypoints) -> range coder -> bytes

import { joined } from "./bytes.js";
import { FrameCoder } from "./frame_coder.js";
import { ABSOLUTE, ANCHOR, NEXT, modeOf } from "./modes.js";
import { EPOCHS, FARTHEST, NUMBERS, headBytes } from "./packet.js";
import { Quantizer } from "./quantizer.js";
import { RangeEncoder } from "./rangecoder.js";
import { LAST_EPOCH, MOST_FRAMES } from "./sections.js";

/**
 * @typedef {import("./state.js").MotionFrame} MotionFrame
 * @typedef {import("./state.js").CoderState} CoderState
 * @typedef {(kept: number) => MotionFrame} Trial what the receiver would have if so many keypoints were sent
 * @typedef {(trial: Trial) => number} Choose a rule: tries some counts and returns the one to send
 */

/** What both profiles share: quantising, choosing, coding one frame. */
class MotionEncoder {
  /** @param {import("./tables.js").CodecTables} tables */
  constructor(tables) {
    this.tables = tables;
    this.coder = new FrameCoder(tables);
    this.quantizer = new Quantizer(tables);
    this.anchor = this.coder.zero;
    this.state = this.coder.zero;
    this.epoch = -1;
    /** Of the next frame. */
    this.number = 0;
  }

  /** What the receiver makes of the frame (or anchor) coded last. */
  get latest() { return this.quantizer.frame(this.state.levels, this.state.kept); }

  /**
   * Return a motion coded by itself, as a reference section holds it; nothing else changes.
   * @param {MotionFrame} motion
   */
  reference(motion) {
    const encoder = new RangeEncoder();
    this.coded(encoder, ABSOLUTE, this.coder.zero, motion);
    const data = encoder.finish();
    return data.length ? data : new Uint8Array(1);
  }

  /**
   * Begin an epoch with a source's own motion (null: the zero state) and return its anchor for the source section.
   * @param {MotionFrame | null} motion
   */
  source(motion) {
    if (this.epoch === LAST_EPOCH) throw new RangeError("a stream has at most 65536 sources");
    this.epoch++;
    const encoder = new RangeEncoder();
    this.anchor = motion ? this.coded(encoder, ABSOLUTE, this.coder.zero, motion) : this.coder.zero;
    this.state = this.anchor;
    return encoder.finish();
  }

  /**
   * Code a frame and return the state after it.
   * @param {RangeEncoder} encoder
   * @param {number} mode
   * @param {CoderState} reference
   * @param {MotionFrame} frame
   * @param {Choose} [choose]
   */
  coded(encoder, mode, reference, frame, choose) {
    const prediction = this.coder.predict(mode, reference);
    const residuals = this.quantizer.residuals(this.quantizer.points(frame), prediction);
    const kept = choose ? choose(this.trial(reference, prediction, residuals)) : frame.kept;
    if (!(Number.isInteger(kept) && kept >= 1 && kept <= this.tables.keypoints)) {
      throw new RangeError(`the rule chose ${kept} of ${this.tables.keypoints} keypoints`);
    }
    return this.coder.write(encoder, mode, reference, residuals, kept);
  }

  /**
   * @param {CoderState} reference
   * @param {Int32Array} prediction
   * @param {Int32Array} residuals
   * @returns {Trial}
   */
  trial(reference, prediction, residuals) {
    return (kept) => {
      const count = this.tables.columns[kept - 1];
      const levels = reference.levels.map((held, i) => (i < count ? prediction[i] + residuals[i] : held));
      return this.quantizer.frame(levels, kept);
    };
  }
}

/** Profile file: frames in groups, each frame coded from the one before it. */
export class FileEncoder extends MotionEncoder {
  /**
   * @param {import("./tables.js").CodecTables} tables
   * @param {number} [group] frames in a group, 1 to 1024
   */
  constructor(tables, group = 250) {
    super(tables);
    if (!(group >= 1 && group <= MOST_FRAMES)) {
      throw new RangeError(`a group of ${group} frames is not possible: 1 to ${MOST_FRAMES}`);
    }
    this.group = group;
    this.first = 0;
    this.encoder = new RangeEncoder();
  }

  /**
   * Begin an epoch; the open group must be taken with `flush` first, for a group belongs to one epoch.
   * @param {MotionFrame | null} motion
   */
  source(motion) {
    if (this.number > this.first) throw new RangeError("flush the open group before a new source");
    return super.source(motion);
  }

  /**
   * Add a frame and return the group if that completed it.
   * @param {MotionFrame} frame
   * @param {Choose} [choose] decides how many keypoints are sent; without it the frame's `kept` is used
   * @returns {import("./sections.js").Run | null}
   */
  encode(frame, choose) {
    if (this.epoch < 0) throw new RangeError("a source comes first");
    const [mode, reference] = this.number === this.first ? [ANCHOR, this.anchor] : [NEXT, this.state];
    this.state = this.coded(this.encoder, mode, reference, frame, choose);
    this.number++;
    return this.number - this.first === this.group ? this.flush() : null;
  }

  /**
   * Return the frames not returned yet, or null if there are none; the next frame begins a group.
   * @returns {import("./sections.js").Run | null}
   */
  flush() {
    if (this.number === this.first) return null;
    const data = this.encoder.finish();
    const run = { first: this.first, count: this.number - this.first, epoch: this.epoch, data };
    this.encoder = new RangeEncoder();
    this.first = this.number;
    return run;
  }
}

/** Profile stream: every packet builds on the source or on a frame whose arrival was confirmed. */
export class StreamEncoder extends MotionEncoder {
  /**
   * @param {import("./tables.js").CodecTables} tables
   * @param {number} [refresh] send every n-th frame from the anchor even if confirmed frames are at hand; 0: never
   */
  constructor(tables, refresh = 0) {
    super(tables);
    this.refresh = refresh;
    /** @type {Map<number, CoderState>} */
    this.sent = new Map();
    this.confirmed = -1;
  }

  /**
   * Note that the receiver has decoded a frame. Unknown and old numbers are ignored.
   * @param {number} number
   */
  acknowledge(number) {
    if (number > this.confirmed && this.sent.has(number)) this.confirmed = number;
  }

  /**
   * Return the packet of the next frame.
   * @param {MotionFrame} frame
   * @param {Choose} [choose]
   * @param {boolean} [chained] build on the frame before: both travel in one message and arrive together or not at all
   */
  encode(frame, choose, chained = false) {
    if (this.epoch < 0) throw new RangeError("a source comes first");
    const distance = chained && this.sent.has(this.number - 1) ? 1 : this.distance();
    const reference = this.sent.get(this.number - distance) ?? this.anchor;
    const encoder = new RangeEncoder();
    this.state = this.coded(encoder, modeOf(distance), reference, frame, choose);
    const head = headBytes({ number: this.number % NUMBERS, distance, epoch: this.epoch % EPOCHS });
    const packet = { number: this.number, distance, data: joined(head, encoder.finish()) };
    this.sent.set(this.number, this.state);
    this.sent.delete(this.number - FARTHEST);
    this.number++;
    return packet;
  }

  /** Return how far the newest confirmed frame is, or 0 for the anchor. */
  distance() {
    if (this.refresh && this.number % this.refresh === 0) return 0;
    const distance = this.number - this.confirmed;
    return this.confirmed >= 0 && distance <= FARTHEST ? distance : 0;
  }
}
