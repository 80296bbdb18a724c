// The receiver in a thread of its own: messages in, pictures out, one after the other (networks/calls.js).
//
//     open {base, options}         -> done {provider, threads}
//     person {id, pixels}          -> done {motion}
//     forget {id}                  -> done {}
//     render {id, motion, kept}    -> done {pixels, milliseconds}

import { answer } from "../networks/calls.js";
import { openNetworks } from "../networks/runtime.js";
import { Receiver } from "./receiver.js";

/** @type {Map<number, import("./receiver.js").Person>} */
const people = new Map();
/** @type {Receiver} */
let receiver;

answer({
  async open({ base, options: { gpu = true, ...options } }) {
    const opened = await openNetworks(
      base, ["identity", "render"], (share) => postMessage({ type: "progress", share }),
      { ...options, gpu: gpu ? ["render"] : [] });
    receiver = new Receiver(opened.ort, /** @type {any} */ (opened.sessions), opened.manifest.resolution);
    return { provider: opened.provider, threads: opened.threads };
  },

  async person({ id, pixels }) {
    const { person, motion } = await receiver.introduced(pixels);
    people.set(id, person);
    return { motion };
  },

  async forget({ id }) { people.delete(id); },

  async render({ id, motion, kept }) {
    const start = performance.now();
    const person = people.get(id);
    if (!person) throw new Error(`person ${id} is not here`);
    const pixels = (await receiver.render(person, motion, kept)).slice();
    return { pixels, milliseconds: performance.now() - start };
  },
});
