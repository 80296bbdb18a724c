// One frame of integers to and from the range coder (docs/bitstream.md section 6.3).

import { CorruptPacket } from "./errors.js";
import { ANCHOR, DIRECT, LARGEST_LEVEL, NEXT, ZERO, classOf, smallestOf } from "./modes.js";
import { zeroState } from "./state.js";

const WEIGHT = 4;  // of a residual's magnitude in memory and activity
const LOUDEST = 15;  // larger magnitudes count as this
const HIGHEST_MEMORY = 119;
const HIGHEST_ACTIVITY = 511;

/** @typedef {import("./state.js").CoderState} CoderState */

/** Codes frames with one set of tables; holds no state of its own between calls. */
export class FrameCoder {
  /** @param {import("./tables.js").CodecTables} tables */
  constructor(tables) {
    this.tables = tables;
    /** The state before anything was coded. */
    this.zero = zeroState(tables.coefficients, tables.keypoints);
    this.rows = tables.cells.map((mode) => mode.map((row) => Array.from(row, (cell) => tables.cdfs[cell])));
    this.own = classes(tables.ownEdges, HIGHEST_MEMORY).map((index) => index * tables.activityEdges.length);
    this.activity = classes(tables.activityEdges, HIGHEST_ACTIVITY);
    this.damped = tables.damping.some(Boolean);
    this.still = tables.still.map((pair) => pair.map((share) => [0, share, 2 ** 16]));
  }

  /**
   * Return p, the coefficients if all residuals are 0. It may be the state's own array: only read it.
   * @param {number} mode
   * @param {CoderState} reference
   */
  predict(mode, { levels, steps }) {
    if (mode !== NEXT || steps === null || !this.damped) return levels;
    return levels.map((level, i) => level + ((this.tables.damping[i] * steps[i] + 128) >> 8));
  }

  /**
   * Code a frame and return the state after it.
   * @param {import("./rangecoder.js").RangeEncoder} encoder takes the symbols
   * @param {number} mode how `reference` was chosen
   * @param {CoderState} reference a state the decoder holds
   * @param {Int32Array} residuals r, M integers; those beyond the columns of `kept` are ignored
   * @param {number} kept keypoints in use
   * @returns {CoderState}
   */
  write(encoder, mode, reference, residuals, kept) {
    const sent = residuals.subarray(0, this.tables.columns[kept - 1]);
    const [, share, whole] = this.still[mode][Number(reference.still)];
    if (kept === reference.kept && !sent.some(Boolean)) {
      encoder.encode(share, whole - share);
      return this.after(mode, reference, null, kept);
    }
    encoder.encode(0, share);
    writeResidual(encoder, this.tables.keptCdf, kept - reference.kept);
    let activity = 0;
    sent.forEach((residual, index) => {
      writeResidual(encoder, this.cdf(mode, index, reference, activity), reference.lean[index] ? -residual : residual);
      activity = ((7 * activity) >> 3) + loudness(residual);
    });
    return this.after(mode, reference, sent, kept);
  }

  /**
   * Return the state after the next frame.
   * @param {import("./rangecoder.js").RangeDecoder} decoder
   * @param {number} mode
   * @param {CoderState} reference
   * @returns {CoderState}
   */
  read(decoder, mode, reference) {
    let kept = reference.kept;
    let residuals = null;
    if (decoder.decode(this.still[mode][Number(reference.still)]) === 0) {
      kept += readResidual(decoder, this.tables.keptCdf);
      if (kept < 1 || kept > this.tables.keypoints) {
        throw new CorruptPacket(decoder.position, `${kept} keypoints of ${this.tables.keypoints}`);
      }
      residuals = this.readResiduals(decoder, mode, reference, this.tables.columns[kept - 1]);
    }
    const state = this.after(mode, reference, residuals, kept);
    if (state.levels.some((level) => Math.abs(level) > LARGEST_LEVEL)) {
      throw new CorruptPacket(decoder.position, "a coefficient leaves its range");
    }
    return state;
  }

  /**
   * @param {import("./rangecoder.js").RangeDecoder} decoder
   * @param {number} mode
   * @param {CoderState} reference
   * @param {number} count
   */
  readResiduals(decoder, mode, reference, count) {
    const residuals = new Int32Array(count);
    let activity = 0;
    for (let index = 0; index < count; index++) {
      const residual = readResidual(decoder, this.cdf(mode, index, reference, activity));
      residuals[index] = reference.lean[index] ? -residual : residual;
      activity = ((7 * activity) >> 3) + loudness(residual);
    }
    return residuals;
  }

  /**
   * Return the table of a residual.
   * @param {number} mode
   * @param {number} index
   * @param {CoderState} reference
   * @param {number} activity
   */
  cdf(mode, index, { memory }, activity) {
    return this.rows[mode][index][this.own[memory[index]] + this.activity[activity]];
  }

  /**
   * Return the state after a frame of these residuals, or after a still one (null); missing residuals are 0.
   * @param {number} mode
   * @param {CoderState} reference
   * @param {Int32Array | null} sent
   * @param {number} kept
   * @returns {CoderState}
   */
  after(mode, reference, sent, kept) {
    const still = sent === null;
    const residuals = sent ?? new Int32Array(0);
    const prediction = this.predict(mode, reference);
    const levels = Int32Array.from(prediction);
    if (prediction !== reference.levels) {
      const count = this.tables.columns[kept - 1];
      levels.set(reference.levels.subarray(count), count);
    }
    residuals.forEach((residual, index) => { levels[index] += residual; });
    const { memory: rested, lean: upright } = this.zero;
    if (mode <= ANCHOR) return { levels, steps: null, memory: rested, lean: upright, kept, still };
    const memory = reference.memory.map((value) => value >> 1);
    const lean = Uint8Array.from(reference.lean);
    residuals.forEach((residual, index) => {
      memory[index] += loudness(residual);
      if (residual) lean[index] = Number(residual < 0);
    });
    const steps = mode === NEXT && this.damped ? levels.map((level, i) => level - reference.levels[i]) : null;
    return { levels, steps, memory, lean, kept, still };
  }
}

/**
 * Return the class of every value from 0 to `highest`: how many edges are not above it, minus 1.
 * @param {number[]} edges
 * @param {number} highest
 */
function classes(edges, highest) {
  return Array.from({ length: highest + 1 }, (_, value) => edges.filter((edge) => edge <= value).length - 1);
}

/** @param {number} residual */
function loudness(residual) { return WEIGHT * Math.min(Math.abs(residual), LOUDEST); }

/**
 * Code any residual of magnitude up to 32767 as token and plain bits.
 * @param {import("./rangecoder.js").RangeEncoder} encoder
 * @param {number[]} cdf
 * @param {number} residual
 */
function writeResidual(encoder, cdf, residual) {
  const magnitude = Math.abs(residual);
  const [size, bits] = magnitude <= DIRECT ? [magnitude, 0] : classOf(magnitude);
  const token = ZERO + (residual > 0 ? size : -size);
  encoder.encode(cdf[token], cdf[token + 1] - cdf[token]);
  if (bits) encoder.encode(magnitude & ((1 << bits) - 1), 1, bits);
}

/**
 * @param {import("./rangecoder.js").RangeDecoder} decoder
 * @param {number[]} cdf
 */
function readResidual(decoder, cdf) {
  const token = decoder.decode(cdf) - ZERO;
  if (Math.abs(token) <= DIRECT) return token;
  const [smallest, bits] = smallestOf(Math.abs(token));
  const magnitude = smallest + decoder.decodeBits(bits);
  return token > 0 ? magnitude : -magnitude;
}
