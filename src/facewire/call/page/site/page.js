// The page of a call. It talks only to the agent on this computer: a control websocket and one WebRTC connection.
// The messages are those of facewire/call/page_messages.py; anything else is ignored.

import { LIGHT, MARKS, OWN_PICTURE, STATES, byId, copyLink, listen, mark, notice, number, press, pressed, showLink } from "./controls.js";
import { FaceView } from "./face.js";

const VERSION = 1;
const LONGEST_PHOTO_SIDE = 1600;
const CAMERA = { video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 } }, audio: true };
const GATHER_MS = 10000;  // a machine that is busy just now; usually it takes some 100 ms
const AGAIN_MS = 1000;

const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";
let socket = null;
let connection = null;
let stream = null;
let pictures = null;  // the sender of the camera's
let state = "idle";
let photoReady = false;
let ownMode = "synthesis";
let theirs = { mode: "synthesis", avatar: false };  // what the other side sends; the agent tells only what is new

function say(type, fields = {}) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type, ...fields }));
}

const view = new FaceView(byId("face"), (angles) => {
  press("look", angles.frontal);
  say("view", angles);
});

// The agent.

function open() {
  socket = new WebSocket(`ws://${location.host}/control`);
  socket.onopen = () => say("enter", { version: VERSION, key });
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    hear[message.type]?.(message);
  };
  socket.onclose = () => alone("This page has lost its agent. Open the address that facewire call prints.");
}

// Without an agent nothing on this page works.
function alone(text) {
  byId("state").textContent = "No agent";
  notice(`${byId("notice").textContent} ${text}`);
  document.body.dataset.state = "alone";
  for (const id of ["before", "inviting", "numbers"]) byId(id).hidden = true;
  connection?.close();
  stream?.getTracks().forEach((track) => track.stop());
}

