// Finding faces in pictures, as facewire/face/finder.py finds them, but for heads that only a detector sees.
//
//     find:   picture -> detector, coarse to fine -> square around each face -> mesh, repeated
//                     -> detector again, close up, where it was not sure     -> faces, prominent first

import { nearestRotation } from "../motion/rotation.js";
import { rounded } from "./crop.js";
import { SIDE, detectionsOf, isKnown } from "./detection.js";
import { SquareRegion } from "./region.js";
import { resized } from "./resize.js";

/**
 * @typedef {import("./picture.js").Picture} Picture
 * @typedef {import("./detection.js").Detection} Detection
 */

const FACE_MARGIN = 1.5;  // side of the square shown to the mesh network, relative to the face
const MESH_SIDE = 192;
const PRESENCE_THRESHOLD = 0.5;
const MOST_LEVELS = 4;  // the whole picture, then pieces of a half, a quarter, an eighth of its side
const FREE_LEVELS = 2;  // that are looked at even if the picture has to be enlarged for them
const RELIABLE_SHARE = 0.125;  // least height of a face that the detector finds reliably
const RELATIVE_SIZE = 0.5;  // a search goes on until faces of this height, relative to the largest, would be found
const MOST_PASSES = 4;
const SETTLED_ANGLE = 5 * Math.PI / 180;
const SETTLED_SHARE = 0.05;
const SURE_SCORE = 0.9;  // a detection with a lower score is looked at again, close up
const CLOSE_UP_MARGINS = [2.0, 2.6, 3.4];
const CLOSE_UP_SCORE = 0.7;
const NEARER_MARGIN = 2.6;
const SECOND_SCORE = 0.78;
const LEAST_SCORE = 0.05;
const CENTRAL = 0.2;
const [CUT_POWER, TURN_POWER] = [6, 2];
const EYE_CORNERS = [33, 263];

/**
 * One face, in pixels of the picture.
 * @typedef {object} Face
 * @property {number[]} box left, top, right, bottom of all points
 * @property {number} score the detector's probability, the mean over the close-ups if there were any
 * @property {Float64Array} landmarks 478 points, 3 numbers each
 * @property {number} presence the mesh network's probability
 */

/**
 * The networks that a finder needs.
 * @typedef {object} FinderNetworks
 * @property {(tile: Float32Array) => Promise<{logits: ArrayLike<number>, places: ArrayLike<number>}>} detect
 *   [3, 128, 128] in [0, 1]
 * @property {(picture: Float32Array) => Promise<{landmarks: ArrayLike<number>, presence: number}>} mesh
 *   [3, 192, 192] in [0, 1]
 */

/**
 * The average face's points that a pose is fitted to: which of the mesh, where in centimetres, how much each counts.
 * @typedef {{indices: number[], points: number[], weights: number[]}} CanonicalFace
 */

/** Detector and mesh together. */
export class FaceFinder {
  /**
   * @param {FinderNetworks} networks
   * @param {CanonicalFace} canonical
   */
  constructor(networks, canonical) {
    this.networks = networks;
    this.canonical = canonical;
  }

  /**
   * Return all faces of a picture, most prominent first.
   * @param {Picture} picture
   * @returns {Promise<Face[]>}
   */
  async find(picture) {
    /** @type {Face[]} */
    const faces = [];
    const reliable = RELIABLE_SHARE * Math.max(picture.width, picture.height);
    for (let level = 0; level < levelCount(picture); level++) {
      const tallest = Math.max(0, ...faces.map(({ box }) => box[3] - box[1]));
      if (RELATIVE_SIZE * tallest > reliable * 2 / 2 ** level) break;
      const boxes = () => faces.map(({ box }) => box);
      const fresh = (await this.detect(picture, level)).filter(({ box }) => !isKnown(box, boxes()));
      for (const detection of fresh) {
        const face = await this.describe(picture, detection);
        if (face && !isKnown(face.box, boxes())) faces.push(face);
      }
    }
    const weighed = faces.map((face) => ({ face, weight: this.prominence(face, picture) }));
    return weighed.sort((a, b) => b.weight - a.weight).map(({ face }) => face);
  }

  /**
   * Run the detector on one level of the pyramid: 0 shows the whole picture, each further one pieces of half the size.
   * @param {Picture} picture
   * @param {number} [level]
   * @returns {Promise<Detection[]>} in pixels of the picture, best first, no two of the same face
   */
  async detect(picture, level = 0) {
    const { small, width, height, left, top, scale } = padded(picture, level);
    /** @type {Detection[]} */
    const found = [];
    for (const y of tileStarts(height)) {
      for (const x of tileStarts(width)) {
        const { logits, places } = await this.networks.detect(tileOf(small, width, x, y));
        found.push(...detectionsOf(logits, places).map((one) => one.moved(scale, (x - left) * scale, (y - top) * scale)));
      }
    }
    /** @type {Detection[]} */
    const kept = [];
    for (const one of found.sort((a, b) => b.score - a.score)) {
      if (!isKnown(one.box, kept.map(({ box }) => box))) kept.push(one);
    }
    return kept;
  }

