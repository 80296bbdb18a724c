// What the two sides say to each other on the reliable channel; photos follow their head as binary pieces
// (facewire/call/messages/peer_messages.py).

import { MessageSet, digits, oneOf, text, whole } from "./wire.js";
import { LARGEST_PHOTO } from "./pieces.js";

export const PEER_VERSION = 2;
const LONGEST_ANCHOR = 2048;
const MOST_SIDE = 1024;
const TRUTH = [true, false];
const exactly = (/** @type {number} */ count) => (/** @type {number} */ length) => length === count;

export const PEER_MESSAGES = new MessageSet({
  hello: {
    version: whole(1, 1_000_000, PEER_VERSION),
    model: digits(exactly(16)),
    table: whole(1, 65535),
    table_hash: digits(exactly(16)),
    size: whole(16, 4096),
    shows: whole(0, MOST_SIDE, 0),
    keypoints: whole(1, 64),
    trailer: oneOf(TRUTH, true),
    synthesised: oneOf([true], true),
    avatar: oneOf(TRUTH, false),
    holds: digits((length) => length === 0 || length === 64, ""),
  },
  photo: {
    epoch: whole(0, 65535),
    bytes: whole(1, LARGEST_PHOTO),
    sha256: digits(exactly(64)),
    anchor: digits((length) => length % 2 === 0 && length <= LONGEST_ANCHOR),
    avatar: oneOf(TRUTH, false),
    held: oneOf(TRUTH, false),
  },
  "photo-held": { epoch: whole(0, 65535) },
  refresh: {},
  keyframe: {},
  bye: { reason: text(200, "") },
});
