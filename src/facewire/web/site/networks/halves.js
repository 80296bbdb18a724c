// 16-bit floats to 32-bit ones: the weights as they are fetched, and as the graphs read them.

const [EXPONENTS, FRACTIONS] = [32, 1024];

/**
 * Return weights whose first bytes are 16-bit floats, these widened; the others follow them as they are.
 * @param {Uint8Array<ArrayBuffer>} weights
 * @param {number} halves how many bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function widened(weights, halves) {
  const whole = new Uint8Array(weights.length + halves);
  const values = floats();
  const [from, to] = [new Uint16Array(weights.buffer, weights.byteOffset, halves / 2), new Float32Array(whole.buffer, 0, halves / 2)];
  for (let at = 0; at < from.length; at++) to[at] = values[from[at]];
  whole.set(weights.subarray(halves), 2 * halves);
  return whole;
}

/** Return what the 65536 numbers of 16 bits are as floats. */
function floats() {
  const values = new Float32Array(2 * EXPONENTS * FRACTIONS);
  for (let bits = 0; bits < values.length / 2; bits++) {
    values[bits] = positive(bits >> 10, bits & (FRACTIONS - 1));
    values[bits + values.length / 2] = -values[bits];
  }
  return values;
}

/**
 * @param {number} exponent
 * @param {number} fraction
 */
function positive(exponent, fraction) {
  if (exponent === EXPONENTS - 1) return fraction ? NaN : Infinity;
  return exponent ? (FRACTIONS + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
}
