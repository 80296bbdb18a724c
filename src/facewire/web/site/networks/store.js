// Files that are fetched once and kept: progress while they come, SHA-256 when they are there, the browser's cache after.

import { hex } from "../codec/bytes.js";

const CACHE = "facewire";

/** A file could not be had as the manifest describes it. */
export class FetchError extends Error {}

/**
 * What the manifest says of a file.
 * @typedef {{file: string, bytes: number, sha256: string}} Entry
 */

/**
 * Return the bytes of some files by name, from the cache where they are in it; files of other versions leave it.
 * @param {Record<string, Entry>} entries all that there are
 * @param {string[]} names of those that are wanted
 * @param {URL} base where the files lie
 * @param {(share: number) => void} progress told how much is there, 0 to 1
 * @returns {Promise<Record<string, Uint8Array<ArrayBuffer>>>}
 */
export async function fetched(entries, names, base, progress) {
  const cache = await opened();
  const known = Object.values(entries).map((entry) => address(entry, base));
  for (const request of (await cache?.keys()) ?? []) if (!known.includes(request.url)) await cache?.delete(request);
  const whole = names.reduce((sum, name) => sum + entries[name].bytes, 0);
  let got = 0;
  const counted = (/** @type {number} */ bytes) => progress(Math.min(1, (got += bytes) / whole));
  const named = names.map(async (name) => [name, await alone(entries[name], () => file(entries[name], base, cache, counted))]);
  return Object.fromEntries(await Promise.all(named));
}

/**
 * Do something with a file while no other worker of this site does: one of two that want it fetches it.
 * @template Result
 * @param {Entry} entry
 * @param {() => Promise<Result>} task
 * @returns {Promise<Result>}
 */
async function alone({ sha256 }, task) { return navigator.locks?.request(`facewire ${sha256}`, task) ?? task(); }

/** Return the browser's cache; null where there is none, or none is allowed. */
async function opened() {
  try {
    return await caches.open(CACHE);
  } catch {
    return null;
  }
}

/**
 * @param {Entry} entry
 * @param {URL} base
 */
function address({ file: path, sha256 }, base) { return new URL(`${path}?${sha256.slice(0, 16)}`, base).href; }

/**
 * @param {Entry} entry
 * @param {URL} base
 * @param {Cache | null} cache
 * @param {(bytes: number) => void} counted
 */
async function file(entry, base, cache, counted) {
  const url = address(entry, base);
  const kept = await (await cache?.match(url))?.arrayBuffer();
  if (kept && (await fits(kept, entry))) {
    counted(entry.bytes);
    return new Uint8Array(kept);
  }
  const data = await read(url, entry, counted);
  if (!(await fits(data.buffer, entry))) throw new FetchError(`${entry.file} is damaged: load the page again`);
  await cache?.put(url, new Response(data)).catch(() => {});  // a full disk is no reason not to show anything
  return data;
}

/**
 * @param {string} url
 * @param {Entry} entry
 * @param {(bytes: number) => void} counted
 */
async function read(url, { file: path, bytes }, counted) {
  const response = await fetch(url).catch(() => null);
  if (!response?.ok || !response.body) throw new FetchError(`${path} could not be loaded: check the connection`);
  const data = new Uint8Array(bytes);
  let at = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > bytes) throw new FetchError(`${path} is longer than it should be: load the page again`);
    data.set(value, at);
    at += value.length;
    counted(value.length);
  }
  return at === bytes ? data : data.slice(0, at);
}

/**
 * @param {ArrayBuffer} data
 * @param {Entry} entry
 */
async function fits(data, { bytes, sha256 }) {
  return data.byteLength === bytes && hex(new Uint8Array(await crypto.subtle.digest("SHA-256", data))) === sha256;
}
