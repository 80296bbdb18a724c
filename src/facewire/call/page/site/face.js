// Free view of the remote face: drag, arrow keys, look at me, reset. Angles go to the local agent only.

const LIMITS = { yaw: 45, pitch: 30 };
const DEGREES_PER_WIDTH = 90;
const KEY_STEP = 5;

export class FaceView {
  // element: where to drag; changed({yaw, pitch, roll, frontal}): told at most once a frame.
  constructor(element, changed) {
    this.element = element;
    this.changed = changed;
    this.yaw = 0;
    this.pitch = 0;
    this.frontal = false;
    this.enabled = false;
    this.waiting = false;
    element.addEventListener("pointerdown", (event) => this.grab(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, () => this.release());
    }
    element.addEventListener("keydown", (event) => this.key(event));
  }

  set(yaw, pitch, frontal = this.frontal) {
    this.yaw = Math.max(-LIMITS.yaw, Math.min(LIMITS.yaw, yaw));
    this.pitch = Math.max(-LIMITS.pitch, Math.min(LIMITS.pitch, pitch));
    this.frontal = frontal;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.changed({ yaw: this.yaw, pitch: this.pitch, roll: 0, frontal: this.frontal });
    });
  }

  reset() { this.set(0, 0, false); }

  grab(event) {
    if (!this.enabled) return;
    this.start = { x: event.clientX, y: event.clientY, yaw: this.yaw, pitch: this.pitch };
    this.element.setPointerCapture(event.pointerId);
    this.element.classList.add("dragging");
  }

  drag(event) {
    if (!this.start) return;
    const share = DEGREES_PER_WIDTH / this.element.clientWidth;
    this.set(
      this.start.yaw + (event.clientX - this.start.x) * share,
      this.start.pitch - (event.clientY - this.start.y) * share,
    );
  }

  release() {
    this.start = null;
    this.element.classList.remove("dragging");
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const step = steps[event.key];
    if (!step || !this.enabled) return;
    event.preventDefault();
    this.set(this.yaw + KEY_STEP * step[0], this.pitch + KEY_STEP * step[1]);
  }
}
