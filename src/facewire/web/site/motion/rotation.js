// Rotations: angles to matrices and back; R = Rx(pitch) Ry(yaw) Rz(roll) on column vectors (docs/conventions.md).
//
// Matrices are 9 numbers, row by row; points are 3.

/** @typedef {ArrayLike<number>} Numbers */

const NEWTON_STEPS = 12;
const SINGULAR = 1e-6;

export const IDENTITY = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);

/**
 * @param {number} yaw radians
 * @param {number} pitch
 * @param {number} roll
 */
export function fromAngles(yaw, pitch, roll) {
  const [sy, cy] = [Math.sin(yaw), Math.cos(yaw)];
  const [sp, cp] = [Math.sin(pitch), Math.cos(pitch)];
  const [sr, cr] = [Math.sin(roll), Math.cos(roll)];
  return Float64Array.of(
    ...[cy * cr, -cy * sr, -sy],
    ...[cp * sr + sp * sy * cr, cp * cr - sp * sy * sr, sp * cy],
    ...[-sp * sr + cp * sy * cr, -sp * cr - cp * sy * sr, cp * cy],
  );
}

/**
 * @param {number} yaw degrees
 * @param {number} pitch
 * @param {number} roll
 */
export function fromDegrees(yaw, pitch, roll) {
  const unit = Math.PI / 180;
  return fromAngles(yaw * unit, pitch * unit, roll * unit);
}

/**
 * Return [yaw, pitch, roll] in radians; the inverse of `fromAngles` for |yaw| below 90 degrees.
 * @param {Numbers} rotation
 */
export function anglesOf(rotation) {
  return [
    Math.asin(Math.min(Math.max(-rotation[2], -1), 1)),
    Math.atan2(rotation[5], rotation[8]),
    Math.atan2(-rotation[1], rotation[0]),
  ];
}

/**
 * Return the product of two matrices.
 * @param {Numbers} a
 * @param {Numbers} b
 */
export function compose(a, b) {
  return Float64Array.from({ length: 9 }, (_, at) => {
    const [row, column] = [3 * Math.floor(at / 3), at % 3];
    return a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6];
  });
}

/**
 * Return the inverse of a rotation.
 * @param {Numbers} rotation
 */
export function transposed(rotation) {
  return Float64Array.from([0, 3, 6, 1, 4, 7, 2, 5, 8], (at) => rotation[at]);
}

/**
 * Return points, 3 numbers each, turned.
 * @param {Numbers} rotation
 * @param {Numbers} points
 */
export function turnedPoints(rotation, points) {
  return Float64Array.from({ length: points.length }, (_, at) => {
    const [row, first] = [3 * (at % 3), at - (at % 3)];
    return rotation[row] * points[first] + rotation[row + 1] * points[first + 1] + rotation[row + 2] * points[first + 2];
  });
}

/**
 * Return the rotation nearest to a matrix, by Newton's steps to its polar factor.
 * @param {Numbers} matrix
 * @param {Numbers} otherwise what to return where the determinant is not clearly positive and no rotation is near
 */
export function nearestRotation(matrix, otherwise) {
  let found = Float64Array.from(matrix);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const away = cofactors(found);
    const determinant = found[0] * away[0] + found[1] * away[1] + found[2] * away[2];
    if (!(determinant > SINGULAR)) return Float64Array.from(otherwise);
    found = found.map((value, at) => (value + away[at] / determinant) / 2);
  }
  return found;
}

/** @param {Numbers} m */
function cofactors(m) {
  return Float64Array.of(
    ...[m[4] * m[8] - m[5] * m[7], m[5] * m[6] - m[3] * m[8], m[3] * m[7] - m[4] * m[6]],
    ...[m[2] * m[7] - m[1] * m[8], m[0] * m[8] - m[2] * m[6], m[1] * m[6] - m[0] * m[7]],
    ...[m[1] * m[5] - m[2] * m[4], m[2] * m[3] - m[0] * m[5], m[0] * m[4] - m[1] * m[3]],
  );
}
