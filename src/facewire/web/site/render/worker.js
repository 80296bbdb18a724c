// The receiver in a thread of its own, so that the page stays quick: messages in, pictures out, one after the other.
//
//     open {base}                  -> progress {share} ..., done {threads}
//     person {id, pixels}          -> done {}
//     forget {id}                  -> done {}
//     render {id, motion, kept}    -> done {pixels, milliseconds}
//     anything that fails          -> failed {problem}
//
// Every message has a ticket, which stands in its answer.

import { Receiver } from "./receiver.js";
import { fetched } from "./store.js";

const MOST_THREADS = 4;

/** @type {Map<number, import("./receiver.js").Person>} */
const people = new Map();
/** @type {Receiver} */
let receiver;

/** @type {Record<string, (asked: any) => Promise<object | void>>} */
const TASKS = {
  async open({ base }) {
    const manifest = await (await fetch(new URL("manifest.json", base), { cache: "no-cache" })).json();
    const files = await fetched(manifest.files, new URL(base), (share) => postMessage({ type: "progress", share }));
    const ort = await import(new URL(manifest.runtime.module, base).href);
    const threads = self.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
    Object.assign(ort.env.wasm, {
      numThreads: threads,
      wasmBinary: files.program.buffer,
      wasmPaths: { mjs: new URL(manifest.runtime.loader, base).href },
    });
    receiver = await Receiver.open(ort, { identity: files.identity, render: files.render }, manifest.resolution);
    return { threads };
  },

  async person({ id, pixels }) {
    people.set(id, await receiver.person(pixels));
  },

  async forget({ id }) { people.delete(id); },

  async render({ id, motion, kept }) {
    const start = performance.now();
    const person = people.get(id);
    if (!person) throw new Error(`person ${id} is not here`);
    const pixels = (await receiver.render(person, motion, kept)).slice();
    return { pixels, milliseconds: performance.now() - start };
  },
};

/** @type {Promise<void>} */
let queue = Promise.resolve();
addEventListener("message", ({ data: { ticket, ...asked } }) => {
  queue = queue.then(() => TASKS[asked.type](asked)).then(
    (answer) => postMessage({ type: "done", ticket, ...answer }),
    (error) => postMessage({ type: "failed", ticket, problem: String(error?.message ?? error) }),
  );
});
