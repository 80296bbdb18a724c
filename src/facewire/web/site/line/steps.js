// The steps of a call from rich to thin (docs/call.md section 10; facewire/call/line/steps.py), as a page sends them:
// browsers know packets of 20, 40, 60 and 120 ms.

export const FACE_SECONDS = 0.04;  // between two pictures of the camera
const HEAD_BYTES = 28 + 12 + 16;  // IPv4 and UDP, RTP, the tag of SRTP
const [FIRST_BYTES, NEXT_BYTES] = [23, 15];  // with age and length: the first face of a message, and those that build on it
const MESSAGE_BYTES = 5;
const REPORT_BYTES_A_SECOND = 4 / 0.36;

/**
 * One way of sending: bits of sound a second, milliseconds in a packet; 1: every face frame is sent, 2: every second; by how
 * many pixels of a 256-pixel picture keypoints that are not sent may be off, 0: all are sent.
 * @typedef {{name: string, bitRate: number, packet: number, faceEvery: number, limit: number}} Step
 * What is sent twice; `back`: how many packets earlier.
 * @typedef {{faces: boolean, sound: boolean, back: number}} Protection
 */

/** @type {Protection} */
export const NONE = { faces: false, sound: false, back: 1 };

/** @type {Step[]} */
export const STEPS = [
  { name: "rich", bitRate: 24000, packet: 40, faceEvery: 1, limit: 0 },
  { name: "good", bitRate: 16000, packet: 60, faceEvery: 1, limit: 0 },
  { name: "medium", bitRate: 12000, packet: 60, faceEvery: 1, limit: 0 },
  { name: "low", bitRate: 9000, packet: 120, faceEvery: 1, limit: 0 },
  { name: "thin", bitRate: 6000, packet: 120, faceEvery: 2, limit: 2 },
];
export const RICH = 0;
export const THIN = STEPS.length - 1;

/**
 * Return what a step takes on the wire, kbit/s, IP, UDP, RTP and SRTP included.
 * @param {Step} step
 * @param {Protection} [protection]
 */
export function rateOf({ bitRate, packet, faceEvery }, { faces, sound } = NONE) {
  const seconds = packet / 1000, more = Math.max(1, seconds / FACE_SECONDS / faceEvery) - 1;
  const beside = HEAD_BYTES + MESSAGE_BYTES + (faces ? 2 : 1) * FIRST_BYTES + more * NEXT_BYTES;
  return (8 * (beside / seconds + REPORT_BYTES_A_SECOND) + (sound ? 2 : 1) * bitRate) / 1000;
}

/**
 * Return the place of the richest step that takes no more than this, the thinnest if none does.
 * @param {number} rate kbit/s
 * @param {Protection} [protection]
 */
export function fitting(rate, protection) {
  const place = STEPS.findIndex((step) => rateOf(step, protection) <= rate);
  return place < 0 ? THIN : place;
}
