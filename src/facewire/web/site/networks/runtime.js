// onnxruntime-web and graphs of `facewire web` in a worker: fetched, kept, checked and loaded.

import { widened } from "./halves.js";
import { fetched } from "./store.js";

const MOST_THREADS = 4;
const PATIENCE = 30_000;  // milliseconds that threads may take to come up
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
 * @param {{threads?: number, gpu?: string[], software?: boolean}} [options] how many threads at most; which graphs may run on WebGPU;
 *   whether one that is only computed by the processor will do, too, which is slow
 * @returns {Promise<Networks>}
 */
export async function openNetworks(base, names, progress, { threads: most = MOST_THREADS, gpu = [], software = false } = {}) {
  const manifest = await (await fetch(new URL("manifest.json", base), { cache: "no-cache" })).json();
  const provider = gpu.length && await hasGpu(software) ? "webgpu" : "wasm";
  const runtime = manifest.runtimes[provider];
  const file = (/** @type {string} */ name) => (provider === "webgpu" && gpu.includes(name) ? `${name}_webgpu` : name);
  const wanted = ["weights", runtime.program, ...names.map(file)];
  const files = await fetched(manifest.files, wanted, new URL(base), progress);
  const threads = self.crossOriginIsolated ? Math.min(most, navigator.hardwareConcurrency || 1) : 1;
  const weights = widened(files.weights, manifest.halves);
  const load = async (/** @type {number} */ count) => {
    const ort = await import(new URL(`${runtime.module}?threads=${count}`, base).href);
    ort.env.logLevel = "error";
    Object.assign(ort.env.wasm, {
      numThreads: count,
      initTimeout: count > 1 ? PATIENCE : 0,
      wasmBinary: files[runtime.program].buffer,
      wasmPaths: { mjs: new URL(runtime.loader, base).href },
    });
    /** @type {Record<string, any>} */
    const sessions = {};
    for (const name of names) {
      const graphics = file(name) !== name;
      sessions[name] = await ort.InferenceSession.create(files[file(name)], {
        executionProviders: [graphics ? "webgpu" : "wasm"],
        graphOptimizationLevel: graphics ? "all" : "disabled",  // it was done when the site was written
        externalData: [{ path: WEIGHTS, data: weights }],
      });
    }
    return { ort, sessions, manifest, threads: count, provider };
  };
  return load(threads).catch((error) => {
    if (threads === 1) throw error;
    return load(1);  // threads do not always come up, in pages with little memory for example
  });
}

/**
 * Say whether WebGPU can be used here, with what onnxruntime-web's program for it needs of WebAssembly.
 * @param {boolean} software
 */
async function hasGpu(software) {
  if (!("Suspending" in WebAssembly)) return false;
  const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && (software || !adapter.info.isFallbackAdapter);
}
