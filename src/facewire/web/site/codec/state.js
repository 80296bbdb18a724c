// What one frame says about one head, and what a decoder remembers of it (docs/bitstream.md sections 2 and 4).

export const POSE = 6;  // components before the expression: yaw, pitch, roll, translation x, y, z

/**
 * What one frame says about one head.
 * @typedef {object} MotionFrame
 * @property {Float32Array} vector 6 + 3K components in the order of the wire: angles in radians, then picture units
 * @property {number} kept how many keypoints of the ordered list are used, 1 to K
 */

/**
 * Return a frame of components in the order of the wire; `kept` keypoints are used, all by default.
 * @param {ArrayLike<number>} components 6 + 3K numbers, rounded to binary32
 * @param {number} [kept]
 * @returns {MotionFrame}
 */
export function motionFrame(components, kept) {
  const vector = Float32Array.from(components);
  const keypoints = (vector.length - POSE) / 3;
  if (!Number.isInteger(keypoints) || keypoints < 1) {
    throw new RangeError(`${vector.length} components are no motion: 6 + 3K are needed`);
  }
  if (!vector.every(Number.isFinite)) throw new RangeError("a motion holds finite numbers only");
  if (kept !== undefined && !(Number.isInteger(kept) && kept >= 1 && kept <= keypoints)) {
    throw new RangeError(`kept = ${kept} is not possible: use 1 to ${keypoints}`);
  }
  return { vector, kept: kept ?? keypoints };
}

/**
 * What a decoder remembers of a frame; never changed in place.
 * @typedef {object} CoderState
 * @property {Int32Array} levels q, M integers
 * @property {Int32Array | null} steps v, the last change of q, or null where it counts as 0
 * @property {Uint8Array} memory m, how much each coefficient moved lately, 0 to 119
 * @property {Uint8Array} lean s, the sign of each one's last move, 0 or 1
 * @property {number} kept keypoints in use
 * @property {boolean} still whether nothing moved in this frame
 */

/**
 * Return the state before anything was coded.
 * @param {number} coefficients
 * @param {number} keypoints
 * @returns {CoderState}
 */
export function zeroState(coefficients, keypoints) {
  return {
    levels: new Int32Array(coefficients),
    steps: null,
    memory: new Uint8Array(coefficients),
    lean: new Uint8Array(coefficients),
    kept: keypoints,
    still: false,
  };
}
