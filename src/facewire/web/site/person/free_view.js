// The own view of the other face: turned by dragging, or looking at who looks; costs no bits
// (facewire/call/person/view.py).

import { anglesOf, compose, fromAngles, transposed } from "../motion/rotation.js";

const GLIDE = 0.35;  // share of the way that the view goes with each picture
const DEGREE = Math.PI / 180;
const STILL = 0.05 * DEGREE;

/** Where one wants to look from, and where the view is on its way there. */
export class FreeView {
  constructor() {
    this.goal = [0, 0, 0];
    this.now = [0, 0, 0];
    this.frontal = false;
    this.share = 0;
  }

  /**
   * Set the goal: angles in degrees, added to the head's own, or with `frontal` instead of them.
   * @param {{yaw: number, pitch: number, roll: number, frontal: boolean}} wanted
   */
  aim({ yaw, pitch, roll, frontal }) {
    this.goal = [yaw, pitch, roll].map((angle) => angle * DEGREE);
    this.frontal = frontal;
  }

  /** True while the view is on its way: then the picture changes though the head may not. */
  get moving() {
    const away = Math.max(...this.goal.map((goal, at) => Math.abs(goal - this.now[at])));
    return away > STILL || Math.abs(this.share - Number(this.frontal)) > 0.01;
  }

  /**
   * Return R_u for the next picture of a head with this rotation; null for its own view.
   * @param {ArrayLike<number>} rotation
   */
  turn(rotation) {
    this.now = this.now.map((now, at) => now + GLIDE * (this.goal[at] - now));
    this.share += GLIDE * (Number(this.frontal) - this.share);
    if (this.share < 0.01 && Math.max(...this.now.map(Math.abs)) < STILL) return null;
    const [yaw, pitch, roll] = anglesOf(rotation).map((angle) => (1 - this.share) * angle);
    return compose(compose(fromAngles(this.now[0], this.now[1], this.now[2]), fromAngles(yaw, pitch, roll)), transposed(rotation));
  }
}
