// A sender's eyes: pictures of a camera in, head motions out, following one head (facewire/animation/head_tracker.py).
//
//     no head yet    whole picture -> face finder -> square          at most twice a second
//     every picture  square cut out -> read -> motion -> smoothed
//     head travels   the square glides after it, slowly; a head that only moves about leaves it where it is

import { MotionSmoother } from "../motion/smoothing.js";
import { CropBox, crop, cropBoxOf, rounded } from "./crop.js";

/** @typedef {import("./reader.js").FaceSquare} FaceSquare */

const SEARCH_EVERY = 0.5;  // seconds between looks at the whole picture while no head is there
const PATIENCE = 5;  // pictures without a face before the square is given up
const EDGE = 0.03;  // a face nearer to the border of the square than this share makes the square move
const SIZES = [0.35, 0.8];  // so does a face whose height is a smaller or larger share of it
const ARRIVED = 0.01;  // the square stands again when it is this near to its aim, in shares of its side
const GLIDE_SECONDS = 0.4;  // time constant of a moving square
const NOTHING = { motion: null, presence: 0, box: null, face: null, crop: null };

/** Follows one head through the pictures of one camera. */
export class HeadTracker {
  /**
   * @param {import("./reader.js").MotionReader} reader
   * @param {import("./finder.js").FaceFinder} finder
   * @param {{smooth?: boolean, face?: number}} [options] see FaceSender
   */
  constructor(reader, finder, { smooth = true, face = 0 } = {}) {
    this.reader = reader;
    this.finder = finder;
    this.face = face;
    this.smoother = smooth ? new MotionSmoother() : null;
    this.time = -Infinity;
    this.reset();
  }

  /** Forget the head. */
  reset() {
    /** Left, top and side of the square. @type {number[] | null} */
    this.place = null;
    /** @type {FaceSquare | null} */
    this.square = null;
    this.gliding = false;
    this.missed = 0;
    this.searched = -Infinity;
    this.smoother?.reset();
  }

  /**
   * Return what a picture shows that was taken at `time`, seconds.
   * @param {import("./picture.js").Picture} picture
   * @param {number} time
   */
  async look(picture, time) {
    if (!this.place && !await this.search(picture, time)) return NOTHING;
    const box = this.box, head = crop(picture, box, this.reader.size);
    let reading = await this.reader.read(head, this.square);
    if (!reading.present && this.square) reading = await this.reader.read(head);  // the face jumped
    const { presence } = reading;
    if (!reading.present) {
      this.miss();
      return { ...NOTHING, presence, box, crop: head };
    }
    [this.missed, this.square] = [0, reading.square];
    const motion = this.smoother?.smooth(reading.motion, time) ?? reading.motion;
    const face = reading.face.map((share, at) => share * box.side + (at % 2 ? box.top : box.left));
    this.followed(reading, face, box, picture, time);
    return { motion, presence, box, face, crop: head };
  }

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {number} time
   */
  async search(picture, time) {
    const passed = time - this.searched;
    if (passed >= 0 && passed < SEARCH_EVERY) return false;
    this.searched = time;
    const faces = await this.finder.find(picture);
    if (!faces.length) return false;
    const { box } = faces[Math.min(this.face, faces.length - 1)];
    const { left, top, side } = cropBoxOf([box], picture.width, picture.height);
    [this.place, this.square] = [[left, top, side], null];
    return true;
  }

  miss() {
    this.square = null;
    if (++this.missed >= PATIENCE) this.reset();
  }

  /**
   * Let the square glide after a face that leaves it.
   * @param {import("./reader.js").Reading} reading
   * @param {number[]} face in pixels of the picture
   * @param {CropBox} box
   * @param {{width: number, height: number}} picture
   * @param {number} time
   */
  followed(reading, face, box, { width, height }, time) {
    const seconds = Math.min(Math.max(time - this.time, 0), 1);
    this.time = time;
    const [left, top, right, bottom] = reading.face, tall = bottom - top;
    const leaves = Math.min(left, top) < EDGE || Math.max(right, bottom) > 1 - EDGE;
    if (leaves || !(tall > SIZES[0] && tall < SIZES[1])) this.gliding = true;
    if (!this.gliding || !this.place) return;
    const aim = cropBoxOf([face], width, height), aims = [aim.left, aim.top, aim.side];
    const share = 1 - Math.exp(-seconds / GLIDE_SECONDS);
    const away = this.place.map((now, at) => Math.abs(now - aims[at]));
    this.place = this.place.map((now, at) => now + share * (aims[at] - now));
    this.gliding = Math.max(...away) > ARRIVED * box.side;
    this.square = moved(reading.square, box, this.box);
  }

  /** The square as it is. */
  get box() {
    const [left, top, side] = /** @type {number[]} */ (this.place);
    return new CropBox(rounded(left), rounded(top), Math.max(1, rounded(side)));
  }
}

/**
 * Return a square in fractions of another crop.
 * @param {FaceSquare} square
 * @param {CropBox} before
 * @param {CropBox} after
 * @returns {FaceSquare}
 */
function moved({ centre, axes }, before, after) {
  const scale = before.side / after.side;
  const shift = [(before.left - after.left) / after.side, (before.top - after.top) / after.side];
  return { centre: centre.map((value, at) => value * scale + shift[at]), axes: axes.map((value) => value * scale) };
}
