// Photos of both sides: a head crop becomes bytes that are sent, bytes that came become pixels.

import { digest } from "../protocol/pieces.js";
import { ProtocolError } from "../protocol/wire.js";
import { bitmapOf, imageOf, pixelsOf } from "../stills.js";
import { pictureHead } from "./picture_head.js";

const QUALITY = 0.85;
const KEPT = 4;  // photos at most: as many epochs as a stream can tell apart
const THEIRS = "the other side's photo";

/**
 * Return the coded picture of a head crop; WebP where the browser writes it, else PNG.
 * @param {Uint8Array} crop RGB
 * @param {number} side
 */
export async function coded(crop, side) {
  const canvas = new OffscreenCanvas(side, side);
  canvas.getContext("2d").putImageData(imageOf(crop, side), 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: QUALITY });
  return new Uint8Array(await blob.arrayBuffer());
}

/**
 * Return the pixels of a photo, RGB, side x side.
 * @param {Uint8Array} picture
 * @param {number} side that it must have
 */
export async function pixels(picture, side) {
  const head = pictureHead(picture);
  if (!head || head.width !== side || head.height !== side) throw new ProtocolError(`${THEIRS} is no square of ${side} pixels`);
  const bitmap = await bitmapOf({ mime: head.mime, picture }).catch(() => { throw new ProtocolError(`${THEIRS} is no picture`); });
  const found = pixelsOf(bitmap, side);
  bitmap.close();
  return found;
}

/** The newest photos of the other side, by epoch. */
export class TheirPhotos {
  /**
   * @param {import("../render/index.js").Renderer} renderer
   * @param {number} side of the networks' pictures
   */
  constructor(renderer, side) {
    this.renderer = renderer;
    this.side = side;
    /** @type {Map<number, number>} */
    this.people = new Map();
    /** The last one, which a new connection need not send again. @type {any} */
    this.newest = null;
  }

  /**
   * Check, decode and prepare a photo.
   * @param {import("../call/photo_exchange.js").IncomingPhoto} photo
   */
  async prepare(photo) {
    if ((await digest(photo.picture)) !== photo.sha256) throw new ProtocolError("the photo's hash is not the one announced");
    const person = await this.renderer.person(await pixels(photo.picture, this.side));
    this.people.set(photo.epoch, person);
    for (const [epoch, old] of this.people) {
      if (epoch > photo.epoch - KEPT) continue;
      this.people.delete(epoch);
      this.renderer.forget(old);
    }
    this.newest = photo;
  }

  /** Return the person of an epoch. @param {number} epoch */
  person(epoch) { return this.people.get(epoch); }

  /** Drop all of them. */
  forget() {
    for (const person of this.people.values()) this.renderer.forget(person);
    this.people.clear();
    this.newest = null;
  }
}
