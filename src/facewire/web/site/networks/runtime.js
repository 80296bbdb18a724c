// onnxruntime-web and graphs of `facewire web` in a worker: fetched, kept, checked and loaded.

import { fetched } from "./store.js";

const MOST_THREADS = 4;
const WEIGHTS = "weights.bin";  // what the graphs call the file that holds the weights of them all

/**
 * @typedef {object} Networks
 * @property {any} ort the module
 * @property {Record<string, any>} sessions by the graphs' names
 * @property {any} manifest
 * @property {number} threads that compute
 * @property {string} provider webgpu or wasm: what the graphs that were asked to run on it run on
 */

/**
 * Load graphs.
 * @param {string} base where the site lies
 * @param {string[]} names of the graphs
 * @param {(share: number) => void} progress told how much is there, 0 to 1
 * @param {{threads?: number, gpu?: string[]}} [options] how many threads at most; which graphs may run on WebGPU
 * @returns {Promise<Networks>}
 */
export async function openNetworks(base, names, progress, { threads: most = MOST_THREADS, gpu = [] } = {}) {
  const manifest = await (await fetch(new URL("manifest.json", base), { cache: "no-cache" })).json();
  const provider = gpu.length && await hasGpu() ? "webgpu" : "wasm";
  const runtime = manifest.runtimes[provider] ?? manifest.runtimes.wasm;
  const wanted = ["weights", runtime.program, ...names];
  const files = await fetched(manifest.files, wanted, new URL(base), progress);
  const ort = await import(new URL(runtime.module, base).href);
  const threads = self.crossOriginIsolated ? Math.min(most, navigator.hardwareConcurrency || 1) : 1;
  Object.assign(ort.env.wasm, {
    numThreads: threads,
    wasmBinary: files[runtime.program].buffer,
    wasmPaths: { mjs: new URL(runtime.loader, base).href },
  });
  /** @type {Record<string, any>} */
  const sessions = {};
  for (const name of names) {
    sessions[name] = await ort.InferenceSession.create(files[name], {
      executionProviders: [gpu.includes(name) ? provider : "wasm"],
      externalData: [{ path: WEIGHTS, data: files.weights }],
    });
  }
  return { ort, sessions, manifest, threads, provider };
}

/** Say whether WebGPU can be used here, with what onnxruntime-web's program for it needs of WebAssembly. */
async function hasGpu() {
  if (!("Suspending" in WebAssembly)) return false;
  return Boolean(await /** @type {any} */ (navigator).gpu?.requestAdapter().catch(() => null));
}
