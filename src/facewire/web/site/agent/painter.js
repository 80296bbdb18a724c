// What is seen of the other side: motions rendered one after the other, or ordinary pictures, on one canvas.

import { motionOf, turnedAtNeck } from "../motion/index.js";
import { FreeView } from "../person/free_view.js";
import { imageOf } from "../stills.js";

/** Draws on a canvas. */
export class Painter {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("../render/index.js").Renderer} renderer
   * @param {number} side of the networks' pictures
   */
  constructor(canvas, renderer, side) {
    [canvas.width, canvas.height] = [side, side];
    this.renderer = renderer;
    this.side = side;
    this.context = canvas.getContext("2d");
    this.view = new FreeView();
  }

  /**
   * Render and draw a frame of a person; return how long that took, seconds.
   * @param {number} person
   * @param {import("../codec/state.js").MotionFrame} frame
   * @param {boolean} turned whether the own view is taken into account
   */
  async draw(person, frame, turned) {
    const begin = performance.now();
    const motion = motionOf(frame);
    const turn = turned ? this.view.turn(motion.rotation) : null;
    const { pixels } = await this.renderer.render(person, turn ? turnedAtNeck(motion, turn) : motion, frame.vector.length / 3 - 2);
    this.context.putImageData(imageOf(pixels, this.side), 0, 0);
    return (performance.now() - begin) / 1000;
  }

  /**
   * Render a frame of a person for nobody; return how long that took, seconds.
   * @param {number} person
   * @param {import("../codec/state.js").MotionFrame} frame
   */
  async time(person, frame) {
    const begin = performance.now();
    await this.renderer.render(person, motionOf(frame), frame.vector.length / 3 - 2);
    return (performance.now() - begin) / 1000;
  }

  /**
   * Draw an ordinary picture, and close it.
   * @param {VideoFrame} picture
   */
  show(picture) {
    this.context.drawImage(picture, 0, 0, this.side, this.side);
    picture.close();
  }
}
