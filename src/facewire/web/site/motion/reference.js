// Which driving frame stands for rest in relative motion (facewire/animation/reference.py).

const EXPRESSION_UNIT = 0.02;  // a difference of expression, picture units, that counts as much as the angle below
const ANGLE_UNIT = 0.1;  // radians
const MOST_COMPARED = 200;  // motions that each is compared with when the usual one is looked for

/** @typedef {import("./head_motion.js").HeadMotion} HeadMotion */

/**
 * Return the index of the motion that is most like a source's own in pose and expression.
 * @param {HeadMotion[]} motions
 * @param {HeadMotion} source
 */
export function bestReference(motions, source) { return least(motions.map((motion) => distance(motion, source))); }

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
function least(values) { return values.reduce((best, value, at) => (value < values[best] ? at : best), 0); }
