// What the tests share: the repository's files, seeded numbers, and arrays that Python wrote.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { Shelf } from "../../src/facewire/web/site/codec/index.js";

export const ROOT = new URL("../../", import.meta.url);
const TABLES = "src/facewire/codec/tables/";

/**
 * Return the bytes of a file of the repository.
 * @param {string} path
 */
export async function bytesOf(path) { return new Uint8Array(await readFile(fileURLToPath(new URL(path, ROOT)))); }

/**
 * Return what a JSON file of the repository says.
 * @param {string} path
 */
export async function jsonOf(path) { return JSON.parse(new TextDecoder().decode(await bytesOf(path))); }

/** Return the tables that come with the Python package. */
export async function shelf() {
  return new Shelf(await jsonOf(`${TABLES}manifest.json`), (file) => bytesOf(TABLES + file));
}

/**
 * Return rows of a .npy file of float32 in two dimensions.
 * @param {string} path
 */
export async function rowsOf(path) {
  const data = await bytesOf(path);
  const headerEnd = 10 + new DataView(data.buffer).getUint16(8, true);
  const [, height, width] = /'descr': '<f4'.*\((\d+), (\d+)\)/s.exec(new TextDecoder().decode(data.subarray(0, headerEnd)));
  const values = new Float32Array(data.slice(headerEnd).buffer);
  return Array.from({ length: Number(height) }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

/**
 * Return a source of numbers in [0, 1) that begins alike for the same seed (xorshift32).
 * @param {number} seed
 */
export function seeded(seed) {
  let state = seed * 2654435761 >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
}
