// The page of a call without an agent: what facewire/call/page/site/page.js shows, with everything computed in the page.

import { Agent } from "./agent/agent.js";
import { Camera } from "./agent/camera.js";
import { LIGHT, MARKS, OWN_PICTURE, STATES, byId, copyLink, listen, mark, notice, number, press, pressed, showLink } from "./controls.js";
import { FaceView } from "./face.js";
import { FaceSender } from "./face/index.js";
import { Site } from "./networks/site.js";
import { Invitation, InvitationError } from "./protocol/invitation.js";
import { Renderer } from "./render/index.js";

const BASE = new URL(".", location.href).href;
const TABLES = "compact-standard";
const ROOM_BYTES = 6;
/** What a call cannot do without, and what to do about it. */
const NEEDED = {
  "This page must come over https, or from this computer: browsers give camera and keys only then.": () => isSecureContext,
  "There is no camera or microphone for pages: use another browser.": () => Boolean(navigator.mediaDevices?.getUserMedia),
  "There are no connections between browsers (WebRTC): allow them, or use another browser.": () => "RTCPeerConnection" in window,
  "There is no WebAssembly: allow it, or use another browser.": () => "WebAssembly" in window,
  "Pictures cannot be computed beside the page (OffscreenCanvas): use a newer browser.": () => "OffscreenCanvas" in window,
  "Frames of the camera cannot be told apart (requestVideoFrameCallback): use a newer browser.":
    () => "requestVideoFrameCallback" in HTMLVideoElement.prototype,
};

const site = new Site(BASE);
const camera = new Camera(byId("self"));
let home = BASE.replace(/\/$/, "");  // the signalling server
let agent = null;
let state = "idle";
let photoReady = false;
let drawn = false;  // whether a face of this stage, own or theirs, was drawn
let engine = "";  // what computes the pictures
let plain = false;  // whether ordinary video of the own camera is sent
let theirs = { mode: "synthesis", avatar: false };
let invited = null;  // the invitation that the address of this page is

const view = new FaceView(byId("face"), (angles) => {
  press("look", angles.frontal);
  agent?.painter.view.aim(angles);
});

// Before a call.

// STUN and TURN servers, which only a signalling server knows; without one this page has nobody to call by.
async function iceServers() {
  const servers = await site.json(`${home}/ice`).catch(() => null);
  if (!Array.isArray(servers)) throw new Error(`there is no signalling server at ${home}: facewire signal --help says how to start one`);
  return servers;
}

async function begin() {
  const missing = Object.entries(NEEDED).filter(([, isThere]) => !isThere()).map(([text]) => text);
  if (missing.length) return unable(missing);
  show();
  byId("loading").hidden = false;
  byId("state").textContent = "Loading the networks";
  try {
    home = (await site.opened()).manifest.signal || home;
    readAddress();
    const networks = loaded();
    networks.catch(() => {});
    const servers = await iceServers();
    await camera.open();
    mark("camera", true, "works");
    const { manifest, shelf } = await site.opened();
    const tables = await shelf.named(TABLES);
    const { renderer, sender } = await networks;
    agent = new Agent({
      camera, sender, renderer, manifest, tables, servers, canvas: byId("remote"), audio: byId("sound"), tell,
    });
    agent.start();
    mark("networks", true, `ready, ${engine}`);
    byId("state").textContent = STATES.idle;
    byId("take").disabled = false;
  } catch (error) {
    byId("state").textContent = "This does not work yet";
    notice(error.message);
  } finally {
    byId("loading").hidden = true;
  }
}

// One after the other: both need the same files, and the second finds them kept.
async function loaded() {
  const renderer = new Renderer(BASE, (share) => { byId("loading").value = 0.7 * share; });
  const { provider, threads } = await renderer.ready;
  engine = provider === "webgpu" ? "WebGPU" : `${threads} ${threads === 1 ? "thread" : "threads"}`;
  const sender = new FaceSender(BASE, (share) => { byId("loading").value = 0.7 + 0.3 * share; });
  await sender.ready;
  return { renderer, sender };
}

