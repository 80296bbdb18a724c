// The person before this camera: a picture of it becomes the source, what it does then becomes motions to send
// (facewire/call/person/performer.py).

import { frameOf, motionOf } from "../motion/index.js";
import { digest } from "../protocol/pieces.js";
import { coded, pixels } from "./photos.js";

const PRESENT = 0.5;

/** What is shown of this side, and how it moves. */
export class Performer {
  /**
   * @param {import("../face/index.js").FaceSender} sender
   * @param {import("../render/index.js").Renderer} renderer
   * @param {number} side of the networks' pictures
   */
  constructor(sender, renderer, side) {
    this.sender = sender;
    this.renderer = renderer;
    this.side = side;
    /** @type {import("../call/photo_exchange.js").OwnSource | null} */
    this.source = null;
    /** The source's number in the renderer. @type {number | null} */
    this.person = null;
  }

  /**
   * Take the head of a picture from the camera as source.
   * @param {ImageBitmap} frame
   * @param {number} seconds when it was taken
   */
  async take(frame, seconds) {
    const { crop, presence } = await this.sender.look(frame, seconds, { crop: true });
    if (!crop || presence < PRESENT) throw new Error("there is no face in the picture: look at the camera, and have some light");
    const picture = await coded(crop, this.side);
    const { id, motion } = await this.renderer.introduce(await pixels(picture, this.side));
    if (this.person !== null) this.renderer.forget(this.person);
    this.person = id;
    this.source = { picture, sha256: await digest(picture), motion: frameOf(motion), avatar: false };
    return this.source;
  }

  /**
   * Return the frame to send for what was seen; null without a face or a source. The source was seen by this camera, so
   * motions fit it as they are.
   * @param {import("../face/sender.js").Look} look
   */
  frame({ motion, presence }) { return motion && this.source && presence >= PRESENT ? frameOf(motion) : null; }

  /**
   * Return this person as the other side will see it, RGB.
   * @param {import("../codec/state.js").MotionFrame} frame
   */
  preview(frame) { return this.renderer.render(/** @type {number} */ (this.person), motionOf(frame), frame.kept); }
}
