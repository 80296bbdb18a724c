// Pictures as they lie in memory, and what the networks are shown of them.

/**
 * Rows of pixels, four bytes each: red, green, blue and one that is not looked at. An ImageData is one.
 * @typedef {{data: Uint8Array | Uint8ClampedArray, width: number, height: number}} Picture
 */

/**
 * Return the pixels of a frame, and close it where it was handed over.
 * @param {ImageBitmap | VideoFrame | ImageData} frame
 * @returns {Picture}
 */
export function pictureOf(frame) {
  if (frame instanceof ImageData) return frame;
  const [width, height] = "displayWidth" in frame ? [frame.displayWidth, frame.displayHeight] : [frame.width, frame.height];
  const context = canvas(width, height);
  context.drawImage(frame, 0, 0, width, height);
  frame.close();
  return context.getImageData(0, 0, width, height);
}

/** @type {OffscreenCanvasRenderingContext2D | null} */
let kept = null;

/**
 * Return a canvas of a size; the one that was used last, if it has that.
 * @param {number} width
 * @param {number} height
 */
function canvas(width, height) {
  if (kept?.canvas.width !== width || kept.canvas.height !== height) {
    kept = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  }
  return /** @type {OffscreenCanvasRenderingContext2D} */ (kept);
}
