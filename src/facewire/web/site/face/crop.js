// The project's head crop: one square around a head (facewire/face/crop.py).

import { resized } from "./resize.js";

/** @typedef {import("./picture.js").Picture} Picture */

const FACE_SHARE = 0.57;  // height of the face relative to the side of the square
const CENTRE_SHARE = 0.53;  // height of the middle of the face in the square, from above
const MOST_SHARE = 0.75;  // where there is no room, the square shrinks until the face takes this part
const UNION_SHARE = 0.94;  // the part of the square that a moving face may reach

/** A square in a picture, in whole pixels; it may reach beyond the picture. */
export class CropBox {
  /**
   * @param {number} left
   * @param {number} top
   * @param {number} side
   */
  constructor(left, top, side) {
    this.left = left;
    this.top = top;
    this.side = side;
  }

  /**
   * Return the largest square in the middle of a picture.
   * @param {number} width
   * @param {number} height
   */
  static middle(width, height) {
    const side = Math.min(width, height);
    return new CropBox(Math.floor((width - side) / 2), Math.floor((height - side) / 2), side);
  }
}

/**
 * Return the square for one still (one face) or a clip (the same head in several frames).
 * @param {ArrayLike<number>[]} boxes left, top, right and bottom of each face; at least one
 * @param {number} width of the picture
 * @param {number} height
 */
export function cropBoxOf(boxes, width, height) {
  const edge = (/** @type {number} */ at, /** @type {(...values: number[]) => number} */ most) =>
    most(...boxes.map((box) => box[at]));
  const [left, top, right, bottom] = [edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)];
  const tall = median(boxes.map((box) => box[3] - box[1]));
  const wanted = Math.max(tall / FACE_SHARE, (right - left) / UNION_SHARE, (bottom - top) / UNION_SHARE);
  const side = Math.min(wanted, Math.max(Math.min(width, height), tall / MOST_SHARE));
  const whole = Math.max(1, rounded(side));
  return new CropBox(
    fitted((left + right) / 2 - 0.5 * side, whole, width),
    fitted((top + bottom) / 2 - CENTRE_SHARE * side, whole, height),
    whole,
  );
}

/**
 * Cut a square out of a picture and resize it; outside, the border is repeated. Shrinking averages over all pixels,
 * enlarging is cubic.
 * @param {Picture} picture
 * @param {{left: number, top: number, side: number}} box
 * @param {number} size side of the result
 * @returns {Uint8Array} RGB, size x size
 */
export function crop({ data, width, height }, { left, top, side }, size) {
  const square = new Uint8Array(3 * side * side);
  const columns = Int32Array.from({ length: side }, (_, x) => 4 * Math.min(Math.max(left + x, 0), width - 1));
  for (let y = 0, to = 0; y < side; y++) {
    const row = 4 * width * Math.min(Math.max(top + y, 0), height - 1);
    for (let x = 0; x < side; x++, to += 3) {
      const from = row + columns[x];
      square[to] = data[from];
      square[to + 1] = data[from + 1];
      square[to + 2] = data[from + 2];
    }
  }
  return size === side ? square : resized(square, side, side, 3, size, size);
}

/** Return a number rounded as Python rounds: halves to the even one. @param {number} value */
export function rounded(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Move [start, start + side] into [0, length] where it fits, over its middle where it does not.
 * @param {number} start
 * @param {number} side
 * @param {number} length
 */
function fitted(start, side, length) {
  if (side > length) return rounded(Math.min(Math.max(start, length - side), 0));
  return Math.min(Math.max(rounded(start), 0), length - side);
}
