// What is drawn: one frame of a recording in a view, with its patches.

import { MIME_TYPES } from "./codec/index.js";
import { IDENTITY, motionOf, turnedAtNeck } from "./motion/index.js";
import { bitmapOf, imageOf, pixelsOf } from "./stills.js";

const MOST_PEOPLE = 8;

/** Draws frames of one recording on a canvas. */
export class Screen {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./recording.js").Recording} recording
   * @param {import("./render/index.js").Renderer} renderer
   * @param {number} resolution side of the networks' pictures
   */
  constructor(canvas, recording, renderer, resolution) {
    this.recording = recording;
    this.renderer = renderer;
    this.resolution = resolution;
    [canvas.width, canvas.height] = [recording.header.width, recording.header.height];
    this.context = canvas.getContext("2d");
    this.own = new OffscreenCanvas(resolution, resolution);
    /** @type {Map<number, Promise<number>>} */
    this.people = new Map();
    /** R_u: how the head is turned by who looks. */
    this.view = IDENTITY;
  }

  /**
   * Draw a frame and return how long the networks took, milliseconds.
   * @param {import("./recording.js").TalkFrame} frame
   */
  async draw(frame) {
    const person = await this.person(this.recording.shown.get(frame.epoch));
    const motion = motionOf(frame.motion);
    const seen = this.view === IDENTITY ? motion : turnedAtNeck(motion, this.view);
    const { pixels, milliseconds } = await this.renderer.render(person, seen, this.recording.kept(frame));
    const patches = await Promise.all(this.recording.over(frame).map(async (patch) => [patch, await still(patch)]));
    this.show(imageOf(pixels, this.resolution));
    for (const [{ x, y }, bitmap] of patches) this.context.drawImage(bitmap, x, y);
    return milliseconds;
  }

  /** @param {ImageData} image */
  show(image) {
    const { width, height } = this.context.canvas;
    if (width === this.resolution && height === this.resolution) {
      this.context.putImageData(image, 0, 0);
      return;
    }
    this.own.getContext("2d").putImageData(image, 0, 0);
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(this.own, 0, 0, width, height);
  }

  /**
   * Return the number of the person whose picture came with an epoch; the few used last are kept ready.
   * @param {number} epoch
   */
  person(epoch) {
    const held = this.people.get(epoch) ?? this.made(epoch);
    this.people.delete(epoch);
    this.people.set(epoch, held);
    if (this.people.size > MOST_PEOPLE) {
      const [[oldest, left]] = this.people;
      this.people.delete(oldest);
      left.then((id) => this.renderer.forget(id), () => {});
    }
    return held;
  }

  /** @param {number} epoch */
  async made(epoch) {
    const bitmap = await bitmapOf(this.recording.stills.get(epoch));
    return this.renderer.person(pixelsOf(bitmap, this.resolution));
  }

  /** Let go of everybody. */
  close() {
    for (const held of this.people.values()) held.then((id) => this.renderer.forget(id), () => {});
    this.people.clear();
  }
}

/** @param {import("./recording.js").TalkPatch} patch */
async function still(patch) {
  const bitmap = await bitmapOf({ mime: MIME_TYPES[patch.mime], picture: patch.picture });
  if (bitmap.width !== patch.width || bitmap.height !== patch.height) {
    throw new Error(`a patch says ${patch.width}x${patch.height}, its picture has another size`);
  }
  return bitmap;
}
