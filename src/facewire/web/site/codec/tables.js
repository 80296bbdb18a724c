// CodecTables: every number that coding depends on, as checked integers (docs/bitstream.md section 3).
//
// The artefacts are the files of facewire/codec/tables; nothing of them is repeated here.

import { hex, unhex } from "./bytes.js";
import { TablesError } from "./errors.js";
import { MODES, TOKENS } from "./modes.js";
import { POSE } from "./state.js";

const MOST_BYTES = 4 * 2 ** 20;
const MEMBERS = [
  ...["schema", "id", "name", "keypoints", "offset", "basis", "columns", "damping", "own_edges"],
  ...["activity_edges", "cdfs", "cells", "kept_cdf", "still", "analysis", "stages", "dead_zone"],
];
const FINGERPRINT_BYTES = 8;

/**
 * One artefact; the fields are those of docs/bitstream.md section 3.
 * @typedef {object} CodecTables
 * @property {number} id
 * @property {string} name
 * @property {number} keypoints K
 * @property {number} coefficients M
 * @property {number[]} offset
 * @property {number[][]} basis N rows of M
 * @property {number[]} columns
 * @property {number[]} damping
 * @property {number[]} ownEdges
 * @property {number[]} activityEdges
 * @property {number[][]} cdfs
 * @property {Uint8Array[][]} cells
 * @property {number[]} keptCdf
 * @property {number[][]} still
 * @property {number[][]} analysis M rows of N
 * @property {number[]} stages
 * @property {number[]} deadZone
 * @property {Uint8Array} fingerprint first 8 bytes of the artefact's SHA-256
 */

/**
 * Return the tables of an artefact's bytes, every rule of docs/bitstream.md section 3 checked.
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {string} [expected] its SHA-256 in hexadecimal, from a manifest
 * @returns {Promise<CodecTables>}
 */