function unable(missing) {
  document.body.dataset.state = "unable";
  byId("state").textContent = "Not possible here";
  byId("missing").hidden = false;
  byId("missing-list").append(...missing.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

// The address of this page may be an invitation: then there is one button to enter with it.
function readAddress() {
  try {
    invited = location.hash.includes("token=") ? Invitation.parse(`${home}/join${location.hash}`) : null;
  } catch (error) {
    if (!(error instanceof InvitationError)) throw error;
    notice(error.message);
  }
  byId("join").hidden = invited !== null;
  byId("start").textContent = invited ? "Enter the call" : "Start a call";
}

function ownInvitation() {
  const room = Array.from(crypto.getRandomValues(new Uint8Array(ROOM_BYTES)), (byte) => byte.toString(16).padStart(2, "0"));
  return Invitation.create(home, room.join(""));
}

function join(invitation) {
  if (new URL(invitation.server).host !== new URL(home).host) {
    notice("This link leads to another server: open it in a browser.");
    return;
  }
  notice("");
  invited = invitation;
  history.replaceState(null, "", new URL(invitation.link).hash);
  agent.join(invitation);
}

// What the agent tells.

const hear = {
  failure({ problem }) { notice(problem); },

  drawn() {
    if (drawn) return;
    drawn = true;
    show();
    ready();
  },

  silent() { notice("The browser lets this page play sound only after a click on it."); },

  check(message) {
    mark("camera", message.picture, message.picture ? "works" : message.off ? "off" : "no picture");
    mark("light", message.light === "good", LIGHT[message.light]);
    mark("face", message.face, message.face ? "found" : "not found");
    photoReady = message.photo;
    mark("photo", photoReady, photoReady ? "taken" : "not yet taken");
    ready();
  },

  course(message) {
    if (OWN_PICTURE.includes(state) !== OWN_PICTURE.includes(message.state)) drawn = false;
    state = message.state;
    document.body.dataset.state = state;
    const progress = message.progress < 1 ? `, ${Math.round(100 * message.progress)} %` : "";
    const text = STATES[state] + progress + (message.problem ? `: ${message.problem}` : "");
    if (byId("state").textContent !== text) byId("state").textContent = text;
    if (plain && state !== "live") [plain, byId("notice").textContent] = [false, ""];
    byId("before").hidden = state !== "idle" && state !== "ended";
    byId("inviting").hidden = !message.link;
    showLink(message.link);
    byId("numbers").hidden = state !== "live";
    show();
    ready();
  },

  remote(message) {
    theirs = message;
    if (!message.shown) notice("The other side sends ordinary video now, which this browser cannot show.");
    show();
  },

  line({ step, why, protection, ...message }) {
    if (message.plain !== plain) {
      plain = message.plain;
      notice(plain ? `Ordinary video of your camera is sent (${why}). The button Video forbids that.` : "");
    }
    const twice = ["faces", "sound"].filter((name) => protection[name]).join(" and ");
    byId("step").textContent = step;
    byId("why").textContent = [why, twice && `${twice} sent twice`].filter(Boolean).join("; ");
  },

  meters(message) {
    for (const way of ["sent", "received"]) {
      for (const name of ["face", "sound", "video", "ip", "photos", "frames"]) number(`${way}-${name}`, message[way][name], 1);
    }
    byId("round-trip").textContent = message.roundTrip === null ? "–" : `${(1000 * message.roundTrip).toFixed(0)} ms`;
    byId("loss").textContent = `${(100 * message.loss).toFixed(1)} %`;
    byId("delay").textContent = `${(1000 * message.delay).toFixed(0)} ms`;
    byId("connected").textContent = `${message.phases.photos.toFixed(1)} s`;
    const frames = message.received.frames.toFixed(1);
    byId("pace").textContent = `This device shows ${frames} pictures a second (${engine}); the line carries up to 25.`;
  },
};

function tell(type, fields) { hear[type](fields); }

function show() {
  const own = OWN_PICTURE.includes(state);
  const { mode, avatar } = own ? { mode: "synthesis", avatar: false } : theirs;
  document.body.dataset.mode = mode;
  document.body.dataset.stage = stage(own);
  byId("mark").textContent = MARKS[mode] + (avatar ? " · avatar" : "");
  view.enabled = state === "live" && mode === "synthesis";
  for (const id of ["look", "reset"]) byId(id).disabled = !view.enabled;
}

/** What is large: the camera until there is something better, nothing while two find each other, else the face. */
function stage(own) {
  if (drawn && (photoReady || !own)) return "picture";
  return own ? "camera" : "empty";
}

function ready() {
  const own = OWN_PICTURE.includes(state);
  const caption = photoReady ? "Your camera" : "Take a picture to see how others will see you";
  byId("caption").textContent = own ? (photoReady && drawn ? "How others will see you" : caption) : "";
  byId("start").disabled = !photoReady;
  byId("enter").disabled = !photoReady || !byId("invitation").value.trim();
}

// What the user does.

function toggle(id) {
  press(id, !pressed(id));
  return pressed(id);
}

const actions = {
  mute: () => camera.mute(toggle("mute")),
  camera: () => {
    const off = toggle("camera");
    document.body.dataset.camera = off ? "off" : "on";
    agent?.turnCamera(off);
  },
  thin: () => agent?.wantThin(toggle("thin")),
  video: () => agent?.allowVideo(toggle("video")),
  look: () => view.set(0, 0, !pressed("look")),
  reset: () => view.reset(),
  "hang-up": () => agent?.hangUp(),
  take: async () => {
    byId("take").disabled = true;
    try {
      await agent.take();
      [photoReady, byId("photo-problem").textContent] = [true, ""];
      mark("photo", true, "taken");
      byId("take").textContent = "Take another picture";
    } catch (error) {
      byId("photo-problem").textContent = error.message;
    }
    byId("take").disabled = false;
    show();
    ready();
  },
  start: () => join(invited ?? ownInvitation()),
  copy: copyLink,
};
byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  try {
    join(Invitation.parse(byId("invitation").value));
  } catch (error) {
    if (!(error instanceof InvitationError)) throw error;
    notice(error.message);
  }
});
byId("invitation").addEventListener("input", ready);

listen(actions, () => state === "live");
addEventListener("pagehide", () => agent?.hangUp());

begin();
