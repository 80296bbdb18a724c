// What a page and the signalling server say to each other, and what the two sides say through it
// (facewire/call/messages/signal_messages.py).

import { MessageSet, VERSION, digits, oneOf, text, whole } from "./wire.js";

const LONGEST_BODY = 20 * 1024;
const exactly = (/** @type {number} */ count) => (/** @type {number} */ length) => length === count;
const key = (/** @type {string} */ otherwise) => digits((length) => length === 0 || length === 32, otherwise);
const SAY = { body: text(LONGEST_BODY), seal: digits(exactly(64)) };
const description = {
  fits: (/** @type {any} */ value) =>
    typeof value === "string" && value.startsWith("v=0") && value.length <= LONGEST_BODY - 1024,
};

export const TO_SERVER = new MessageSet({
  enter: { version: whole(1, 1_000_000, VERSION), admission: digits(exactly(64)), key: key("") },
  say: SAY,
  leave: {},
});
export const FROM_SERVER = new MessageSet({
  seated: { seat: oneOf(["a", "b"]), key: digits(exactly(32)) },
  other: { here: oneOf([true, false]) },
  say: SAY,
  refused: { reason: text(200) },
});
/** A session description of one attempt; a new attempt has a new number. */
export const SEALED = new MessageSet({
  sealed: { kind: oneOf(["offer", "answer"]), attempt: digits(exactly(16)), sdp: description },
});
