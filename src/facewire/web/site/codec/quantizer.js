// Components to integer coefficients and back (docs/bitstream.md sections 4 and 5).
//
// Only the way back is normative; the way there is that of our encoder, stage by stage, so that both write the same
// bytes. All integers stay below 2^53, so doubles hold them exactly.

import { LARGEST_LEVEL } from "./modes.js";
import { motionFrame } from "./state.js";

const POINT = 2 ** 16;  // units of a component
const BASIS_STEP = 2 ** 4;  // basis units in one of those
const FINER = 2 ** 4;  // units of a wanted coefficient in one of analysis times components
const SHOWN = 2 ** 20;  // units of a wanted coefficient in one of a coefficient that is rounded
const STEP = 2 ** 8;  // those in one step
const EXACT = 2 ** 53;
const ROUNDING = 1.5 * 2 ** 52;  // added and taken away again, it rounds to the nearest integer, ties to even

/**
 * @param {number} components
 * @param {number} angle
 * @param {number} place
 */
function limits(components, angle, place) {
  return Array.from({ length: components }, (_, index) => (index < 3 ? angle : place));
}

/**
 * Return the frame of components in units of 2^-16, clamped to what the format can say.
 * @param {number[]} points
 * @param {number} kept
 */
export function frameOfPoints(points, kept) {
  const limit = limits(points.length, 4 * POINT, 8 * POINT);
  return motionFrame(points.map((value, j) => clamp(value, limit[j]) / POINT), kept);
}

/**
 * Return a component in units of 2^-16, rounded, ties to even, and cut to a limit.
 * @param {number} value
 * @param {number} limit in these units
 */
export function pointOf(value, limit) {
  return clamp(value * POINT, limit) + ROUNDING - ROUNDING;
}

/** Turns frames into coefficients and coefficients into frames, for one set of tables. */
export class Quantizer {
  /** @param {import("./tables.js").CodecTables} tables */
  constructor(tables) {
    this.tables = tables;
    const components = tables.offset.length;
    this.inputLimit = limits(components, Math.round(3.2 * POINT), 4 * POINT);
    this.starts = [0, ...tables.stages.slice(0, -1)];
    /** @type {Float64Array[] | null} */
    this.gram = null;
  }

  /**
   * Return a frame's components as integers in units of 2^-16, cut to what the format can hold.
   * @param {import("./state.js").MotionFrame} frame
   */
  points({ vector }) {
    if (vector.length !== this.inputLimit.length) {
      throw new RangeError(`keypoints = ${(vector.length - 6) / 3} is not possible: use ${this.tables.keypoints}`);
    }
    return Array.from(vector, (value, j) => pointOf(value, this.inputLimit[j]));
  }

  /**
   * Return r, M integers, of components against the prediction of all M coefficients.
   * @param {number[]} points
   * @param {ArrayLike<number>} prediction
   * @returns {Int32Array}
   */
  residuals(points, prediction) {
    const { analysis, offset, stages, coefficients } = this.tables;
    const gram = this.gram ??= this.madeGram();
    const away = points.map((value, j) => value - offset[j]);
    const wanted = analysis.map((row) => FINER * dot(row, away));
    const found = new Int32Array(coefficients);
    stages.forEach((stop, number) => {
      const start = this.starts[number];
      for (let i = start; i < stop; i++) found[i] = this.rounded(Math.floor(wanted[i] / SHOWN), prediction[i], i);
      for (let row = stop; row < coefficients; row++) {
        for (let i = start; i < stop; i++) wanted[row] -= gram[row][i] * (prediction[i] + found[i]);
      }
    });
    return found;
  }

  /**
   * Return the residual of coefficient `index`, rounded with its dead zone.
   * @param {number} shown the wanted value in 1/256 steps
   * @param {number} predicted
   * @param {number} index
   */
  rounded(shown, predicted, index) {
    const away = shown - predicted * STEP;
    const size = Math.floor((Math.abs(away) + STEP / 2 - this.tables.deadZone[index]) / STEP);
    return away >= 0
      ? Math.min(size, LARGEST_LEVEL - predicted, LARGEST_LEVEL)
      : -Math.min(size, LARGEST_LEVEL + predicted, LARGEST_LEVEL);
  }

  /**
   * Return the frame of M coefficients: the same bits on every machine.
   * @param {ArrayLike<number>} levels
   * @param {number} kept
   */
  frame(levels, kept) {
    const { basis, offset } = this.tables;
    const half = BASIS_STEP / 2;
    return frameOfPoints(basis.map((row, j) => offset[j] + Math.floor((dot(row, levels) + half) / BASIS_STEP)), kept);
  }

  /** Return analysis times basis, after a check that no sum with it leaves the exact integers. */
  madeGram() {
    const { analysis, basis, offset, coefficients } = this.tables;
    const columns = Array.from({ length: coefficients }, (_, i) => basis.map((row) => row[i]));
    const gram = analysis.map((row) => Float64Array.from(columns, (column) => dot(row, column)));
    const reach = this.inputLimit.map((limit, j) => limit + Math.abs(offset[j]));
    gram.forEach((row, index) => {
      const levels = row.reduce((sum, value) => sum + Math.abs(value), 0) * LARGEST_LEVEL;
      const most = FINER * dot(analysis[index].map(Math.abs), reach) + levels;
      if (!(most < EXACT)) throw new RangeError("these coding tables are too fine to encode with here");
    });
    return gram;
  }
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function dot(a, b) {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index] * b[index];
  return sum;
}

/**
 * @param {number} value
 * @param {number} limit
 */
function clamp(value, limit) { return Math.min(Math.max(value, -limit), limit); }
