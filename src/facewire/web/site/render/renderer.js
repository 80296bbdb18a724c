// The page's side of the worker: calls that return promises.

/** Renders in a worker. */
export class Renderer {
  /**
   * @param {string} base where the site lies
   * @param {(share: number) => void} progress told how much of the networks is loaded, 0 to 1
   */
  constructor(base, progress) {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.progress = progress;
    /** @type {Map<number, {kept: (value: any) => void, broken: (error: Error) => void}>} */
    this.open = new Map();
    this.tickets = 0;
    this.people = 0;
    this.worker.addEventListener("message", ({ data }) => this.heard(data));
    this.worker.addEventListener("error", () => this.heard({ type: "failed", problem: "the renderer stopped" }));
    /** How many threads compute; a promise that fails where the networks cannot be loaded. */
    this.ready = this.ask({ type: "open", base }).then(({ threads }) => /** @type {number} */ (threads));
  }

  /**
   * Make a person of a head's square ready and return its number.
   * @param {Uint8Array} pixels RGB
   */
  async person(pixels) {
    const id = this.people++;
    await this.ask({ type: "person", id, pixels });
    return id;
  }

  /** @param {number} id */
  forget(id) { this.ask({ type: "forget", id }); }

  /**
   * Return the picture of a person in a motion.
   * @param {number} id
   * @param {import("../motion/head_motion.js").HeadMotion} motion
   * @param {number} kept
   * @returns {Promise<{pixels: Uint8Array, milliseconds: number}>}
   */
  render(id, motion, kept) { return this.ask({ type: "render", id, motion, kept }); }

  /**
   * @param {Record<string, unknown>} asked
   * @returns {Promise<any>}
   */
  ask(asked) {
    const ticket = this.tickets++;
    return new Promise((kept, broken) => {
      this.open.set(ticket, { kept, broken });
      this.worker.postMessage({ ...asked, ticket });
    });
  }

  /** @param {any} said */
  heard(said) {
    if (said.type === "progress") {
      this.progress(said.share);
      return;
    }
    if (said.type === "failed" && said.ticket === undefined) {
      for (const { broken } of this.open.values()) broken(new Error(said.problem));
      this.open.clear();
      return;
    }
    const promise = this.open.get(said.ticket);
    this.open.delete(said.ticket);
    if (said.type === "failed") promise?.broken(new Error(said.problem));
    else promise?.kept(said);
  }
}
