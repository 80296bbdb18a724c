// Which driving frame stands for rest in relative motion (facewire/animation/reference.py).

const EXPRESSION_UNIT = 0.02;  // a difference of expression, picture units, that counts as much as the angle below
const ANGLE_UNIT = 0.1;  // radians
const PLACE_UNIT = 0.1;  // a distance from the usual place, picture units, that counts as much
const MOST_COMPARED = 200;  // motions that each is compared with when the usual one is looked for

/** @typedef {import("./head_motion.js").HeadMotion} HeadMotion */

/**
 * Return the index of the motion that is most like a source's own in pose and expression, in a usual place.
 * @param {HeadMotion[]} motions
 * @param {HeadMotion} source
 */
export function bestReference(motions, source) {
  const [x, y] = [0, 1].map((axis) => median(motions.map(({ translation }) => translation[axis])));
  const away = (/** @type {HeadMotion} */ { translation }) => Math.hypot(translation[0] - x, translation[1] - y);
  return least(motions.map((motion) => distance(motion, source) + away(motion) / PLACE_UNIT));
}

/**
 * Return the index of the motion nearest to all others together: a usual one, no extreme.
 * @param {HeadMotion[]} motions
 */
export function medianMotion(motions) {
  const step = Math.ceil(motions.length / MOST_COMPARED);
  const others = motions.filter((_, at) => at % step === 0);
  return least(motions.map((motion) => others.reduce((sum, other) => sum + distance(motion, other), 0)));
}

/**
 * @param {HeadMotion} motion
 * @param {HeadMotion} own
 */
function distance(motion, own) {
  let trace = 0, change = 0;
  for (let at = 0; at < 9; at++) trace += motion.rotation[at] * own.rotation[at];
  for (let at = 0; at < motion.expression.length; at++) change += (motion.expression[at] - own.expression[at]) ** 2;
  const angle = Math.acos(Math.min(Math.max((trace - 1) / 2, -1), 1));
  return angle / ANGLE_UNIT + Math.sqrt(change / motion.expression.length) / EXPRESSION_UNIT;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** @param {number[]} values */
function least(values) { return values.reduce((best, value, at) => (value < values[best] ? at : best), 0); }
