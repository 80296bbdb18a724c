// The studio's page. It talks only to the studio on this computer; its messages are those of facewire/studio/messages.py.

import { Controls } from "./controls.js";
import { byId, clamp, make, pressed, rounded } from "./dom.js";
import { Engine } from "./engine.js";
import { Jobs } from "./jobs.js";
import { Link } from "./link.js";
import { Media } from "./media.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";
import { Tools } from "./tools.js";

const LIMITS = { yaw: 45, pitch: 30, roll: 45 };
const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";

let project = null;
let said = 0;  // changes that the studio was told of
let plays = 0;  // how often it was told where to play: what it says of an earlier moment is old
let answered = { said: 0, plays: 0 };  // how many of both it has answered
let photo = { name: "", faces: [], problem: "" };
let driver = { name: "", seconds: 0, rate: 25, frames: 0, reference: -1, curves: null, drives: false };
let asked = null;
let commanded = false;
let referenceShown = "";

function notice(text) { byId("notice").textContent = text; }
function working(text, share = 0) {
  if (byId("working-text").textContent !== text) byId("working-text").textContent = text;
  byId("working-share").textContent = share ? `, ${Math.round(100 * share)} %` : "";
}

// What the studio says.

const hear = {
  welcome({ folder, engine, web }) {
    byId("folder").textContent = `${folder} · ${engine}`;
    byId("folder").title = folder;
    said = plays = 0;
    answered = { said: 0, plays: 0 };
    stage.restart();
    if (web) measure();
  },
  engines({ text }) {
    byId("engines").textContent = text;
    byId("engines").hidden = false;
  },
  heads(message) { engine.show(message).catch(withoutEngine); },
  state(message) {
    answered.said = message.heard;
    byId("undo").disabled = !message.can_undo;
    byId("redo").disabled = !message.can_redo;
    byId("command").textContent = message.command || "Choose a photo.";
    commanded = message.command !== "";
    showRender();
    if (project && (message.heard < said || asked)) return;
    const same = JSON.stringify(project) === JSON.stringify(message.project);
    project = message.project;
    if (!same) showProject();
  },
  media({ media }) { files.show(media); },
  photo(message) {
    photo = message;
    document.body.dataset.empty = message.faces.length ? "no" : "yes";
    if (message.problem) working("");
    byId("empty-title").textContent = message.problem ? "Nobody to move in this picture" : "Drop a photo or a video here";
    byId("empty-text").textContent = message.problem || "A face that looks at you, not too small. It stays on this computer.";
    stage.setPhoto(message);
    showRender();
  },
  driver(message) {
    driver = message;
    if (message.problem) notice(message.problem);
    document.body.dataset.driver = message.drives ? "yes" : "no";
    timeline.set({ driver });
    useSound();
    showDriver();
  },
  working({ stage: text, share }) { working(text, share); },
  playing({ heard, on, seconds, webcam, face }) {
    answered.plays = heard;
    if (heard < plays) return;
    timeline.set({ playing: on, seconds });
    files.showWebcam(webcam, face);
    sound.play(on && !webcam, seconds, shift());
    showValues();
  },
  jobs({ jobs: list, paused }) { jobs.show(list, paused); },
  failure({ problem }) { notice(problem); },
};

// Says whether the studio knows all that was changed here: its exact picture is that of what is chosen.
function upToDate() { return !asked && answered.said >= said && answered.plays >= plays; }

// What came is shown; where it plays, the timeline follows.
function follow(one) {
  if (!timeline.playing || one.exact) return;
  timeline.set({ seconds: one.seconds });
  sound.follow(one.seconds);
  showValues();
}

const link = new Link(key, {
  hear,
  picture(one) {
    stage.draw({ ...one, exact: one.exact && upToDate() });
    follow(one);
  },
  lost() {
    working("");
    notice(`${byId("notice").textContent} This page has lost its studio. Open the address that facewire studio prints.`.trim());
    document.body.dataset.alone = "yes";
  },
});

function showRender() { byId("copy").disabled = byId("render").disabled = !commanded || photo.problem !== ""; }

// The project: changed here at once, then told.

function change(fields, gesture = "") {
  if (!project) return;
  notice("");
  stage.outdated();
  project = { ...project, ...fields };
  stage.setChosen(project.faces);
  timeline.set({ project });  // what changes next builds on this, before the screen shows it
  if (!asked) requestAnimationFrame(tell);
  asked = { project, gesture };
}

function tell() {
  if (!asked) return;
  showProject();
  said += 1;
  link.say("change", asked);
  asked = null;
}

function showProject() {
  stage.setChosen(project.faces);
  files.mark(project);
  timeline.set({ project });
  showValues();
  showDriver();
}

// Returns a slider's value at the moment: that of its keyframes, else its own.
function at(name) {
  const keys = project.keys.filter((one) => one.slider === name).sort((a, b) => a.seconds - b.seconds);
  if (!keys.length) return project.look[name];
  const after = keys.findIndex((one) => one.seconds >= timeline.seconds);
  if (after <= 0) return after === 0 ? keys[0].value : keys.at(-1).value;
  const [from, to] = [keys[after - 1], keys[after]];
  const share = (timeline.seconds - from.seconds) / Math.max(1e-6, to.seconds - from.seconds);
  return from.value + share * (to.value - from.value);
}

