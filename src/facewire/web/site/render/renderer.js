// The page's side of the receiver's worker.

import { Calls } from "../networks/calls.js";

/** @typedef {import("../motion/head_motion.js").HeadMotion} HeadMotion */

/** Renders in a worker. */
export class Renderer {
  /**
   * @param {string} base where the site lies
   * @param {(share: number) => void} [progress] told how much of the networks is loaded, 0 to 1
   * @param {{threads?: number, gpu?: boolean, software?: boolean}} [options] how many threads compute at most; whether
   *   WebGPU is used where there is one (it is), and even where that is slow software (it is not)
   */
  constructor(base, progress = () => {}, options = {}) {
    this.calls = new Calls(new Worker(new URL("worker.js", import.meta.url), { type: "module" }), progress);
    this.people = 0;
    /**
     * What computes: webgpu or wasm, and how many threads; fails where the networks cannot be loaded.
     * @type {Promise<{provider: string, threads: number}>}
     */
    this.ready = this.calls.ask({ type: "open", base, options });
    this.ready.catch(() => {});
  }

  /**
   * Make a person of a head's square ready and return its number.
   * @param {Uint8Array} pixels RGB
   */
  async person(pixels) { return (await this.introduce(pixels)).id; }

  /**
   * Do the same and return the motion that the person has in that picture, too.
   * @param {Uint8Array} pixels RGB
   * @returns {Promise<{id: number, motion: HeadMotion}>}
   */
  async introduce(pixels) {
    const id = this.people++;
    const { motion } = await this.calls.ask({ type: "person", id, pixels });
    return { id, motion };
  }

  /** @param {number} id */
  forget(id) { this.calls.ask({ type: "forget", id }).catch(() => {}); }

  /**
   * Return the picture of a person in a motion, RGB.
   * @param {number} id
   * @param {HeadMotion} motion
   * @param {number} kept how many of the ordered keypoints are used
   * @returns {Promise<{pixels: Uint8Array, milliseconds: number}>}
   */
  render(id, motion, kept) { return this.calls.ask({ type: "render", id, motion, kept }); }

  /** Stop; what was asked and not answered fails. */
  close() { this.calls.close(); }
}
