// In place of render/index.js: grey pictures at once, or `slow` milliseconds later; what was to be drawn is noted, with its time.

const SIDE = 256, KEYPOINTS = 20;
const REST = { rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], translation: [0, 0, 0], expression: new Float32Array(3 * KEYPOINTS) };

/** Milliseconds, person and how the head was turned, of every picture. */
globalThis.drawn = [];

export class Renderer {
  constructor() {
    this.people = 0;
    this.ready = Promise.resolve({ provider: "wasm", threads: 1 });
  }

  async person(pixels) { return (await this.introduce(pixels)).id; }

  async introduce() { return { id: this.people++, motion: REST }; }

  forget() {}

  async render(id, { rotation }) {
    if (globalThis.slow) await new Promise((resolve) => { setTimeout(resolve, globalThis.slow); });
    globalThis.drawn.push([performance.now(), id, rotation[2]]);
    return { pixels: new Uint8Array(3 * SIDE * SIDE).fill(128), milliseconds: 1 };
  }
}