  /**
   * Return the face of a detection; null if it is no face after all.
   * @param {Picture} picture
   * @param {Detection} detection
   */
  async describe(picture, detection) {
    const face = await this.settled(picture, detection);
    if (!face) return this.secondLook(picture, await this.nearer(picture, detection));
    if (face.score >= SURE_SCORE) return face;
    const score = await this.closeUp(picture, squareOfLandmarks(face.landmarks));
    return score >= CLOSE_UP_SCORE ? { ...face, score } : null;
  }

  /**
   * Return the face of a detection in which the mesh saw nothing at first, now made nearer.
   * @param {Picture} picture
   * @param {Detection} detection
   */
  async secondLook(picture, detection) {
    const face = await this.settled(picture, detection);
    if (!face) return null;
    const score = await this.closeUp(picture, squareOfLandmarks(face.landmarks));
    return score >= SECOND_SCORE ? { ...face, score } : null;
  }

  /**
   * Compute the mesh of a detection until its square stands still; null if it sees no face.
   * @param {Picture} picture
   * @param {Detection} detection
   */
  async settled(picture, { box, eyes, score }) {
    let square = squareOf(box, eyes);
    let face = await this.meshIn(picture, square, score);
    for (let pass = 1; pass < MOST_PASSES && face; pass++) {
      const before = square;
      square = squareOfLandmarks(face.landmarks);
      if (isSettled(before, square)) break;
      face = await this.meshIn(picture, square, score);
    }
    return face;
  }

  /**
   * Return a detection as a close-up shows it.
   * @param {Picture} picture
   * @param {Detection} detection
   */
  async nearer(picture, detection) {
    const [x0, y0, x1, y1] = detection.box;
    const square = new SquareRegion((x0 + x1) / 2, (y0 + y1) / 2, NEARER_MARGIN * Math.max(x1 - x0, y1 - y0), 0);
    const { logits, places } = await this.networks.detect(square.sample(picture, SIDE));
    const [seen] = detectionsOf(logits, places).filter(isCentral);
    return seen?.moved(square.side / SIDE, square.x - square.side / 2, square.y - square.side / 2) ?? detection;
  }

  /**
   * Return the detector's mean score over close-ups of the face in a mesh square.
   * @param {Picture} picture
   * @param {SquareRegion} square
   */
  async closeUp(picture, square) {
    let sum = 0;
    for (const margin of CLOSE_UP_MARGINS) {
      const sampled = square.sized(square.side * margin / FACE_MARGIN).sample(picture, SIDE);
      const { logits, places } = await this.networks.detect(sampled);
      sum += Math.max(0, ...detectionsOf(logits, places, LEAST_SCORE).filter(isCentral).map(({ score }) => score));
    }
    return sum / CLOSE_UP_MARGINS.length;
  }

  /**
   * Run the mesh network on a square; null where it sees no face.
   * @param {Picture} picture
   * @param {SquareRegion} square
   * @param {number} score
   * @returns {Promise<Face | null>}
   */
  async meshIn(picture, square, score) {
    const { landmarks, presence } = await this.networks.mesh(square.sample(picture, MESH_SIDE));
    if (presence < PRESENCE_THRESHOLD) return null;
    const points = square.toPicture(landmarks);
    return { box: boxOf(points), score, landmarks: points, presence };
  }

  /**
   * Say how much a face is the one that a picture is about: its area, less where it is cut or turned away.
   * @param {Face} face
   * @param {{width: number, height: number}} picture
   */
  prominence({ box: [left, top, right, bottom], landmarks }, { width, height }) {
    const area = (right - left) * (bottom - top);
    const across = Math.max(0, Math.min(right, width) - Math.max(left, 0));
    const down = Math.max(0, Math.min(bottom, height) - Math.max(top, 0));
    const towardsUs = poseOf(landmarks, this.canonical)[8];
    return area * (area ? across * down / area : 0) ** CUT_POWER * Math.max(0, towardsUs) ** TURN_POWER;
  }
}

/**
 * Return the rotation that carries the average face onto a mesh, with least weighted squared error.
 * @param {ArrayLike<number>} landmarks 3 numbers a point
 * @param {CanonicalFace} canonical
 */
