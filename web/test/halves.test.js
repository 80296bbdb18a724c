// 16-bit floats are widened as the format says, and what follows them is not touched.

import assert from "node:assert/strict";
import { test } from "node:test";

import { widened } from "../../src/facewire/web/site/networks/halves.js";

const KNOWN = { 0x0000: 0, 0x0001: 2 ** -24, 0x03ff: 1023 * 2 ** -24, 0x0400: 2 ** -14, 0x3555: 1365 / 4096, 0x3c00: 1,
  0x7bff: 65504, 0x8000: -0, 0xc000: -2, 0xfbff: -65504, 0x7c00: Infinity, 0xfc00: -Infinity };

test("halves become floats, other bytes stay", () => {
  const bits = Object.keys(KNOWN).map(Number);
  const bytes = new Uint8Array([...new Uint8Array(Uint16Array.from(bits).buffer), 1, 2, 3]);
  const whole = widened(bytes, 2 * bits.length);
  assert.deepEqual([...new Float32Array(whole.buffer, 0, bits.length)], bits.map((one) => KNOWN[one]));
  assert.deepEqual([...whole.subarray(4 * bits.length)], [1, 2, 3]);
  assert.ok(Number.isNaN(new Float32Array(widened(new Uint8Array([1, 0x7c]), 2).buffer)[0]));
});
