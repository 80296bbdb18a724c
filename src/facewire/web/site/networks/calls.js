// Calls to a worker that return promises: the page's side and the worker's.
//
// Every message has a type and a ticket, which stands in its answer: done, failed {problem}, or progress {share}.

/** The page's side of one worker. */
export class Calls {
  /**
   * @param {Worker} worker
   * @param {(share: number) => void} progress told how much of the networks is loaded, 0 to 1
   */
  constructor(worker, progress) {
    this.worker = worker;
    this.progress = progress;
    /** @type {Map<number, {kept: (value: any) => void, broken: (error: Error) => void}>} */
    this.open = new Map();
    this.tickets = 0;
    worker.addEventListener("message", ({ data }) => this.heard(data));
    worker.addEventListener("error", () => this.end("the networks stopped: load the page again"));
  }

  /**
   * @param {Record<string, unknown>} asked
   * @param {Transferable[]} [given] what the worker gets instead of a copy
   * @returns {Promise<any>}
   */
  ask(asked, given = []) {
    const ticket = this.tickets++;
    return new Promise((kept, broken) => {
      this.open.set(ticket, { kept, broken });
      this.worker.postMessage({ ...asked, ticket }, given);
    });
  }

  /** @param {any} said */
  heard({ type, ticket, ...said }) {
    if (type === "progress") {
      this.progress(said.share);
      return;
    }
    const promise = this.open.get(ticket);
    this.open.delete(ticket);
    if (type === "failed") promise?.broken(new Error(said.problem));
    else promise?.kept(said);
  }

  /** @param {string} problem */
  end(problem) {
    for (const { broken } of this.open.values()) broken(new Error(problem));
    this.open.clear();
  }

  /** Stop the worker; what was asked and not answered fails. */
  close() {
    this.worker.terminate();
    this.end("it was closed");
  }
}

/**
 * Answer what is asked of this worker, one after the other.
 * @param {Record<string, (asked: any) => Promise<object | void>>} tasks by type
 */
export function answer(tasks) {
  /** @type {Promise<void>} */
  let queue = Promise.resolve();
  addEventListener("message", ({ data: { ticket, ...asked } }) => {
    queue = queue.then(() => tasks[asked.type](asked)).then(
      (said) => postMessage({ ...said, type: "done", ticket }),
      (error) => postMessage({ type: "failed", ticket, problem: String(error?.message ?? error) }),
    );
  });
}
