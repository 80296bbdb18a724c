// The picture: drawn as it comes, turned by dragging, faces to choose, a handle between before and after, its pixels.

import { byId, clamp, make, press, pressed } from "./dom.js";

const DEGREES_PER_WIDTH = 90;
const KEY_STEP = 5;
const HELP = byId("stage-help").textContent;
const CLICK = 4;  // pixels that a click may move

export class Stage {
  // told: view(fields), turn(yaw, pitch, ended), faces(list), drawn(number), before() -> blob,
  // look() -> {yaw, pitch}, single(): whether only one face can be chosen, moment(): what before is of, as text
  constructor(told) {
    this.told = told;
    this.element = byId("stage");
    this.canvas = byId("picture");
    this.context = this.canvas.getContext("2d");
    this.photo = { name: "", faces: [] };
    this.chosen = [0];
    this.show = "result";
    this.zoom = false;
    this.place = { x: 0.5, y: 0.5 };
    this.split = 0.5;
    this.pace = [];
    this.changes = 0;  // how often what is shown went out of date
    this.watch();
  }

  watch() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => this.grab(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    element.addEventListener("pointerup", (event) => this.release(event));
    element.addEventListener("pointercancel", () => { this.held = null; });
    element.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.ask()).observe(element);
    for (const button of document.querySelectorAll("[data-show]")) {
      button.addEventListener("click", () => this.choose(button.dataset.show));
    }
    byId("zoom").addEventListener("click", () => this.toggleZoom());
    byId("outlines").addEventListener("click", () => this.toggleOutlines());
    const handle = byId("handle");
    handle.addEventListener("pointerdown", (event) => { event.stopPropagation(); handle.setPointerCapture(event.pointerId); });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = this.box();
      this.setSplit((event.clientX - this.element.getBoundingClientRect().left - box.left) / box.width);
    });
    handle.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: this.split - 0.02, ArrowRight: this.split + 0.02, ArrowDown: this.split - 0.02, ArrowUp: this.split + 0.02,
        PageDown: this.split - 0.1, PageUp: this.split + 0.1, Home: 0, End: 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.setSplit(to);
    });
  }

  // What the page wants to see.

  ask() {
    const ratio = devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.element.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.element.clientHeight * ratio));
    const show = this.show === "compare" ? "result" : this.show;
    this.told.view({ width, height, zoom: this.zoom, x: this.place.x, y: this.place.y, show });
    this.arrange();
  }

  choose(show) {
    this.show = show;
    for (const button of document.querySelectorAll("[data-show]")) {
      press(button, button.dataset.show === show);
    }
    this.beforeKey = "";
    this.ask();
  }

  toggleZoom() {
    this.zoom = !this.zoom;
    press(byId("zoom"), this.zoom);
    this.element.classList.toggle("zoomed", this.zoom);
    byId("stage-help").textContent = this.zoom ? "Drag to move about. Space plays." : HELP;
    this.beforeKey = "";
    this.ask();
  }

  toggleOutlines() {
    press(byId("outlines"), !pressed(byId("outlines")));
    this.arrange();
  }

  setPhoto(photo) {
    this.photo = photo;
    if (!photo.faces.length) this.canvas.hidden = true;
    this.place = { x: 0.5, y: 0.5 };
    const [face] = photo.faces;
    if (face) this.place = { x: (face.left + face.right) / 2, y: (face.top + face.bottom) / 2 };
    this.beforeKey = "";
    this.outline();
  }

  setChosen(faces) {
    this.chosen = faces;
    this.outline();
  }

  // Pictures.

  async draw(picture) {
    const { changes } = this;
    const bitmap = await createImageBitmap(picture.blob);
    this.put(bitmap, { ...picture, exact: picture.exact && changes === this.changes });
    bitmap.close();
  }

  // Draws what is an image already.
  put(image, picture) {
    this.told.drawn(picture.number);
    if (this.last > picture.number) return;
    this.last = picture.number;
    if (this.canvas.width !== image.width || this.canvas.height !== image.height) {
      this.canvas.width = image.width;
      this.canvas.height = image.height;
    }
    this.context.drawImage(image, 0, 0);
    this.canvas.hidden = !this.photo.faces.length;  // a late picture of the photo before
    this.canvas.dataset.exact = String(picture.exact);
    this.canvas.dataset.number = String(picture.number);
    this.measure(picture);
    this.arrange();
  }

  restart() { this.last = 0; }

  // What is shown is not what is chosen any more.
  outdated() {
    this.changes += 1;
    this.canvas.dataset.exact = "false";
  }

  measure(picture) {
    if (picture.exact) return;
    const now = performance.now();
    this.pace = [...this.pace.filter((at) => now - at < 2000), now];
    const seconds = (now - this.pace[0]) / 1000;
    const rate = this.pace.length > 2 && seconds > 0.3 ? `${((this.pace.length - 1) / seconds).toFixed(0)} a second, ` : "";
    byId("pace").textContent = `${rate}${picture.took.toFixed(0)} ms a picture`;
  }

  // Returns where the picture lies in the stage, in CSS pixels.
  box() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: wide, clientHeight: high } = this.element;
    const { width, height } = this.canvas;
    const share = this.zoom ? 1 / ratio : Math.min(wide / width, high / height);
    return { width: width * share, height: height * share, left: (wide - width * share) / 2, top: (high - height * share) / 2 };
  }

  arrange() {
    const there = this.photo.faces.length > 0 && !this.canvas.hidden;
    const box = this.box();
    for (const element of [this.canvas, byId("before"), byId("faces")]) {
      for (const side of ["left", "top", "width", "height"]) element.style[side] = `${box[side]}px`;
    }
    const compare = there && this.show === "compare";
    byId("before").hidden = byId("before-mark").hidden = byId("handle").hidden = !compare;
    this.element.classList.toggle("comparing", compare);
    byId("mark").hidden = !there || this.show === "background" || this.show === "matte";
    byId("faces").hidden = !there || this.zoom || !pressed(byId("outlines")) || this.photo.faces.length < 1;
    if (compare) {
      this.setSplit(this.split);
      this.fetchBefore();
    }
  }

  setSplit(split) {
    this.split = clamp(split, 0, 1);
    const box = this.box();
    const handle = byId("handle");
    handle.style.left = `${box.left + this.split * box.width}px`;
    handle.style.top = `${box.top}px`;
    handle.style.height = `${box.height}px`;
    handle.setAttribute("aria-valuenow", String(Math.round(100 * this.split)));
    handle.setAttribute("aria-valuetext", `${Math.round(100 * this.split)} % of the width shows before`);
    byId("before").style.clipPath = `inset(0 ${100 - 100 * this.split}% 0 0)`;
  }

  async fetchBefore() {
    const key = [this.photo.name, this.told.moment(), this.element.clientWidth, this.element.clientHeight, this.zoom, this.place.x, this.place.y].join(" ");
    if (key === this.beforeKey) return;
    this.beforeKey = key;
    const blob = await this.told.before();
    if (!blob || key !== this.beforeKey) return;
    const image = byId("before");
    if (image.src) URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(blob);
  }

  // Faces.

  outline() {
    const key = JSON.stringify([this.photo.name, this.photo.faces, this.chosen]);
    if (key === this.outlined) return;
    this.outlined = key;
    const boxes = this.photo.faces.map((face, number) => {
      const chosen = this.chosen.includes(number);
      const text = `Face ${number + 1} of ${this.photo.faces.length}`;
      const button = make("button", {
        type: "button", "aria-pressed": String(chosen), "aria-label": text, title: text,
        keydown: (event) => { if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); this.toggle(number); } },
      });
      for (const [side, value] of [["left", face.left], ["top", face.top], ["width", face.right - face.left],
        ["height", face.bottom - face.top]]) button.style[side] = `${100 * value}%`;
      return button;
    });
    byId("faces").replaceChildren(...boxes);
  }

  toggle(number) {
    if (this.told.single()) return this.told.faces([number]);
    const others = this.chosen.filter((one) => one !== number);
    const faces = this.chosen.includes(number) ? others : [...others, number];
    if (faces.length) this.told.faces(faces.sort((a, b) => a - b));
  }

  faceAt(event) {
    const edge = this.element.getBoundingClientRect();
    const box = this.box();
    const x = (event.clientX - edge.left - box.left) / box.width;
    const y = (event.clientY - edge.top - box.top) / box.height;
    return this.photo.faces.findIndex((face) => x >= face.left && x <= face.right && y >= face.top && y <= face.bottom);
  }

  // Turning, and with zoom moving about.

  grab(event) {
    if (!this.photo.faces.length || event.button) return;
    this.held = { x: event.clientX, y: event.clientY, moved: false, ...this.told.look(), place: { ...this.place },
      gesture: `turn ${performance.now()}` };
    this.element.setPointerCapture(event.pointerId);
  }

  drag(event) {
    const held = this.held;
    if (!held) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.hypot(x, y) < CLICK) return;
    held.moved = true;
    this.element.classList.add("dragging");
    if (this.zoom) return this.pan(held, x, y);
    const share = DEGREES_PER_WIDTH / Math.min(this.element.clientWidth, 600);
    this.told.turn(held.yaw + x * share, held.pitch - y * share, held.gesture);
  }

  pan(held, x, y) {
    const { width, height } = this.photo;
    this.place = { x: clamp(held.place.x - x / width, 0, 1), y: clamp(held.place.y - y / height, 0, 1) };
    this.ask();
  }

  release(event) {
    const held = this.held;
    this.held = null;
    this.element.classList.remove("dragging");
    if (!held || held.moved || this.zoom || byId("faces").hidden) return;
    const face = this.faceAt(event);
    if (face >= 0) this.toggle(face);
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || !this.photo.faces.length || event.target !== this.element) return;
    event.preventDefault();
    const { yaw, pitch } = this.told.look();
    this.told.turn(yaw + KEY_STEP * step[0], pitch + KEY_STEP * step[1], "turn by keys");
  }
}
