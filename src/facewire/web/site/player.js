// The page of the player: a file is dropped, read and shown here, and leaves this page for nowhere.

import { FaceView } from "./face.js";
import { IDENTITY, fromDegrees } from "./motion/index.js";
import { recordingOf } from "./recording.js";
import { Renderer } from "./render/index.js";
import { Screen } from "./screen.js";
import { Site } from "./networks/site.js";
import { SoundPlayer } from "./sound/player.js";

const site = new Site(new URL(".", location.href).href);
const SPEED_FRAMES = 12;  // that the shown speed is the mean of

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);
const [play, seek, file, problem] = ["play", "seek", "file", "problem"].map(byId);
let renderer = null;
let screen = null;
/** @type {SoundPlayer | null} */
let sound = null;
let playing = null;  // when frame 0 would have been shown, milliseconds; null: it stands still
let drawing = false;
let wanted = 0;  // number of the frame to draw
let asked = 0;  // the one that was wanted last
let stale = false;
let computes = "";  // what computes, in words
let opened = 0;  // files so far; a later one ends what an earlier one began
let times = [];

/** Load what rendering needs, once, and again where it failed; return what computes, in words. */
async function prepareRendering() {
  if (!renderer) {
    byId("loading").hidden = false;
    renderer = new Renderer(site.base, (share) => { byId("loading").value = share; });
  }
  try {
    const { provider, threads } = await renderer.ready;
    return provider === "webgpu" ? "WebGPU" : `${threads} ${threads === 1 ? "thread" : "threads"}`;
  } catch (error) {
    renderer = null;
    throw error;
  } finally {
    byId("loading").hidden = true;
  }
}

function state(name, text) {
  document.body.dataset.state = name;
  byId("state").textContent = text;
  const live = name === "live";
  for (const control of [play, seek, byId("reset"), byId("another")]) control.disabled = !live;
  view.enabled = live;
}

async function open(chosen) {
  const turn = ++opened;
  problem.textContent = "";
  stop();
  screen?.close();
  sound?.close();
  screen = sound = null;
  state("loading", "Loading the networks");
  try {
    const data = new Uint8Array(await chosen.arrayBuffer());
    const { manifest, shelf } = await site.opened();
    const recording = await recordingOf(data, shelf, manifest);
    computes = await prepareRendering();
    const heard = await SoundPlayer.of(recording.sound);
    if (turn !== opened) {
      heard?.close();
      return;
    }
    sound = heard;
    document.body.dataset.sound = sound ? "yes" : "no";
    screen = new Screen(byId("picture"), recording, renderer, manifest.resolution);
    [seek.max, seek.value, wanted, times] = [String(recording.last), "0", 0, []];
    await drawn();
    if (turn !== opened) return;
    state("live", chosen.name);
    problem.textContent = recording.problem && `It ends early: ${recording.problem}`;
    view.reset();
    start();
  } catch (error) {
    if (turn === opened) failed(chosen.name, error);
  }
}

function failed(name, error) {
  stop();
  screen = null;
  state("idle", "Drop a .fwv file");
  problem.textContent = `${name}: ${error.message}`;
}

/** Draw the wanted frame; what is wanted meanwhile is drawn next. */
async function drawn() {
  stale = true;
  asked = wanted;
  if (drawing || !screen) return;
  drawing = true;
  try {
    while (stale && screen) {
      stale = false;
      const [shown, frame] = [screen, screen.recording.at(wanted)];
      const milliseconds = await shown.draw(frame).catch((error) => {
        if (shown === screen) throw error;  // else it belongs to a file that was closed meanwhile
      });
      if (shown === screen) tell(frame, milliseconds);
    }
  } finally {
    drawing = false;
  }
}

function tell(frame, milliseconds) {
  document.body.dataset.frame = String(frame.number);
  document.body.dataset.milliseconds = milliseconds.toFixed(1);
  seek.value = String(frame.number);
  times = [...times, performance.now()].slice(-SPEED_FRAMES);
  const rate = times.length > 1 ? (1000 * (times.length - 1)) / (times.at(-1) - times[0]) : 0;
  const full = 1 / screen.recording.frameSeconds;
  byId("speed").textContent = playing === null || !rate ? "" : `${Math.min(rate, full).toFixed(1)} of ${full.toFixed(1)} `
    + `frames a second, ${computes}`;
}

function start() {
  if (wanted >= screen.recording.last) wanted = 0;
  const seconds = wanted * screen.recording.frameSeconds;
  playing = performance.now() - 1000 * seconds;
  sound?.play(seconds);
  times = [];
  play.textContent = "Pause";
  requestAnimationFrame(step);
}

function stop() {
  playing = null;
  sound?.stop();
  play.textContent = "Play";
}

function step(now) {
  if (playing === null || !screen) return;
  wanted = Math.max(0, Math.floor((now - playing) / 1000 / screen.recording.frameSeconds));
  if (wanted >= screen.recording.last) {
    wanted = screen.recording.last;
    stop();
  } else {
    requestAnimationFrame(step);
  }
  if (wanted !== asked) again();
}

/** Draw, and say so where that fails. */
function again() {
  drawn().catch((error) => failed(byId("state").textContent, error));
}

const view = new FaceView(byId("face"), ({ yaw, pitch, frontal }) => {
  if (!screen) return;
  screen.view = !frontal && !yaw && !pitch ? IDENTITY : fromDegrees(yaw, pitch, 0);
  again();
});

play.addEventListener("click", () => (playing === null ? start() : stop()));
seek.addEventListener("input", () => {
  stop();
  wanted = Number(seek.value);
  again();
});
byId("reset").addEventListener("click", () => view.reset());
byId("another").addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files.length) open(file.files[0]);
  file.value = "";
});
document.addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLButtonElement || !screen) return;
  if (event.key === " ") play.click();
  if (event.key.toLowerCase() === "r") view.reset();
});
for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (/** @type {any} */ event) => {
    event.preventDefault();
    document.body.classList.toggle("over", type === "dragover");
    if (type === "drop" && event.dataTransfer?.files.length) open(event.dataTransfer.files[0]);
  });
}
if (opener) {  // the converter hands over what it made
  addEventListener("message", ({ source, origin, data }) => {
    if (source === opener && origin === location.origin && data instanceof File) open(data);
  });
  opener.postMessage("ready", location.origin);
}