export function poseOf(landmarks, { indices, points, weights }) {
  const seen = indices.flatMap((index) => [0, 1, 2].map((axis) => landmarks[3 * index + axis]));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const middle = (/** @type {number[]} */ of, /** @type {number} */ axis) =>
    weights.reduce((sum, weight, at) => sum + weight * of[3 * at + axis], 0) / whole;
  const middles = [0, 1, 2].map((axis) => [middle(seen, axis), middle(points, axis)]);
  const covariance = Float64Array.from({ length: 9 }, (_, at) => {
    const [to, from] = [Math.floor(at / 3), at % 3];
    return weights.reduce((sum, weight, point) => sum
      + weight * (seen[3 * point + to] - middles[to][0]) * (points[3 * point + from] - middles[from][1]), 0);
  });
  const size = Math.hypot(...covariance) || 1;
  return nearestRotation(covariance.map((value) => value / size), [1, 0, 0, 0, 1, 0, 0, 0, 1]);
}

/**
 * Return the square for the mesh around an earlier mesh, in pixels.
 * @param {ArrayLike<number>} landmarks
 */
export function squareOfLandmarks(landmarks) {
  const eyes = EYE_CORNERS.flatMap((corner) => [landmarks[3 * corner], landmarks[3 * corner + 1]]);
  return squareOf(boxOf(landmarks), eyes);
}

/**
 * @param {number[]} box
 * @param {number[]} eyes
 */
function squareOf([x0, y0, x1, y1], [leftX, leftY, rightX, rightY]) {
  const angle = Math.atan2(rightY - leftY, rightX - leftX);
  return new SquareRegion((x0 + x1) / 2, (y0 + y1) / 2, FACE_MARGIN * Math.max(x1 - x0, y1 - y0), angle);
}

/** @param {ArrayLike<number>} landmarks */
function boxOf(landmarks) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < landmarks.length; at += 3) {
    box[0] = Math.min(box[0], landmarks[at]);
    box[1] = Math.min(box[1], landmarks[at + 1]);
    box[2] = Math.max(box[2], landmarks[at]);
    box[3] = Math.max(box[3], landmarks[at + 1]);
  }
  return box;
}

/**
 * @param {SquareRegion} before
 * @param {SquareRegion} after
 */
function isSettled(before, after) {
  const turn = Math.abs(Math.atan2(Math.sin(after.angle - before.angle), Math.cos(after.angle - before.angle)));
  const move = Math.max(
    Math.abs(after.x - before.x), Math.abs(after.y - before.y), Math.abs(after.side - before.side));
  return turn < SETTLED_ANGLE && move < SETTLED_SHARE * before.side;
}

/** @param {Detection} detection */
function isCentral({ box: [x0, y0, x1, y1] }) {
  return [(x0 + x1) / 2, (y0 + y1) / 2].every((middle) => Math.abs(middle - SIDE / 2) < CENTRAL * SIDE);
}

/** Count the levels worth looking at. @param {{width: number, height: number}} picture */
function levelCount({ width, height }) {
  let levels = FREE_LEVELS;
  while (levels < MOST_LEVELS && SIDE << levels <= Math.max(width, height)) levels++;
  return levels;
}

/**
 * Return a picture whose longer side is 128 * 2 ** level pixels, with black margins up to 128.
 * @param {Picture} picture
 * @param {number} level
 */
function padded({ data, width, height }, level) {
  const scale = Math.max(width, height) / (SIDE << level);
  const [across, down] = [width, height].map((length) => Math.max(1, rounded(length / scale)));
  const plain = resized(data, width, height, 4, across, down, "triangle");
  const [wide, high] = [Math.max(across, SIDE), Math.max(down, SIDE)];
  const [left, top] = [(wide - across) >> 1, (high - down) >> 1];
  const small = new Uint8Array(3 * wide * high);
  for (let y = 0; y < down; y++) {
    small.set(plain.subarray(3 * across * y, 3 * across * (y + 1)), 3 * (wide * (top + y) + left));
  }
  return { small, width: wide, height: high, left, top, scale };
}

/**
 * Spread tiles of 128 over `length` pixels so that neighbours share at least half of each.
 * @param {number} length
 */
function tileStarts(length) {
  const spare = length - SIDE, count = Math.ceil(spare / (SIDE / 2)) + 1;
  return Array.from({ length: count }, (_, at) => (count > 1 ? rounded(at * spare / (count - 1)) : 0));
}

/**
 * @param {Uint8Array} small
 * @param {number} width
 * @param {number} left
 * @param {number} top
 */
function tileOf(small, width, left, top) {
  const plane = SIDE * SIDE, tile = new Float32Array(3 * plane);
  for (let y = 0, to = 0; y < SIDE; y++) {
    for (let x = 0, from = 3 * (width * (top + y) + left); x < SIDE; x++, to++, from += 3) {
      for (let channel = 0; channel < 3; channel++) tile[channel * plane + to] = small[from + channel] / 255;
    }
  }
  return tile;
}
