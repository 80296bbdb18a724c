// The page of the converter: a video, and a photo if wanted, become a .fwv file here, and leave this page for nowhere.

import { VideoFrames, convert } from "./conversion/index.js";
import { FaceSender } from "./face/index.js";
import { Site } from "./networks/site.js";
import { encodedSound } from "./sound/encode.js";

const RATE = 25;  // pictures a second of what is made
const TABLES = "compact-coarse";

const site = new Site(new URL(".", location.href).href);
/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);
const [problem, progress, picture] = ["problem", "progress", "picture"].map(byId);
/** @type {Blob | null} */
let video = null;
/** @type {Blob | null} */
let photo = null;
/** @type {FaceSender | null} */
let sender = null;
/** @type {AbortController | null} */
let running = null;
/** @type {{recorder: MediaRecorder, stream: MediaStream} | null} */
let recording = null;
/** @type {File | null} */
let made = null;

function state(name, text) {
  document.body.dataset.state = name;
  byId("state").textContent = text;
  const busy = name === "busy";
  byId("convert").disabled = busy || !video || Boolean(recording);
  byId("cancel").hidden = progress.hidden = !busy;
  for (const id of ["video", "photo", "no-photo"]) byId(id).disabled = busy || Boolean(recording);
  byId("record").disabled = busy;
}

const idle = () => state("idle", "A video becomes a .fwv file");

function failed(error) {
  problem.textContent = error.message;
  idle();
}

/** Load the sender's networks, once, and again where that failed. */
async function prepared() {
  sender ??= new FaceSender(site.base, (share) => { progress.value = share; }, { smooth: false });
  try {
    await sender.ready;
    return sender;
  } catch (error) {
    sender = null;
    throw error;
  }
}

async function start() {
  running = new AbortController();
  problem.textContent = "";
  byId("result").hidden = true;
  progress.value = 0;
  state("busy", "Loading the networks");
  let frames = null;
  try {
    const { manifest, shelf } = await site.opened();
    const tables = await shelf.named(TABLES);
    const reader = await prepared();
    frames = await VideoFrames.open(video, RATE);
    const sound = await encodedSound(video);
    state("busy", "Reading the motion");
    const began = performance.now();
    const bytes = await convert({
      frames, sender: reader, tables, networks: manifest, photo, sound, signal: running.signal,
      watch: (number, look, shown) => watched(number + 1, frames.count, look, shown, began),
    });
    finished(bytes, frames.count, sound);
  } catch (error) {
    if (error.name === "AbortError") idle();
    else failed(error);
  } finally {
    frames?.close();
    running = null;
  }
}

/** Show a frame with the square that is read. */
function watched(done, count, { box, motion }, shown, began) {
  [picture.width, picture.height] = [shown.width, shown.height];
  const context = picture.getContext("2d");
  context.drawImage(shown, 0, 0);
  if (box) {
    context.strokeStyle = motion ? "#4fc3b0" : "#f0b35c";
    context.lineWidth = Math.max(2, shown.width / 200);
    context.strokeRect(box.left, box.top, box.side, box.side);
  }
  progress.value = done / count;
  const rate = 1000 * done / (performance.now() - began);
  byId("speed").textContent = `${done} of ${count} frames, ${rate.toFixed(1)} a second`;
}

function finished(bytes, count, sound) {
  made = new File([bytes], "talk.fwv", { type: "application/octet-stream" });
  const save = byId("save");
  URL.revokeObjectURL(save.href);
  save.href = URL.createObjectURL(made);
  const seconds = count / RATE, kbit = 8 * bytes.length / 1000 / seconds;
  byId("summary").textContent = `${(bytes.length / 1000).toFixed(1)} kB for ${seconds.toFixed(1)} s, `
    + `${kbit.toFixed(1)} kbit/s with the picture${sound ? " and the sound" : ", without sound"}.`;
  byId("result").hidden = false;
  idle();
}

function chosenVideo(file) {
  video = file;
  byId("video-name").textContent = file.name ?? "Recorded from the camera";
  byId("result").hidden = true;
  problem.textContent = "";
  idle();
}

function chosenPhoto(file) {
  photo = file;
  byId("photo-name").textContent = file?.name ?? "The person in the video";
  byId("no-photo").hidden = !file;
}

/** Begin to record from the camera. */
async function record() {
  problem.textContent = "";
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 }, audio: true });
  const recorder = new MediaRecorder(stream), parts = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  recorder.addEventListener("stop", () => {
    for (const track of stream.getTracks()) track.stop();
    recording = null;
    pressed(false);
    chosenVideo(new Blob(parts, { type: recorder.mimeType }));
  });
  recorder.start();
  recording = { recorder, stream };
  pressed(true);
  state("recording", "Recording");
}

function pressed(on) {
  byId("record").setAttribute("aria-pressed", String(on));
  byId("record").textContent = on ? "Stop recording" : "Record from the camera";
}

byId("video").addEventListener("change", ({ target }) => { if (target.files.length) chosenVideo(target.files[0]); });
byId("photo").addEventListener("change", ({ target }) => { if (target.files.length) chosenPhoto(target.files[0]); });
byId("no-photo").addEventListener("click", () => {
  byId("photo").value = "";
  chosenPhoto(null);
});
byId("record").addEventListener("click", () => {
  if (recording) recording.recorder.stop();
  else record().catch((error) => failed(new Error(`the camera cannot be used: ${error.message}`)));
});
byId("convert").addEventListener("click", start);
byId("cancel").addEventListener("click", () => running?.abort());
byId("show").addEventListener("click", () => {
  const file = made, player = window.open("index.html");
  const hand = ({ source, origin, data }) => {
    if (source !== player || origin !== location.origin || data !== "ready") return;
    removeEventListener("message", hand);
    player.postMessage(file, origin);
  };
  addEventListener("message", hand);
});
