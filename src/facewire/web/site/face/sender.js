// The page's side of the sender's worker.

import { Calls } from "../networks/calls.js";

/**
 * @typedef {import("./crop.js").CropBox} CropBox
 * @typedef {import("../motion/head_motion.js").HeadMotion} HeadMotion
 */

/**
 * What was seen in one frame.
 * @typedef {object} Look
 * @property {HeadMotion | null} motion smoothed where that was asked for; null without a face
 * @property {number} presence probability of a face in the square
 * @property {{left: number, top: number, side: number} | null} box the head's square in the frame, pixels; null while
 *   no head is known
 * @property {number[] | null} face left, top, right and bottom of the face, in pixels of the frame
 * @property {Uint8Array | null} crop the square's picture, RGB, S x S; null unless it was asked for
 * @property {number} milliseconds that the worker took
 */

/**
 * A face in a whole picture.
 * @typedef {object} FoundFace
 * @property {number[]} box left, top, right, bottom of all its points, pixels
 * @property {number} score the detector's probability
 * @property {number} presence the mesh network's
 */

/** What a frame may be; bitmaps and video frames are handed over and closed. @typedef {ImageBitmap | VideoFrame | ImageData} Frame */

/** Reads motion off pictures in a worker of its own. */
export class FaceSender {
  /**
   * @param {string} base where the site lies
   * @param {(share: number) => void} [progress] told how much of the networks is loaded, 0 to 1
   * @param {{threads?: number, smooth?: boolean, face?: number}} [options] how many threads compute at most; whether
   *   tremble is taken out (it is); which face is followed, the most prominent first
   */
  constructor(base, progress = () => {}, options = {}) {
    this.calls = new Calls(new Worker(new URL("worker.js", import.meta.url), { type: "module" }), progress);
    /**
     * How many threads compute, and S, the side of head crops; fails where the networks cannot be loaded.
     * @type {Promise<{threads: number, resolution: number}>}
     */
    this.ready = this.calls.ask({ type: "open", base, options });
    this.ready.catch(() => {});
  }

  /**
   * Follow the head into the next frame of one camera, and read its motion.
   * @param {Frame} frame
   * @param {number} seconds when it was taken
   * @param {{crop?: boolean}} [wanted] whether the head crop is returned too
   * @returns {Promise<Look>}
   */
  look(frame, seconds, { crop = false } = {}) {
    return this.calls.ask({ type: "look", frame, seconds, crop }, handed(frame));
  }

  /**
   * Return the faces of a picture, the most prominent first.
   * @param {Frame} frame
   * @returns {Promise<FoundFace[]>}
   */
  async find(frame) { return (await this.calls.ask({ type: "find", frame }, handed(frame))).faces; }

  /**
   * Return how many faces a picture shows as far as the detector alone sees at a glance: is a second person there?
   * @param {Frame} frame
   * @returns {Promise<number>}
   */
  async count(frame) { return (await this.calls.ask({ type: "count", frame }, handed(frame))).faces; }

  /**
   * Return the motion of a head crop by itself, not smoothed, such as the own motion of a photo.
   * @param {Uint8Array} crop RGB, S x S
   * @returns {Promise<{motion: HeadMotion, presence: number}>}
   */
  read(crop) { return this.calls.ask({ type: "read", crop }); }

  /** Forget the head: another camera, another person. */
  async reset() { await this.calls.ask({ type: "reset" }); }

  /** Stop; what was asked and not answered fails. */
  close() { this.calls.close(); }
}

/**
 * @param {Frame} frame
 * @returns {Transferable[]}
 */
function handed(frame) { return frame instanceof ImageData ? [] : [frame]; }
