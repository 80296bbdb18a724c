// How many keypoints a frame needs: the fewest whose absence nobody sees (facewire/codec/sufficiency.py).

import { POSE } from "./state.js";

const PIXELS = 128;  // pixels of a 256-pixel picture in one picture unit

/**
 * Return the rule that sends the fewest keypoints with which none is displaced beyond a limit. Where keypoints lie matters to
 * turns only, which are sent always.
 * @param {number[]} columns coefficients sent for each count, as the tables say
 * @param {number} limit pixels of a 256-pixel picture
 * @returns {import("./encoder.js").Choose}
 */
export function adaptive(columns, limit) {
  const last = columns.length;
  const counts = columns.map((_, at) => at + 1).filter((count) => count === last || columns[count] !== columns[count - 1]);
  return (trial) => {
    const full = trial(last).vector;
    return counts.find((count) => count === last || farthest(trial(count).vector, full) <= limit * limit) ?? last;
  };
}

/**
 * Return the square of how far the most displaced keypoint lies from where it should, pixels.
 * @param {Float32Array} vector
 * @param {Float32Array} full
 */
function farthest(vector, full) {
  const off = (/** @type {number} */ at) => vector[at] - full[at];
  let most = 0;
  for (let at = POSE; at < vector.length; at += 3) {
    const [x, y] = [0, 1].map((axis) => PIXELS * (off(3 + axis) + off(at + axis)));
    most = Math.max(most, x * x + y * y);
  }
  return most;
}