function values() { return Object.fromEntries(Object.keys(project.look).map((name) => [name, at(name)])); }
function showValues() { if (project) controls.show(project, values()); }

// What of the timeline is not of the driver itself: of a video that is changed the driver begins where its part begins.
function shift() { return driver.of_video && project?.driver ? project.motion.start : 0; }

function useSound() {
  const name = project?.driver || (driver.of_video ? project?.photo : "");
  sound.use(files.media.find((one) => one.name === name && one.sort === "video"));
}

// Sets sliders; one that has keyframes gets one at this moment.
function look(wanted, gesture) {
  let { keys } = project;
  const own = { ...project.look };
  for (const [name, value] of Object.entries(wanted)) {
    if (keys.some((one) => one.slider === name)) keys = withKey(keys, name, value);
    else own[name] = value;
  }
  change({ look: own, keys }, gesture);
}

function withKey(keys, slider, value) {
  const seconds = rounded(timeline.seconds, 3);
  return [...keys.filter((one) => one.slider !== slider || Math.abs(one.seconds - seconds) > 0.02), { slider, seconds, value: rounded(value, 3) }];
}

// Puts a keyframe here, or takes the one that is here away.
function toggleKey(sliders) {
  const here = (one) => sliders.includes(one.slider) && Math.abs(one.seconds - timeline.seconds) <= 0.02;
  if (project.keys.some(here)) return change({ keys: project.keys.filter((one) => !here(one)) });
  change({ keys: sliders.reduce((keys, name) => withKey(keys, name, at(name)), project.keys) });
}

function showDriver() {
  if (!project) return;
  const timed = driver.name === project.driver && driver.frames > 0;
  const there = timed && driver.drives;
  const alone = timed && !there;
  const people = driver.people > 1 ? `, ${driver.people} people` : "";
  const missing = driver.missing ? `, ${driver.missing} frames without a face` : "";
  byId("driver-text").textContent = there ? `${driver.name}: ${driver.frames} frames${people}${missing}`
    : project.driver ? (driver.problem ? `${project.driver} cannot drive.` : `Reading ${project.driver}`)
    : `No driver chosen: ${alone ? "the video keeps its own motion, with sliders and keyframes" : "the photo moves by sliders and keyframes only"}.`;
  byId("person-row").hidden = !(there && driver.people > 1);
  byId("motion").classList.toggle("off", !there);
  byId("play").disabled = !timed && !project.keys.length;
  for (const id of ["start", "end", "start-here", "end-here", "whole"]) byId(id).disabled = !timed;
  for (const id of ["reference-best", "reference-here"]) byId(id).disabled = !there;
  byId("as-photo").hidden = !(driver.of_video || (there && !driver.name.endsWith(".fwv")));
  const shown = there && project.motion.relative && driver.reference >= 0;
  byId("reference-text").textContent = shown ? `Frame ${driver.reference} of the driver stands for the photo`
    + (project.motion.reference === "best" ? " (the most like it)." : ".") : there && !project.motion.relative ? "The driver's pose and expression are taken as they are." : "";
  showReference(shown && !driver.name.endsWith(".fwv") ? `/thumb/${encodeURIComponent(driver.name)}?frame=${driver.reference}` : "");
}

async function showReference(address) {
  if (address === referenceShown) return;
  referenceShown = address;
  const image = byId("reference-picture");
  image.hidden = true;
  const blob = address && await link.fetched(address);
  if (!blob || address !== referenceShown) return;
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
  image.alt = "The driver's frame that stands for the photo";
  image.hidden = false;
}

// Frames are counted from the beginning of the part that is used; of a video that is changed, the driver's own.
function referenceAt(seconds, start) {
  if (driver.of_video) return String(Math.max(0, Math.round((seconds - start) * driver.own_rate)));
  const frame = Math.round(seconds * driver.rate) - Math.ceil(start * driver.rate - 1e-6);
  return frame >= 0 ? String(frame) : "best";
}

function part(fields) {
  const { motion } = project;
  const own = /^\d+$/.test(motion.reference) && driver.reference >= 0 && !driver.of_video;
  const at = driver.reference / driver.rate;
  const inside = at >= fields.start && (fields.end === null || at < fields.end);
  const reference = driver.of_video || !own ? motion.reference : inside ? referenceAt(at, fields.start) : "best";
  change({ motion: { ...motion, ...fields, reference } }, "part");
}

function play(on, seconds) {
  plays += 1;
  stage.outdated();
  link.say("play", { on, seconds });
}

function seek(seconds) {
  timeline.set({ seconds, playing: false });
  showValues();
  play(false, seconds);
}

