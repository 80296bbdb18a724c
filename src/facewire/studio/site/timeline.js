// The timeline: what the driver's mouth and head do, the chosen part, keyframes, the moment that is shown.

import { byId, clamp, colour, forgetColours, rounded, time } from "./dom.js";

const GRIP = 5;  // pixels around an end of the chosen part
const NEAR = 0.02;  // seconds, of a keyframe that is at a moment
const PLAIN = 4;  // seconds, where there is neither driver nor keyframe

export class Timeline {
  // told: seek(seconds), part({start, end}), play(on), clear(seconds): takes the keyframes of a moment away
  constructor(told) {
    this.told = told;
    this.canvas = byId("curves");
    this.driver = { name: "", seconds: 0, rate: 25, frames: 0, reference: -1, curves: null };
    this.project = null;
    this.seconds = 0;
    this.playing = false;
    this.watch();
  }

  watch() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => { this.hold(event); });
    canvas.addEventListener("pointermove", (event) => { if (this.held) this.move(event); });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { this.held = null; });
    canvas.addEventListener("keydown", (event) => {
      const act = this.key(event);
      if (!act) return;
      event.preventDefault();
      act();
    });
    byId("play").addEventListener("click", () => this.told.play(!this.playing));
    byId("start").addEventListener("change", (event) => this.part(Number(event.target.value) || 0, this.project.motion.end));
    byId("end").addEventListener("change", (event) => this.part(this.project.motion.start, event.target.value === "" ? null : Number(event.target.value)));
    byId("start-here").addEventListener("click", () => this.part(this.seconds, this.project.motion.end));
    byId("end-here").addEventListener("click", () => this.part(this.project.motion.start, this.seconds));
    byId("whole").addEventListener("click", () => this.part(0, null));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { forgetColours(); this.draw(); });
  }

  // Returns what a key does.
  key(event) {
    const frame = 1 / (this.driver.rate || 25);
    const to = (seconds) => () => this.told.seek(clamp(seconds, 0, this.length()));
    const moments = this.project.keys.map((one) => one.seconds).sort((a, b) => a - b);
    const along = event.ctrlKey || event.metaKey;
    switch (event.key) {
      case "ArrowLeft": return to(along ? moments.findLast((at) => at < this.seconds - NEAR) ?? 0 : this.seconds - frame);
      case "ArrowRight": return to(along ? moments.find((at) => at > this.seconds + NEAR) ?? this.length() : this.seconds + frame);
      case "PageUp": return to(this.seconds - 1);
      case "PageDown": return to(this.seconds + 1);
      case "Home": return to(this.project.motion.start);
      case "End": return to(this.project.motion.end ?? this.length());
      case "Delete": return () => this.told.clear(this.seconds);
      case "i": return this.driver.seconds ? () => this.part(this.seconds, this.project.motion.end) : null;
      case "o": return this.driver.seconds ? () => this.part(this.project.motion.start, this.seconds) : null;
      default: return null;
    }
  }

  length() {
    if (this.driver.seconds) return this.driver.seconds;
    return Math.max(PLAIN, ...(this.project?.keys ?? []).map((key) => key.seconds));
  }

  // Returns the moment of the frame that stands for the photo.
  referenceAt() {
    const { reference, own_rate: rate, of_video: ofVideo } = this.driver;
    return reference / rate + (ofVideo ? this.project.motion.start : 0);
  }

  part(start, end) {
    const frame = 1 / (this.driver.rate || 25);
    const first = rounded(clamp(start, 0, Math.max(0, this.length() - frame)), 3);
    const last = end === null || end >= this.length() ? null : rounded(Math.max(end, first + frame), 3);
    this.told.part({ start: first, end: last });
  }

  set({ driver, project, seconds, playing }) {
    if (driver) this.driver = driver;
    if (project) this.project = project;
    if (seconds !== undefined) this.seconds = seconds;
    if (playing !== undefined) {
      this.playing = playing;
      byId("play").textContent = playing ? "Stop" : "Play";
      byId("play").setAttribute("aria-pressed", String(playing));
    }
    byId("clock").textContent = `${this.seconds.toFixed(2)} of ${time(this.length())}`;
    this.canvas.setAttribute("aria-valuemax", this.length().toFixed(2));
    this.canvas.setAttribute("aria-valuenow", this.seconds.toFixed(2));
    this.canvas.setAttribute("aria-valuetext", this.words());
    this.draw();
  }

  // Returns the moment in words.
  words() {
    const keys = (this.project?.keys ?? []).filter((one) => Math.abs(one.seconds - this.seconds) <= NEAR);
    const said = keys.map((one) => `${one.slider.replace("_", " ")} ${rounded(one.value, 2)}`).join(", ");
    return `${time(this.seconds)}${said ? `, keyframe of ${said}` : ""}`;
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return clamp((event.clientX - box.left) / box.width, 0, 1) * this.length();
  }

  hold(event) {
    const { start, end } = this.project.motion;
    const pixel = this.length() / this.canvas.clientWidth;
    const at = this.at(event);
    const near = (moment) => Math.abs(at - moment) < GRIP * pixel;
    const frame = this.driver.seconds ? 1 : 0;
    this.held = frame && start > 0 && near(start) ? "start" : frame && end !== null && near(end) ? "end" : "moment";
    this.canvas.setPointerCapture(event.pointerId);
    this.move(event);
  }

  move(event) {
    const at = this.at(event);
    const { start, end } = this.project.motion;
    if (this.held === "start") this.part(Math.min(at, end ?? at), end);
    else if (this.held === "end") this.part(start, at);
    else this.told.seek(at);
  }

  // Draws with the next picture of the screen, once.
  draw() {
    this.drawing ??= requestAnimationFrame(() => { this.drawing = undefined; this.paint(); });
  }

  paint() {
    const ratio = devicePixelRatio || 1;
    const [wide, high] = [this.canvas.clientWidth, 84];
    if (!wide || !this.project) return;
    const [across, down] = [Math.round(wide * ratio), Math.round(high * ratio)];
    if (this.canvas.width !== across) this.canvas.width = across;
    if (this.canvas.height !== down) this.canvas.height = down;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const x = (seconds) => seconds / this.length() * wide;
    const { curves } = this.driver;
    if (curves) {
      this.curve(pen, curves.mouth, wide, (value) => high - 6 - value * (high * 0.45), colour("--mouth"), high);
      this.curve(pen, curves.yaw, wide, (value) => high / 2 - clamp(value / 40, -1, 1) * high * 0.45, colour("--yaw"));
      this.curve(pen, curves.pitch, wide, (value) => high / 2 - clamp(value / 40, -1, 1) * high * 0.45, colour("--pitch"));
    }
    const { start, end } = this.project.motion;
    pen.fillStyle = colour("--veil");
    if (this.driver.seconds) {
      pen.fillRect(0, 0, x(start), high);
      if (end !== null) pen.fillRect(x(end), 0, wide, high);
      pen.fillStyle = colour("--accent");
      if (start > 0) pen.fillRect(x(start) - 2, 0, 4, high);
      if (end !== null) pen.fillRect(x(end) - 2, 0, 4, high);
    }
    if (this.driver.reference >= 0 && this.project.motion.relative) this.flag(pen, x(this.referenceAt()));
    for (const key of this.project.keys) this.diamond(pen, x(key.seconds), 9);
    pen.fillStyle = colour("--ink");
    pen.fillRect(clamp(x(this.seconds), 1, wide - 1) - 1, 0, 2, high);
  }

  curve(pen, values, wide, y, stroke, floor) {
    pen.beginPath();
    values.forEach((value, place) => pen.lineTo(place / Math.max(1, values.length - 1) * wide, y(value)));
    if (floor) {
      pen.lineTo(wide, floor);
      pen.lineTo(0, floor);
      pen.fillStyle = stroke;
      pen.globalAlpha = 0.45;
      pen.fill();
      pen.globalAlpha = 1;
      return;
    }
    pen.strokeStyle = stroke;
    pen.lineWidth = 1.5;
    pen.stroke();
  }

  flag(pen, x) {
    pen.fillStyle = colour("--reference");
    pen.fillRect(x - 0.5, 0, 1.5, 84);
    pen.beginPath();
    pen.moveTo(x, 70);
    pen.lineTo(x + 10, 75);
    pen.lineTo(x, 80);
    pen.fill();
  }

  diamond(pen, x, y) {
    pen.fillStyle = colour("--key");
    pen.beginPath();
    for (const [across, down] of [[0, -5], [5, 0], [0, 5], [-5, 0]]) pen.lineTo(x + across, y + down);
    pen.fill();
  }
}
