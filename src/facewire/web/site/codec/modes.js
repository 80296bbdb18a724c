// How a frame is coded follows from how far its reference is (section 4); residuals as tokens (section 6.2).

import { FARTHEST } from "./packet.js";

export const ABSOLUTE = 0;  // from nothing: a source's own motion
export const ANCHOR = 1;  // from the motion of the source
export const NEXT = 2;  // from the frame just before
export const MODES = 7;
export const LARGEST_LEVEL = 32767;
export const TOKENS = 63;
export const ZERO = 31;  // token of residual 0
export const DIRECT = 7;  // largest magnitude that is a token by itself

const FIRST_DISTANCE = [[NEXT, 1], [3, 2], [4, 4], [5, 7], [6, 13]];
const MODE_OF = Array.from({ length: FARTHEST + 1 }, (_, distance) =>
  FIRST_DISTANCE.reduce((best, [mode, first]) => (first <= distance ? mode : best), ANCHOR));

/**
 * Return the mode of a reference `distance` frames back (1 to 31); 0 is the anchor.
 * @param {number} distance
 */
export function modeOf(distance) { return MODE_OF[distance]; }

/**
 * Return (class, number of plain bits) of a magnitude of 8 to 32767; the class is 8 to 31.
 * @param {number} magnitude
 * @returns {[number, number]}
 */
export function classOf(magnitude) {
  const exponent = 31 - Math.clz32(magnitude);
  return [8 + 2 * (exponent - 3) + ((magnitude >> (exponent - 1)) & 1), exponent - 1];
}

/**
 * Return (smallest magnitude, number of plain bits) of a class of 8 to 31.
 * @param {number} tokenClass
 * @returns {[number, number]}
 */
export function smallestOf(tokenClass) {
  const exponent = 3 + ((tokenClass - 8) >> 1);
  return [(2 + (tokenClass & 1)) << (exponent - 1), exponent - 1];
}