const stage = new Stage({
  view: (fields) => link.say("view", fields),
  turn: (yaw, pitch, gesture) => look({
    yaw: rounded(clamp(yaw, -LIMITS.yaw, LIMITS.yaw), 1), pitch: rounded(clamp(pitch, -LIMITS.pitch, LIMITS.pitch), 1),
  }, gesture),
  faces: (faces) => change({ faces }),
  drawn: (number) => link.say("shown", { number }),
  before: () => link.fetched("/before"),
  look: () => project ? { yaw: at("yaw"), pitch: at("pitch") } : { yaw: 0, pitch: 0 },
  single: () => driver.of_video,
  moment: () => driver.of_video ? timeline.seconds.toFixed(3) : "",
});
const controls = new Controls({
  look,
  at,
  key: toggleKey,
  moment: () => timeline.seconds,
  motion: (fields) => change({ motion: { ...project.motion, ...fields } }),
  result: (fields) => change({ result: { ...project.result, ...fields } }),
});
const timeline = new Timeline({
  seek,
  part,
  play: (on) => play(on, timeline.seconds),
  clear: (seconds) => change({ keys: project.keys.filter((one) => Math.abs(one.seconds - seconds) > 0.02) }),
});
const files = new Media(link, {
  photo: (name) => change({ photo: name, faces: [0], motion: { ...project.motion, start: 0, end: null, reference: "best" } }),
  driver: (name) => change({ driver: name, motion: { ...project.motion, start: 0, end: null, reference: "best", face: 0 } }),
  webcam: (on, again) => link.say("webcam", { on, again }),
  notice,
  working,
});
const sound = new Sound(link);
const engine = new Engine(link, {
  working,
  drawn: (number) => link.say("shown", { number }),
  draw: (canvas, picture) => { stage.put(canvas, picture); follow(picture); },
});

// Lets the studio render again.
function withoutEngine(problem) {
  notice(`The page's own engine stopped: ${problem.message}`);
  link.say("measured", { milliseconds: 1e6, name: "stopped" });
}

// Tries the page's own engine and says how fast it is; without it everything comes from the studio.
async function measure() {
  try {
    link.say("measured", await engine.measured());
  } catch (problem) {
    notice(`The page's own engine cannot be used: ${problem.message}`);
  }
  working("");
}
const jobs = new Jobs(link, { order: (job, action) => link.say("order", { job, action }), notice });

function again(step) {
  said += 1;
  stage.outdated();
  link.say(step);
}

// Buttons.

const actions = {
  undo: () => again("undo"),
  redo: () => again("redo"),
  plain: () => change({ look: Object.fromEntries(Object.keys(project.look).map((name) => [name, 0])) }),
  "no-keys": () => change({ keys: [] }),
  "reference-here": () => change({ motion: { ...project.motion, reference: referenceAt(timeline.seconds, project.motion.start) } }),
  "as-photo": () => link.say("take-frame", { name: driver.of_video ? project.photo : project.driver,
    frame: Math.round(timeline.seconds * driver.rate) }),
  render: () => { tell(); link.say("render", { photos: [], drivers: [] }); },
  several: () => chooseSeveral(),
  "show-keys": () => byId("keys").showModal(),
  copy: async () => {
    await navigator.clipboard?.writeText(byId("command").textContent).catch(() => {});
    byId("copy").textContent = "Copied";
    setTimeout(() => { byId("copy").textContent = "Copy"; }, 1500);
  },
};
for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
new Tools({ say: (command, fields) => link.say(command, fields), media: () => files.media, chosen: () => project, notice });

function chooseSeveral() {
  for (const [id, photos] of [["choose-photos", true], ["choose-drivers", false]]) {
    const chosen = photos ? project.photo : project.driver;
    const list = files.media.filter((one) => photos ? one.sort !== "motion" : one.sort !== "photo").map((one) =>
      make("label", { class: "check" }, make("input", { type: "checkbox", value: one.name, checked: one.name === chosen }), make("span", {}, one.name)));
    byId(id).replaceChildren(make("legend", {}, photos ? "Photos, or videos to edit" : "Drivers"), ...(list.length ? list : [make("p", { class: "none" }, "None.")]));
  }
  byId("choose").showModal();
}
byId("choose").addEventListener("close", () => {
  if (byId("choose").returnValue !== "ok") return;
  const names = (id) => [...byId(id).querySelectorAll("input:checked")].map((input) => input.value);
  const [photos, drivers] = [names("choose-photos"), names("choose-drivers")];
  if (photos.length) link.say("render", { photos, drivers: drivers.length ? drivers : [""] });
  else notice("Choose at least one photo.");
});

document.addEventListener("keydown", (event) => {
  const letter = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && (letter === "z" || letter === "y")) {
    event.preventDefault();
    actions[letter === "y" || event.shiftKey ? "redo" : "undo"]();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, button, summary, pre")) return;
  if (letter === " " && !byId("play").disabled) { event.preventDefault(); byId("play").click(); }
  if (letter === "z") stage.toggleZoom();
  if (letter === "f") stage.toggleOutlines();
  if (letter === "?") byId("keys").showModal();
});

if (!pressed(byId("outlines"))) stage.toggleOutlines();
