// Puts face bytes behind the sound that leaves and takes them off the sound that comes (docs/call.md section 3), in a
// thread of its own, as RTCRtpScriptTransform wants it.
//
//     standing {mode, avatar, newest, trailer, thinned, protection}   what goes along with every packet from now on
//     face {packet, captured}, report {report}                        go with the next packet
//     -> ready {}                                                     it listens
//     -> sent {timestamp, samples, sound, face, at}                   a packet that left, and its bytes
//     -> packet {timestamp, samples, bytes, message, at}              one that came
//     -> refused {}                                                   one that was none

import { BARE, MOST_FACES, UNIT_SECONDS, bundleBytes } from "../protocol/bundle.js";
import { clock } from "../protocol/clock.js";
import { LONGEST_TRAILER, join, opusSamples, split } from "../protocol/trailer.js";

const MOST_WAITING = 6;  // faces that wait for a sound packet
const MOST_COPIES = 8;  // packets of sound, and first faces of messages, that may go again
const BACK_SAMPLES = 960;

let standing = {
  mode: 0, avatar: false, newest: null, trailer: true, thinned: false, protection: { faces: false, sound: false, back: 1 },
};
let faces = [];
let report = null;
let copies = [];

const HEAR = {
  standing(message) { standing = message; },
  face(message) { faces = [...faces.slice(1 - MOST_WAITING), message]; },
  report(message) { report = message.report; },
};
addEventListener("message", ({ data: { type, ...message } }) => HEAR[type](message));

addEventListener("rtctransform", (/** @type {any} */ { transformer }) => {
  const transform = transformer.options.way === "out" ? leaves : comes;
  transformer.readable.pipeThrough(new TransformStream({ transform })).pipeTo(transformer.writable).catch(() => {});
});
postMessage({ type: "ready" });

function leaves(frame, controller) {
  const sound = new Uint8Array(frame.data);
  const message = standing.trailer && sound.length ? messageBeside(sound) : null;
  if (message) frame.data = join(sound, message).buffer;
  controller.enqueue(frame);
  const samples = sound.length ? opusSamples(sound) : 0;
  postMessage({ type: "sent", timestamp: timestampOf(frame), samples, sound: sound.length, face: message ? message.length + 1 : 0, at: clock() });
}

function messageBeside(sound) {
  const now = clock();
  const { mode, avatar, newest, thinned, protection } = standing;
  const earlier = copies.at(-protection.back);
  const again = protection.faces && earlier?.face ? [earlier.face] : [];
  const bundle = {
    ...BARE, mode, avatar, report, thinned,
    ack: newest && { number: newest.number, held: Math.floor((now - newest.came) / UNIT_SECONDS) },
    faces: [...again, ...faces].slice(0, MOST_FACES)
      .map(({ packet, captured }) => ({ age: Math.round((now - captured) / UNIT_SECONDS), packet })),
    copy: protection.sound && earlier ? copyOf(earlier.sound, protection.back) : null,
  };
  copies = [...copies.slice(1 - MOST_COPIES), { sound, face: faces[0] ?? null }];
  [faces, report] = [[], null];
  return firstThatFits(bundle, { ...bundle, copy: null }, { ...bundle, copy: null, faces: bundle.faces.slice(-1) });
}

function firstThatFits(...bundles) {
  return bundles.map(bundleBytes).find((bytes) => bytes.length <= LONGEST_TRAILER) ?? bundleBytes(BARE);
}

function copyOf(sound, back) { return { back: Math.round((back * opusSamples(sound)) / BACK_SAMPLES), sound }; }

function comes(frame, controller) {
  const [data, at] = [new Uint8Array(frame.data), clock()];
  try {
    const { sound, trailer } = standing.trailer ? split(data) : { sound: data, trailer: null };
    const message = trailer?.slice() ?? null;
    postMessage({ type: "packet", timestamp: timestampOf(frame), samples: opusSamples(sound), bytes: data.length, message, at });
    frame.data = sound.slice().buffer;
    controller.enqueue(frame);
  } catch {
    postMessage({ type: "refused" });
  }
}

function timestampOf(frame) { return frame.getMetadata().rtpTimestamp ?? frame.timestamp; }
