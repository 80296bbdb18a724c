// The receiver: a person from a photo, and pictures of that person in motions, by the graphs of `facewire web`.

/**
 * A person made ready: everything that does not change from frame to frame, by the names of the graph's inputs.
 * @typedef {Record<string, any>} Person
 */

/** Runs the two graphs in onnxruntime-web, which is handed in. */
export class Receiver {
  /**
   * @param {any} ort the module onnxruntime-web
   * @param {{identity: any, render: any}} sessions of its graphs
   * @param {number} resolution side of every picture, pixels
   */
  constructor(ort, sessions, resolution) {
    this.ort = ort;
    this.sessions = sessions;
    this.resolution = resolution;
  }

  /**
   * Return the person of a head's square, and the motion that they have in it.
   * @param {Uint8Array} pixels RGB, resolution x resolution
   * @returns {Promise<{person: Person, motion: import("../motion/head_motion.js").HeadMotion}>}
   */
  async introduced(pixels) {
    const shape = [this.resolution, this.resolution, 3];
    const found = await this.sessions.identity.run({ picture: new this.ort.Tensor("uint8", pixels, shape) });
    const { rotation, translation, expression } = found;
    return {
      person: Object.fromEntries(Object.entries(found).filter(([name]) => name.startsWith("person_"))),
      motion: { rotation: rotation.data, translation: translation.data, expression: expression.data },
    };
  }

  /**
   * Return the picture of a person in a motion, RGB.
   * @param {Person} person
   * @param {import("../motion/head_motion.js").HeadMotion} motion
   * @param {number} kept how many of the ordered keypoints are used
   * @returns {Promise<Uint8Array>}
   */
  async render(person, { rotation, translation, expression }, kept) {
    const numbers = (/** @type {ArrayLike<number>} */ values, /** @type {number[]} */ shape) =>
      new this.ort.Tensor("float32", Float32Array.from(values), shape);
    const { picture } = await this.sessions.render.run({
      ...person,
      rotation: numbers(rotation, [1, 3, 3]),
      translation: numbers(translation, [1, 3]),
      expression: numbers(expression, [1, expression.length / 3, 3]),
      kept: new this.ort.Tensor("int64", BigInt64Array.of(BigInt(kept)), [1]),
    }, ["picture"]);
    return picture.data;
  }
}