const hear = {
  welcome(message) {
    press("mute", message.muted);
    press("camera", message.camera_off);
    press("thin", message.thin);
    press("video", message.video && message.video_allowed);
    byId("video").disabled = !message.video_allowed;
    connect();
  },
  answer(message) { connection?.setRemoteDescription({ type: "answer", sdp: message.sdp }); },
  failure(message) { notice(message.problem); },

  check(message) {
    mark("camera", message.picture, message.picture ? "works" : pressed("camera") ? "off" : "no picture");
    mark("light", message.light === "good", LIGHT[message.light]);
    const count = message.faces > 1 ? `${message.faces} people` : "found";
    mark("face", message.face && message.faces === 1, message.face ? count : "not found");
    photoReady = message.photo;
    mark("photo", photoReady, photoReady ? "ready" : "none chosen");
    ready();
  },

  "photo-result"(message) {
    byId("photo-problem").textContent = message.ok ? "" : message.problem;
    if (message.ok) {
      photoReady = true;
      mark("photo", true, message.avatar ? "an avatar: the other side is told" : "ready");
      ready();
    }
  },

  course(message) {
    state = message.state;
    document.body.dataset.state = state;
    const progress = message.photo_progress < 1 ? `, ${Math.round(100 * message.photo_progress)} %` : "";
    byId("state").textContent = (STATES[state] ?? state) + progress + (message.problem ? `: ${message.problem}` : "");
    const idle = state === "idle" || state === "ended";
    byId("before").hidden = !idle;
    byId("inviting").hidden = !message.link || state !== "waiting";
    showLink(message.link);
    byId("numbers").hidden = state !== "live";
    show();
    ready();
  },

  remote(message) {
    theirs = message;
    show();
  },

  own(message) {
    ownMode = message.mode;
    const why = message.reasons.join(", ");
    if (state !== "live") return;
    if (ownMode === "video") notice(`Ordinary video is sent (${why || "coming back"}).`);
    else notice(why && ownMode === "synthesis" ? `Your face does not come across well: ${why}.` : "");
  },

  line(message) {
    const twice = message.twice.length ? `${message.twice.join(" and ")} sent twice` : "";
    byId("step").textContent = message.step;
    byId("why").textContent = [message.why, twice].filter(Boolean).join("; ");
  },

  meters(message) {
    for (const way of ["sent", "received"]) {
      for (const name of ["face", "sound", "video", "ip"]) number(`${way}-${name}`, message[way][name], 1);
      number(`${way}-photos`, message[way].photos, 1);
      const h264 = message[way].h264;
      byId(`${way}-h264`).textContent = h264 ? h264.toFixed(0) : "…";
      number(`${way}-frames`, message[way].frames, 0);
    }
    byId("round-trip").textContent = `${message.round_trip.toFixed(0)} ms`;
    byId("loss").textContent = `${(100 * message.loss).toFixed(1)} %`;
    byId("delay").textContent = `${message.delay.toFixed(0)} ms`;
    byId("drawn").textContent = `${(100 * message.drawn).toFixed(0)} %`;
  },

  connected(message) {
    byId("connected").textContent = `${message.live.toFixed(1)} s`;
    const phases = Object.entries(message.phases).map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`);
    byId("connected").title = `first face after ${message.whole.toFixed(1)} s: ${phases.join(", ")}`;
  },
};

function show() {
  const { mode, avatar } = OWN_PICTURE.includes(state) ? { mode: "synthesis", avatar: false } : theirs;
  document.body.dataset.mode = mode;
  byId("mark").textContent = MARKS[mode] + (avatar ? " · avatar" : "");
  view.enabled = state === "live" && mode === "synthesis";
  for (const id of ["look", "reset"]) byId(id).disabled = !view.enabled;
}

function ready() {
  const own = OWN_PICTURE.includes(state);
  const caption = photoReady ? "How others will see you" : "Choose a photo to see your avatar";
  byId("caption").textContent = own ? caption : "";
  if (own) byId("mark").textContent = photoReady ? MARKS.synthesis : "Your camera";
  byId("start").disabled = !photoReady;
  byId("enter").disabled = !photoReady || !byId("invitation").value.trim();
}

// Camera, microphone, and the picture that comes back.

async function connect() {
  try {
    stream = stream ?? await navigator.mediaDevices.getUserMedia(CAMERA);
  } catch (problem) {
    mark("camera", false, problem.name === "NotAllowedError" ? "not allowed" : "not found");
    notice("Allow camera and microphone for this page, then load it again.");
    return;
  }
  byId("self").srcObject = stream;
  connection?.close();
  const link = connection = new RTCPeerConnection();
  link.onconnectionstatechange = () => {
    if (link !== connection || link.connectionState !== "failed") return;
    notice("The picture does not reach the agent, trying again.");
    setTimeout(() => { if (link === connection) connect(); }, AGAIN_MS);
  };
  const incoming = new MediaStream();
  byId("remote").srcObject = incoming;
  connection.ontrack = (event) => {
    if ("jitterBufferTarget" in event.receiver) event.receiver.jitterBufferTarget = 0;  // it comes from this machine
    incoming.addTrack(event.track);
  };
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  pictures = connection.getSenders().find((one) => one.track?.kind === "video");
  if (pictures?.track) pictures.track.contentHint = "motion";
  apply();
  await connection.setLocalDescription(await connection.createOffer());
  await gathered(connection);
  say("offer", { sdp: connection.localDescription.sdp });
}

function gathered(peer) {
  return new Promise((resolve) => {
    if (peer.iceGatheringState === "complete") resolve();
    const timer = setTimeout(resolve, GATHER_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve();
    });
  });
}

async function smaller(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const share = Math.min(1, LONGEST_PHOTO_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * share);
  canvas.height = Math.round(picture.height * share);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

// What the user does.

// Lets microphone and camera do what their buttons say; of a camera that is off no pictures are sent at all.
function apply() {
  document.body.dataset.camera = pressed("camera") ? "off" : "on";
  for (const track of stream?.getAudioTracks() ?? []) track.enabled = !pressed("mute");
  for (const track of stream?.getVideoTracks() ?? []) {
    track.enabled = !pressed("camera");
    pictures?.replaceTrack(track.enabled ? track : null);
  }
}

function toggle(id, type) {
  press(id, !pressed(id));
  apply();
  say(type, { on: pressed(id) });
}

const actions = {
  mute: () => toggle("mute", "mute"),
  camera: () => toggle("camera", "camera-off"),
  thin: () => toggle("thin", "thin"),
  video: () => toggle("video", "video"),
  look: () => view.set(0, 0, !pressed("look")),
  reset: () => view.reset(),
  "hang-up": () => say("hang-up"),
  take: () => say("take-photo"),
  start: () => { notice(""); say("join", { invitation: "" }); },
  copy: copyLink,
};
byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  notice("");
  say("join", { invitation: byId("invitation").value.trim() });
});
byId("invitation").addEventListener("input", ready);

byId("photo").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  try {
    socket?.send(await smaller(file));
  } catch {
    byId("photo-problem").textContent = "This file is no picture that the browser can read.";
  }
});

listen(actions, () => state === "live");

if (key) open();
else alone("Open the address that facewire call prints: it carries a key.");
