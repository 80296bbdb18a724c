// Still pictures: bytes of a picture file to pixels.

import { avifOf } from "./codec/bare_still.js";

const BARE = "image/av1";
const MOST_PIXELS = 1024 * 1024;  // of a source picture or a patch (docs/bitstream.md section 11)

/**
 * Return the picture of a file's bytes; the caller closes it.
 * @param {{mime: string, picture: Uint8Array}} still
 */
export async function bitmapOf({ mime, picture }) {
  const bare = mime === BARE;
  const file = /** @type {Uint8Array<ArrayBuffer>} */ (bare ? avifOf(picture) : picture);
  const blob = new Blob([file], { type: bare ? "image/avif" : mime });
  const options = /** @type {const} */ ({ colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const bitmap = await createImageBitmap(blob, options).catch(() => null);
  if (!bitmap) throw new Error(`this browser cannot read a picture of type ${mime} in it`);
  if (bitmap.width * bitmap.height > MOST_PIXELS) throw new Error("a picture in it is too large");
  return bitmap;
}

/**
 * Return a picture's pixels, RGB, side x side.
 * @param {ImageBitmap} bitmap
 * @param {number} side
 */
export function pixelsOf(bitmap, side) {
  const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  return Uint8Array.from({ length: 3 * side * side }, (_, at) => data[4 * Math.floor(at / 3) + (at % 3)]);
}

/**
 * Return RGB pixels, side x side, as a canvas takes them.
 * @param {Uint8Array} pixels
 * @param {number} side
 */
export function imageOf(pixels, side) {
  const image = new ImageData(side, side);
  for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) {
    image.data[to] = pixels[from];
    image.data[to + 1] = pixels[from + 1];
    image.data[to + 2] = pixels[from + 2];
    image.data[to + 3] = 255;
  }
  return image;
}
