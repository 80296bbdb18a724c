// In place of face/index.js: a face that nods by the clock, whatever the camera shows, unless `nobody` is set; no network.

export { follow } from "./follow.js";

const SIDE = 256, KEYPOINTS = 20;
const PERIOD = 2.4;  // seconds

export class FaceSender {
  constructor() { this.ready = Promise.resolve({ threads: 1, resolution: SIDE }); }

  async look(frame, seconds, { crop = false } = {}) {
    frame.close();
    if (globalThis.nobody) return { motion: null, presence: 0, box: null, face: null, crop: null, milliseconds: 1 };
    const yaw = 0.2 * Math.sin((2 * Math.PI * seconds) / PERIOD);
    const [cos, sin] = [Math.cos(yaw), Math.sin(yaw)];
    const motion = {
      rotation: [cos, 0, sin, 0, 1, 0, -sin, 0, cos],
      translation: [0, 0, 0],
      expression: new Float32Array(3 * KEYPOINTS),
    };
    const picture = crop ? new Uint8Array(3 * SIDE * SIDE).fill(128) : null;
    return { motion, presence: 1, box: { left: 0, top: 0, side: SIDE }, face: [64, 64, 192, 192], crop: picture, milliseconds: 1 };
  }

  async count(frame) {
    frame.close();
    return 1;
  }
}
