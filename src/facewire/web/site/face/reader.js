// The sender's graphs in onnxruntime-web, which is handed in: head crops become motion, pictures become faces.

/**
 * The turned square around a face that the fine mesh looks at, in fractions of the head crop: its centre, and its whole
 * side to the right and down.
 * @typedef {{centre: Float32Array, axes: Float32Array}} FaceSquare
 */

/**
 * @typedef {object} Reading
 * @property {import("../motion/head_motion.js").HeadMotion} motion
 * @property {number} presence probability that the crop shows a face
 * @property {boolean} present whether it should be believed
 * @property {FaceSquare} square where to look in the next picture
 * @property {number[]} face left, top, right and bottom in fractions of the head crop
 */

const PRESENT = 0.5;

/** Reads the motion of head crops. */
export class MotionReader {
  /**
   * @param {any} ort the module onnxruntime-web
   * @param {{find: any, read: any}} sessions
   * @param {number} size S, the side of head crops
   */
  constructor(ort, sessions, size) {
    this.ort = ort;
    this.sessions = sessions;
    this.size = size;
  }

  /**
   * @param {Uint8Array} crop RGB, S x S
   * @param {FaceSquare | null} [square] of the picture before, if it showed the same head in the same place
   * @returns {Promise<Reading>}
   */
  async read(crop, square = null) {
    const picture = new this.ort.Tensor("uint8", crop, [this.size, this.size, 3]);
    const { centre, axes } = square ?? await this.found(picture);
    const seen = await this.sessions.read.run({
      picture,
      centre: new this.ort.Tensor("float32", centre, [1, 2]),
      axes: new this.ort.Tensor("float32", axes, [1, 2, 2]),
    });
    const [presence] = seen.presence.data;
    return {
      motion: {
        rotation: seen.rotation.data,
        translation: seen.translation.data,
        expression: seen.expression.data,
      },
      presence,
      present: presence >= PRESENT,
      square: { centre: seen.centre_next.data, axes: seen.axes_next.data },
      face: Array.from(seen.face.data),
    };
  }

  /** @param {any} picture */
  async found(picture) {
    const { centre, axes } = await this.sessions.find.run({ picture });
    return { centre: centre.data, axes: axes.data };
  }
}

/**
 * Return the networks of a face finder.
 * @param {any} ort
 * @param {{detect: any, mesh: any}} sessions
 * @returns {import("./finder.js").FinderNetworks}
 */
export function finderNetworks(ort, { detect, mesh }) {
  const run = (/** @type {any} */ session, /** @type {Float32Array} */ image) => {
    const side = Math.sqrt(image.length / 3);
    return session.run({ picture: new ort.Tensor("float32", image, [1, 3, side, side]) });
  };
  return {
    async detect(tile) {
      const { logits, places } = await run(detect, tile);
      return { logits: logits.data, places: places.data };
    },
    async mesh(picture) {
      const { landmarks, presence } = await run(mesh, picture);
      return { landmarks: landmarks.data, presence: 1 / (1 + Math.exp(-presence.data[0])) };
    },
  };
}
