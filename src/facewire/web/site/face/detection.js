// What the detector's anchors say of one 128 x 128 picture (facewire/face/blaze.py).

export const SIDE = 128;  // of the picture
const NUMBERS = 16;  // per anchor: centre, size and six key points, x and y each
const SCORE_THRESHOLD = 0.5;
const OVERLAP_THRESHOLD = 0.3;  // boxes whose intersection over union is larger are one face
const SAME_FACE = 0.5;  // so are two of different pieces of a picture that share this part of the smaller one

/** @typedef {ArrayLike<number>} Box left, top, right, bottom */

/** One detected face, in pixels of the picture that was searched. */
export class Detection {
  /**
   * @param {number[]} corners left, top, right and bottom of the box, then x and y of the six key points
   * @param {number} score probability
   */
  constructor(corners, score) {
    this.corners = corners;
    this.score = score;
  }

  /** Left, top, right, bottom. */
  get box() { return this.corners.slice(0, 4); }

  /** The eyes' places: x and y of the one on the left of the picture, then of the other one. */
  get eyes() { return this.corners.slice(4, 8); }

  /**
   * Return the detection in other coordinates: (x, y) * scale + (left, top).
   * @param {number} scale
   * @param {number} left
   * @param {number} top
   */
  moved(scale, left, top) {
    return new Detection(this.corners.map((value, at) => value * scale + (at % 2 ? top : left)), this.score);
  }
}

/**
 * Merge the anchors that see the same face: the weighted mean of those that overlap the best one.
 * @param {ArrayLike<number>} logits
 * @param {ArrayLike<number>} places of each anchor, in [0, 1] of the picture
 * @param {number} [threshold] least probability
 * @returns {Detection[]} in pixels of the 128 x 128 picture, best first
 */
export function detectionsOf(logits, places, threshold = SCORE_THRESHOLD) {
  let left = Array.from(logits, (logit, anchor) => ({ score: 1 / (1 + Math.exp(-logit)), anchor }))
    .filter(({ score }) => score >= threshold)
    .sort((a, b) => b.score - a.score)
    .map(({ score, anchor }) => ({ score, corners: cornersOf(places, NUMBERS * anchor) }));
  const found = [];
  while (left.length) {
    const [best] = left;
    const same = left.filter((one) => one === best || overUnion(best.corners, one.corners) > OVERLAP_THRESHOLD);
    const whole = same.reduce((sum, { score }) => sum + score, 0);
    const mean = best.corners.map((_, at) => same.reduce((sum, one) => sum + one.score * one.corners[at], 0) / whole);
    found.push(new Detection(mean, best.score));
    left = left.filter((one) => !same.includes(one));
  }
  return found;
}

/**
 * @param {ArrayLike<number>} places
 * @param {number} from
 */
function cornersOf(places, from) {
  const numbers = Array.from({ length: NUMBERS }, (_, at) => SIDE * places[from + at]);
  const [x, y, width, height, ...points] = numbers;
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2, ...points];
}

/**
 * @param {Box} box
 * @param {Box} other
 */
function overUnion(box, other) {
  const both = shared(box, other);
  return both / Math.max(area(box) + area(other) - both, 1e-12);
}

/**
 * Say whether a box is the same face as one of the others.
 * @param {Box} box
 * @param {Box[]} others
 */
export function isKnown(box, others) {
  return others.some((other) => shared(box, other) / Math.max(Math.min(area(box), area(other)), 1e-12) > SAME_FACE);
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function shared(a, b) {
  const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), down = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return Math.max(0, across) * Math.max(0, down);
}

/** @param {Box} box */
function area(box) { return Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]); }
