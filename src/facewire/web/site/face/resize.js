// Pictures at another size, as the detector and the crop need them (facewire/face/resize.py): within a level of torch.

const FILTERS = {
  triangle: { reach: 1, of: (/** @type {number} */ x) => Math.max(0, 1 - Math.abs(x)) },
  cubic: { reach: 2, of: cubic },
};

/**
 * Return a picture at another size. Shrinking averages over all pixels (triangle), enlarging is cubic.
 * @param {Uint8Array | Uint8ClampedArray} data rows of pixels
 * @param {number} width
 * @param {number} height
 * @param {number} stride bytes of a pixel, 3 or 4; the first three are looked at
 * @param {number} newWidth
 * @param {number} newHeight
 * @param {"triangle" | "cubic"} [filter] by default whichever fits the width
 * @returns {Uint8Array} RGB
 */
export function resized(data, width, height, stride, newWidth, newHeight, filter = newWidth < width ? "triangle" : "cubic") {
  const across = taps(width, newWidth, filter), down = taps(height, newHeight, filter);
  const narrow = new Uint8ClampedArray(3 * newWidth * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++, to += 3) {
      const { first, weights } = across[x];
      let red = 0, green = 0, blue = 0;
      for (let i = 0, from = stride * (y * width + first); i < weights.length; i++, from += stride) {
        const weight = weights[i];
        red += weight * data[from];
        green += weight * data[from + 1];
        blue += weight * data[from + 2];
      }
      narrow[to] = red + 0.5 | 0;
      narrow[to + 1] = green + 0.5 | 0;
      narrow[to + 2] = blue + 0.5 | 0;
    }
  }
  const row = 3 * newWidth, result = new Uint8ClampedArray(row * newHeight), sums = new Float64Array(row);
  for (let y = 0; y < newHeight; y++) {
    const { first, weights } = down[y];
    sums.fill(0.5);
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i], from = row * (first + i);
      for (let x = 0; x < row; x++) sums[x] += weight * narrow[from + x];
    }
    for (let x = 0; x < row; x++) result[row * y + x] = Math.floor(sums[x]);
  }
  return new Uint8Array(result.buffer);
}

/**
 * Return which pixels each new one is made of, and how much of each.
 * @param {number} length
 * @param {number} newLength
 * @param {"triangle" | "cubic"} filter
 */
function taps(length, newLength, filter) {
  const scale = length / newLength, wide = Math.max(1, scale), { reach, of } = FILTERS[filter];
  return Array.from({ length: newLength }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * wide + 0.5));
    const end = Math.min(length, Math.trunc(centre + reach * wide + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_, i) => of((first + i - centre + 0.5) / wide));
    const sum = weights.reduce((a, b) => a + b);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** @param {number} at */
function cubic(at) {
  const x = Math.abs(at);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
