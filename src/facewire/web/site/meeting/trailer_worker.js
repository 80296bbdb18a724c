// Puts face bytes behind the sound that leaves and takes them off the sound that comes (docs/call.md section 3), in a
// thread of its own, as RTCRtpScriptTransform wants it.
//
//     standing {mode, avatar, newest, trailer, thinned, limit, protection}   what goes along with every packet from now on
//     source {motion, tables}, confirmed {number}                     what faces are coded from
//     face {motion, captured}, report {report}                        go with the next packet
//     -> ready {}                                                     it listens
//     -> sent {timestamp, samples, sound, face, numbers, at}          a packet that left, its bytes, the frames in it
//     -> packet {timestamp, samples, bytes, message, at}              one that came
//     -> refused {}                                                   one that was none

import { FaceCoder } from "../call/face_coder.js";
import { BARE, SYNTHESIS, UNIT_SECONDS, bundleBytes } from "../protocol/bundle.js";
import { clock } from "../protocol/clock.js";
import { LONGEST_TRAILER, join, opusSamples, split } from "../protocol/trailer.js";

const MOST_WAITING = 6;  // faces that wait for a sound packet
const MOST_COPIES = 8;  // packets of sound, and first faces of messages, that may go again
const BACK_SAMPLES = 960;

let standing = {
  mode: 0, avatar: false, newest: null, trailer: true, thinned: false, limit: 0, protection: { faces: false, sound: false, back: 1 },
};
let coder = null;
let faces = [];
let report = null;
let copies = [];

const HEAR = {
  standing(message) { standing = message; },
  source({ motion, tables }) {
    coder ??= new FaceCoder(tables);
    coder.source(motion);
  },
  confirmed({ number }) { coder?.confirmed(number); },
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
  const { message, numbers } = standing.trailer && sound.length ? messageBeside(sound) : { message: null, numbers: [] };
  if (message) frame.data = join(sound, message).buffer;
  controller.enqueue(frame);
  const samples = sound.length ? opusSamples(sound) : 0;
  const face = message ? message.length + 1 : 0;
  postMessage({ type: "sent", timestamp: timestampOf(frame), samples, sound: sound.length, face, numbers, at: clock() });
}

function messageBeside(sound) {
  const now = clock();
  const { mode, avatar, newest, thinned, limit, protection } = standing;
  const coded = mode === SYNTHESIS ? coder?.message(faces, limit) ?? [] : [];
  const earlier = copies.at(-protection.back);
  const again = protection.faces && earlier?.face ? [earlier.face] : [];
  const bundle = {
    ...BARE, mode, avatar, report, thinned,
    ack: newest && { number: newest.number, held: Math.floor((now - newest.came) / UNIT_SECONDS) },
    faces: [...again, ...coded].map(({ packet, captured }) => ({ age: Math.round((now - captured) / UNIT_SECONDS), packet })),
    copy: protection.sound && earlier ? copyOf(earlier.sound, protection.back) : null,
  };
  copies = [...copies.slice(1 - MOST_COPIES), { sound, face: coded[0] ?? null }];
  [faces, report] = [[], null];
  const bare = { ...bundle, copy: null };
  const message = firstThatFits(bundle, bare, { ...bare, faces: bundle.faces.slice(again.length) });
  return { message, numbers: coded.map(({ number }) => number) };
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