export async function parseTables(data, expected) {
  need(data.length <= MOST_BYTES, `they have at most ${MOST_BYTES} bytes`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  need(!expected || hex(digest) === expected, "the file is the one of the manifest");
  return built(parsed(data), digest.slice(0, FINGERPRINT_BYTES));
}

/** The tables of a folder by what a stream says of them. */
export class Shelf {
  /**
   * @param {{id: number, name: string, file: string, sha256: string}[]} manifest of the folder
   * @param {(file: string) => Promise<Uint8Array<ArrayBuffer>>} load returns a file of the folder
   */
  constructor(manifest, load) {
    this.manifest = manifest;
    this.load = load;
    /** @type {Map<string, Promise<CodecTables>>} */
    this.loaded = new Map();
  }

  /**
   * Return the tables of an id and the first 8 bytes of their hash, or null.
   * @param {number} id
   * @param {Uint8Array} tableHash
   * @returns {Promise<CodecTables | null>}
   */
  async find(id, tableHash) {
    const digits = hex(tableHash);
    const entry = this.manifest.find((one) => one.id === id && one.sha256.startsWith(digits));
    return entry ? this.open(entry) : null;
  }

  /**
   * Return tables by name.
   * @param {string} name
   * @returns {Promise<CodecTables>}
   */
  async named(name) {
    const entry = this.manifest.find((one) => one.name === name);
    need(entry !== undefined, `their names are ${this.manifest.map((one) => one.name).join(", ")}`);
    return this.open(/** @type {{file: string, sha256: string}} */ (entry));
  }

  /** @param {{file: string, sha256: string}} entry */
  open({ file, sha256 }) {
    const held = this.loaded.get(file) ?? this.load(file).then((data) => parseTables(data, sha256));
    this.loaded.set(file, held);
    return held;
  }
}

/**
 * @param {Uint8Array} data
 * @returns {Record<string, any>}
 */
function parsed(data) {
  let values;
  try {
    values = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    throw new TablesError("coding tables are not JSON: get the file again");
  }
  const fits = values && typeof values === "object" && values.schema === 1
    && Object.keys(values).sort().join() === [...MEMBERS].sort().join();
  need(fits, "they are an object of schema 1");
  return values;
}

/**
 * @param {Record<string, any>} values
 * @param {Uint8Array} fingerprint
 * @returns {CodecTables}
 */
function built(values, fingerprint) {
  const keypoints = integers([values.keypoints], "keypoints", 1, 1, 64)[0];
  const components = POSE + 3 * keypoints;
  need(typeof values.name === "string" && values.name.length <= 64, "name is a text of at most 64 characters");
  const basis = matrix(values.basis, "basis", components, null, 2 ** 24);
  const size = basis[0].length;
  need(size <= 256, "basis has 1 to 256 columns");
  const [ownEdges, activityEdges] = [edges(values.own_edges), edges(values.activity_edges)];
  need(Array.isArray(values.cdfs) && values.cdfs.length >= 1 && values.cdfs.length <= 256, "cdfs are 1 to 256 lists");
  const stages = increasing(values.stages, "stages", null, size);
  need(stages.at(-1) === size && new Set(stages).size === stages.length, "stages end in M");
  return {
    id: integers([values.id], "id", 1, 1, 0xffff)[0],
    name: values.name,
    keypoints,
    coefficients: size,
    offset: integers(values.offset, "offset", components, -(2 ** 20), 2 ** 20),
    basis,
    columns: increasing(values.columns, "columns", keypoints, size),
    damping: integers(values.damping, "damping", size, 0, 256),
    ownEdges,
    activityEdges,
    cdfs: values.cdfs.map(cdf),
    cells: cells(values.cells, size, ownEdges.length * activityEdges.length, values.cdfs.length),
    keptCdf: cdf(values.kept_cdf),
    still: rows(values.still, "still", MODES).map((pair) => integers(pair, "still", 2, 1, 0xffff)),
    analysis: matrix(values.analysis, "analysis", size, components, 2 ** 31),
    stages,
    deadZone: integers(values.dead_zone, "dead_zone", size, 0, 127),
    fingerprint,
  };
}

/**
 * @param {unknown} condition
 * @param {string} rule
 */
function need(condition, rule) {
  if (!condition) throw new TablesError(`these are not coding tables (rule: ${rule}): get the file again`);
}

/**
 * @param {any} items
 * @param {string} name
 * @param {number} count
 * @returns {any[]}
 */
function rows(items, name, count) {
  need(Array.isArray(items) && items.length === count, `${name} has ${count} rows`);
  return items;
}

/**
 * @param {any} items
 * @param {string} name
 * @param {number | null} count null: any number but none
 * @param {number} lowest
 * @param {number} highest
 * @returns {number[]}
 */
function integers(items, name, count, lowest, highest) {
  need(Array.isArray(items) && items.length > 0, `${name} is a list`);
  need(count === null || items.length === count, `${name} has ${count} entries`);
  const fits = items.every((/** @type {any} */ item) => Number.isInteger(item) && item >= lowest && item <= highest);
  need(fits, `${name} holds integers from ${lowest} to ${highest}`);
  return items;
}

/**
 * @param {any} items
 * @param {string} name
 * @param {number | null} count
 * @param {number} highest
 */
function increasing(items, name, count, highest) {
  const values = integers(items, name, count, 1, highest);
  need(values.every((value, at) => at === 0 || values[at - 1] <= value), `${name} does not decrease`);
  return values;
}

/** @param {any} items */
function edges(items) {
  const values = integers(items, "edges", null, 0, 511);
  const rising = values.every((value, at) => at === 0 || values[at - 1] < value);
  need(values[0] === 0 && rising && values.length <= 16, "edges are up to 16 distinct numbers, the first 0");
  return values;
}

/**
 * @param {any} items
 * @param {string} name
 * @param {number} count
 * @param {number | null} columns
 * @param {number} limit
 */
function matrix(items, name, count, columns, limit) {
  const all = rows(items, name, count);
  const width = columns ?? (Array.isArray(all[0]) ? all[0].length : 0);
  return all.map((row) => integers(row, name, width, 1 - limit, limit - 1));
}

/** @param {any} items */
function cdf(items) {
  const values = integers(items, "a cdf", TOKENS + 1, 0, 2 ** 16);
  const rising = values.every((value, at) => at === 0 || values[at - 1] < value);
  need(rising && values[0] === 0 && values[TOKENS] === 2 ** 16, "a cdf increases from 0 to 65536");
  return values;
}

/**
 * @param {any} modes
 * @param {number} coefficients
 * @param {number} width
 * @param {number} cdfs
 */
function cells(modes, coefficients, width, cdfs) {
  return rows(modes, "cells", MODES).map((mode) => rows(mode, "a mode of cells", coefficients).map((row) => {
    const plain = typeof row === "string" && row.length === 2 * width && /^[0-9a-f]*$/.test(row);
    need(plain && unhex(row).every((cell) => cell < cdfs), `a row has ${width} cells that name one of ${cdfs} cdfs`);
    return unhex(row);
  }));
}
