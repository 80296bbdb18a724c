// HeadMotion, the seam of the whole system: rotation, translation, expression of one head.

import { POSE, motionFrame } from "../codec/state.js";
import { anglesOf, compose, fromAngles, transposed, turnedPoints } from "./rotation.js";

/** The point of a head, in picture units and its own axes, that stays where it is when the head turns. */
const NECK = [0, 0.23, 0.26];

/**
 * What one frame says about a head.
 * @typedef {object} HeadMotion
 * @property {ArrayLike<number>} rotation R, 9 numbers row by row
 * @property {ArrayLike<number>} translation t, 3 numbers, picture units: the picture spans [-1, 1]
 * @property {ArrayLike<number>} expression delta, 3 numbers a keypoint, the same units
 */

/**
 * Return the motion of a frame as it came off the wire.
 * @param {import("../codec/state.js").MotionFrame} frame
 * @returns {HeadMotion}
 */
export function motionOf({ vector }) {
  return {
    rotation: fromAngles(vector[0], vector[1], vector[2]),
    translation: vector.subarray(3, POSE),
    expression: vector.subarray(POSE),
  };
}

/**
 * Return the frame that carries a motion; `kept` keypoints are used, all by default.
 * @param {HeadMotion} motion
 * @param {number} [kept]
 */
export function frameOf({ rotation, translation, expression }, kept) {
  return motionFrame([...anglesOf(rotation), ...Array.from(translation), ...Array.from(expression)], kept);
}

/**
 * Return the motion seen from another side: R <- R_u R, t <- t_u + t, and delta turns with the head.
 * @param {HeadMotion} motion
 * @param {ArrayLike<number>} rotation R_u
 * @param {ArrayLike<number>} [translation] t_u
 * @returns {HeadMotion}
 */
export function turned(motion, rotation, translation = [0, 0, 0]) {
  return {
    rotation: compose(rotation, motion.rotation),
    translation: Float64Array.from(motion.translation, (value, axis) => value + translation[axis]),
    expression: turnedPoints(rotation, motion.expression),
  };
}

/**
 * Return the motion of a head that turns by R_u where heads turn: about the neck joint.
 * @param {HeadMotion} motion
 * @param {ArrayLike<number>} rotation R_u
 */
export function turnedAtNeck(motion, rotation) {
  const joint = turnedPoints(motion.rotation, NECK);
  const moved = turnedPoints(rotation, joint);
  return turned(motion, rotation, joint.map((value, axis) => value - moved[axis]));
}

/**
 * Return the source's own motion plus what changed between `reference` and this frame.
 * @param {HeadMotion} motion
 * @param {HeadMotion} reference
 * @param {HeadMotion} source
 * @returns {HeadMotion}
 */
export function relative(motion, reference, source) {
  const changed = (/** @type {"translation" | "expression"} */ part) =>
    Float64Array.from(source[part], (own, at) => own + motion[part][at] - reference[part][at]);
  return {
    rotation: compose(compose(motion.rotation, transposed(reference.rotation)), source.rotation),
    translation: changed("translation"),
    expression: changed("expression"),
  };
}

/**
 * Return posed keypoints x_k = R x_c,k + t + delta_k, 3 numbers each.
 * @param {ArrayLike<number>} canonical x_c, 3 numbers a keypoint
 * @param {HeadMotion} motion
 */
export function place(canonical, { rotation, translation, expression }) {
  return turnedPoints(rotation, canonical).map((value, at) => value + translation[at % 3] + expression[at]);
}
