// The receiver: a person from a photo, and pictures of that person in motions, by the graphs of `facewire web`.

/**
 * A person made ready: everything that does not change from frame to frame, by the names of the graph's inputs.
 * @typedef {Record<string, any>} Person
 */

/** Runs the two graphs in onnxruntime-web, which is handed in. */
export class Receiver {
  /**
   * @param {any} ort the module onnxruntime-web
   * @param {any} identity session
   * @param {any} render session
   * @param {number} resolution side of every picture, pixels
   */
  constructor(ort, identity, render, resolution) {
    this.ort = ort;
    this.sessions = { identity, render };
    this.resolution = resolution;
  }

  /**
   * Load the graphs.
   * @param {any} ort
   * @param {{identity: Uint8Array, render: Uint8Array}} graphs
   * @param {number} resolution
   * @param {string[]} [providers] of onnxruntime-web, the best first
   */
  static async open(ort, graphs, resolution, providers = ["wasm"]) {
    const load = (/** @type {Uint8Array} */ graph, /** @type {string[]} */ executionProviders) =>
      ort.InferenceSession.create(graph, { executionProviders });
    const identity = await load(graphs.identity, ["wasm"]);
    return new Receiver(ort, identity, await load(graphs.render, providers), resolution);
  }

  /**
   * Return the person of a head's square.
   * @param {Uint8Array} pixels RGB, resolution x resolution
   * @returns {Promise<Person>}
   */
  async person(pixels) {
    const shape = [this.resolution, this.resolution, 3];
    const found = await this.sessions.identity.run({ picture: new this.ort.Tensor("uint8", pixels, shape) });
    return Object.fromEntries(Object.entries(found).filter(([name]) => name.startsWith("person_")));
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
