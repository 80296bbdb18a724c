// Sliders, the dot of the gaze, and the settings of motion and render. They show a project and say what is changed in it.

import { byId, clamp, make, press, rounded } from "./dom.js";

const SLIDERS = [["smile", "Smile"], ["mouth", "Mouth open"], ["blink_left", "Blink left"], ["blink_right", "Blink right"],
  ["brows", "Brows up"]];
const POSE = [["yaw", "Turn", 45], ["pitch", "Nod", 30], ["roll", "Tilt", 45]];
const FULL = "full";
const FULL_CRF = 6;  // with the colours of all pixels
const REGIONS = [["all", "everything"], ["pose", "pose"], ["expression", "expression"], ["lips", "lips"], ["eyes", "eyes"],
  ["brows", "brows"], ["gaze", "gaze"]];

export class Controls {
  // told: look({slider: value}, gesture), motion(fields), result(fields), key(sliders), at(slider) -> value now, moment() -> seconds
  constructor(told) {
    this.told = told;
    this.rows = new Map();
    for (const [name, text] of SLIDERS) byId("sliders").append(this.slider(name, text, 1, 0.01));
    for (const [name, text, most] of POSE) byId("pose").append(this.slider(name, text, most, 0.5));
    this.watchGaze();
    this.watchMotion();
    this.watchResult();
  }

  slider(name, text, most, step) {
    const output = make("output", { for: `slider-${name}` }, "0");
    const input = make("input", { type: "range", id: `slider-${name}`, min: -most, max: most, step, value: 0 });
    const gesture = () => `${name} ${this.began ?? 0}`;
    input.addEventListener("pointerdown", () => { this.began = performance.now(); });
    input.addEventListener("input", () => this.told.look({ [name]: Number(input.value) }, gesture()));
    input.addEventListener("dblclick", () => this.told.look({ [name]: 0 }, ""));
    const key = make("button", { type: "button", class: "keyframe", "aria-label": `Keyframe of ${text}`, title: "Keyframe here",
      click: () => this.told.key([name]) }, "◆");
    this.rows.set(name, { input, output, key, degrees: most > 1 });
    return make("div", { class: "slider" }, make("label", { for: input.id }, text), input, output, key);
  }

  watchGaze() {
    const pad = byId("gaze");
    const put = (event) => {
      const box = pad.getBoundingClientRect();
      const x = clamp(2 * (event.clientX - box.left) / box.width - 1, -1, 1);
      const y = clamp(1 - 2 * (event.clientY - box.top) / box.height, -1, 1);
      this.told.look({ gaze_right: rounded(x, 2), gaze_up: rounded(y, 2) }, `gaze ${this.began}`);
    };
    pad.addEventListener("pointerdown", (event) => { this.began = performance.now(); pad.setPointerCapture(event.pointerId); put(event); });
    pad.addEventListener("pointermove", (event) => { if (pad.hasPointerCapture(event.pointerId)) put(event); });
    pad.addEventListener("dblclick", () => this.told.look({ gaze_right: 0, gaze_up: 0 }, ""));
    pad.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [x, y] = [this.told.at("gaze_right") + step[0] / 10, this.told.at("gaze_up") + step[1] / 10];
      this.told.look({ gaze_right: rounded(clamp(x, -1, 1), 2), gaze_up: rounded(clamp(y, -1, 1), 2) }, "gaze by keys");
    });
    byId("gaze-key").addEventListener("click", () => this.told.key(["gaze_right", "gaze_up"]));
  }

  watchMotion() {
    for (const [name, text] of REGIONS) {
      const input = make("input", { type: "checkbox", value: name, change: () => this.region(name, input.checked) });
      byId("regions").append(make("label", { class: "check" }, input, make("span", {}, text)));
    }
    byId("relative").addEventListener("change", (event) => this.told.motion({ relative: event.target.checked }));
    byId("smooth").addEventListener("change", (event) => this.told.motion({ smooth: event.target.checked }));
    byId("person").addEventListener("change", (event) => this.told.motion({ face: clamp(Math.round(Number(event.target.value)) || 0, 0, 16) }));
    byId("reference-best").addEventListener("click", () => this.told.motion({ reference: "best" }));
  }

  region(name, on) {
    if (name === "all") return this.told.motion({ regions: on ? ["all"] : ["expression"] });
    const chosen = new Set([...byId("regions").querySelectorAll("input:checked")].map((input) => input.value));
    chosen.delete("all");
    this.told.motion({ regions: chosen.size ? [...chosen] : ["all"] });
  }

  watchResult() {
    byId("kind").addEventListener("change", (event) => this.told.result({ kind: event.target.value }));
    byId("size").addEventListener("change", (event) => this.told.result({ size: Number(event.target.value) }));
    byId("crf").addEventListener("change", (event) => this.told.result(event.target.value === FULL
      ? { crf: FULL_CRF, full_colour: true } : { crf: Number(event.target.value), full_colour: false }));
    byId("head").addEventListener("change", (event) => this.told.result({ head: event.target.checked }));
    byId("sound").addEventListener("change", (event) => this.told.result({ sound: event.target.checked }));
  }

  // Shows a project as it is at a moment.
  show(project, values) {
    for (const [name, { input, output, key, degrees }] of this.rows) {
      if (document.activeElement !== input || Number(input.value) !== values[name]) input.value = values[name];
      output.textContent = degrees ? `${values[name].toFixed(0)}°` : values[name].toFixed(2);
      input.setAttribute("aria-valuetext", degrees ? `${values[name].toFixed(0)} degrees` : values[name].toFixed(2));
      this.showKey(key, project, [name]);
    }
    const dot = byId("gaze").querySelector("i");
    dot.style.left = `${50 + 50 * values.gaze_right}%`;
    dot.style.top = `${50 - 50 * values.gaze_up}%`;
    this.showKey(byId("gaze-key"), project, ["gaze_right", "gaze_up"]);
    byId("gaze-value").textContent = `${values.gaze_right.toFixed(2)} to the right, ${values.gaze_up.toFixed(2)} up`;
    byId("no-keys").disabled = !project.keys.length;
    this.showMotion(project.motion);
    const { result } = project;
    byId("kind").value = result.kind;
    byId("size").value = String(result.size);
    byId("crf").value = result.full_colour ? FULL : String([10, 18, 24, 30].reduce((best, one) => Math.abs(one - result.crf) < Math.abs(best - result.crf) ? one : best));
    byId("crf").disabled = !["mp4", "webm"].includes(result.kind);
    byId("head").checked = result.head;
    byId("sound").checked = result.sound;
  }

  // Coloured where a slider has keyframes, pressed where one of them is at this moment.
  showKey(button, project, sliders) {
    const keys = project.keys.filter((one) => sliders.includes(one.slider));
    button.classList.toggle("set", keys.length > 0);
    press(button, keys.some((one) => Math.abs(one.seconds - this.told.moment()) <= 0.02));
  }

  showMotion(motion) {
    for (const input of byId("regions").querySelectorAll("input")) input.checked = motion.regions.includes(input.value);
    byId("relative").checked = motion.relative;
    byId("smooth").checked = motion.smooth;
    byId("person").value = motion.face;
    if (document.activeElement !== byId("start")) byId("start").value = motion.start;
    if (document.activeElement !== byId("end")) byId("end").value = motion.end ?? "";
  }
}
