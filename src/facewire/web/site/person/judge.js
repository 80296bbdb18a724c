// Is synthesis the right tool at this moment? A measured test on the sender's side (facewire/call/person/judge.py).
//
//     no face, second person, turned too far, looks different

import { anglesOf } from "../motion/rotation.js";

const MOST = [45, 35, 45];  // degrees of yaw, pitch and roll
const [BLOCKS, WINDOW, STEP, SHIFT] = [32, 8, 4, 1];
const FLAT = 4;  // grey levels; a window with less contrast has no structure to look for
const MOST_DIFFERENCE = 0.6;
const GREY = [0.299, 0.587, 0.114];
const PRESENT = 0.5;

/**
 * Return what speaks against synthesis, worst first.
 * @param {import("../face/sender.js").Look} look
 * @param {number} faces at the last count
 * @param {number | null} distance `difference` between the camera and what the other side sees; null if not known
 */
export function judge({ motion, presence }, faces, distance) {
  const reasons = [];
  if (!motion || presence < PRESENT) reasons.push("no face");
  if (faces > 1) reasons.push("second person");
  if (motion && anglesOf(motion.rotation).some((angle, at) => Math.abs(angle) * 180 > MOST[at] * Math.PI)) reasons.push("turned too far");
  if (distance !== null && distance > MOST_DIFFERENCE) reasons.push("looks different");
  return reasons;
}

/**
 * Return how different two head crops look: 0 for equal ones, 1 and more for unrelated ones.
 * @param {Uint8Array} crop RGB, side x side
 * @param {Uint8Array} rendered likewise
 * @param {number} side
 */
export function difference(crop, rendered, side) {
  const [ours, theirs] = [blocksOf(crop, side), blocksOf(rendered, side)];
  let worst = 0;
  for (let y = 8; y < 21; y += STEP) for (let x = 8; x < 17; x += STEP) worst = Math.max(worst, missing(ours, theirs, y, x));
  return worst;
}

/**
 * Return 1 minus the best correlation of our window with theirs nearby; 0 for a flat window.
 * @param {Float64Array} ours
 * @param {Float64Array} theirs
 * @param {number} y
 * @param {number} x
 */
function missing(ours, theirs, y, x) {
  const window = windowOf(ours, y, x);
  if (window.spread < FLAT) return 0;
  let best = -Infinity;
  for (let dy = -SHIFT; dy <= SHIFT; dy++) {
    for (let dx = -SHIFT; dx <= SHIFT; dx++) best = Math.max(best, correlation(window, windowOf(theirs, y + dy, x + dx)));
  }
  return 1 - best;
}

/**
 * Return a window less its mean, and its standard deviation.
 * @param {Float64Array} blocks
 * @param {number} y
 * @param {number} x
 */
function windowOf(blocks, y, x) {
  const values = Array.from({ length: WINDOW ** 2 }, (_, at) => blocks[(y + Math.floor(at / WINDOW)) * BLOCKS + x + (at % WINDOW)]);
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const around = values.map((value) => value - mean);
  return { around, spread: Math.sqrt(around.reduce((sum, value) => sum + value * value, 0) / values.length) };
}

/** @typedef {{around: number[], spread: number}} Window */

/**
 * @param {Window} first
 * @param {Window} second
 */
function correlation(first, second) {
  const both = first.around.reduce((sum, value, at) => sum + value * second.around[at], 0) / first.around.length;
  return both / (first.spread * second.spread + 1e-3);
}

/**
 * Return the mean grey of each block.
 * @param {Uint8Array} picture
 * @param {number} side
 */
function blocksOf(picture, side) {
  const blocks = new Float64Array(BLOCKS ** 2);
  const size = Math.floor(side / BLOCKS);
  for (let y = 0; y < size * BLOCKS; y++) {
    for (let x = 0; x < size * BLOCKS; x++) {
      const at = 3 * (y * side + x);
      const grey = GREY[0] * picture[at] + GREY[1] * picture[at + 1] + GREY[2] * picture[at + 2];
      blocks[Math.floor(y / size) * BLOCKS + Math.floor(x / size)] += grey / size ** 2;
    }
  }
  return blocks;
}
