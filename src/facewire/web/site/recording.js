// A whole .fwv file as the player needs it: frames by time, pictures by epoch, patches, sound; pure.

import { BitstreamError, RAW, openTalk } from "./codec/index.js";
import { hex } from "./codec/bytes.js";

/**
 * @typedef {import("./codec/talk.js").TalkFrame} TalkFrame
 * @typedef {import("./codec/talk.js").TalkPatch} TalkPatch
 * @typedef {{mime: string, picture: Uint8Array}} Still
 */

const LEAST_SIDE = 256;  // of the pictures shown (docs/bitstream.md section 11)
const MOST_SIDE = 1024;

/** A file that was read up to its end, or up to where it is damaged. */
export class Recording {
  /** @param {import("./codec/header.js").Header} header */
  constructor(header) {
    this.header = header;
    /** @type {TalkFrame[]} */
    this.frames = [];
    /** @type {Map<number, Still>} */
    this.stills = new Map();
    /** The epoch whose picture each epoch shows. @type {Map<number, number>} */
    this.shown = new Map();
    /** First frame of each epoch. @type {Map<number, number>} */
    this.starts = new Map();
    /** @type {TalkPatch[]} */
    this.patches = [];
    /** @type {import("./sound/decode.js").RecordedSound | null} */
    this.sound = null;
    /** Why the file ends early; empty if it does not. */
    this.problem = "";
  }

  /** Seconds that a frame lasts. */
  get frameSeconds() { return this.header.fps[1] / this.header.fps[0]; }

  /** Number of the last frame. */
  get last() { return this.frames.at(-1)?.number ?? 0; }

  /**
   * Return what is seen at frame `number`: the last frame that is there up to it, else the first.
   * @param {number} number
   */
  at(number) {
    let [low, high] = [0, this.frames.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.frames[middle].number <= number) low = middle;
      else high = middle;
    }
    return this.frames[low];
  }

  /**
   * Return how many of a frame's keypoints are used: in profile raw nothing is known of the others.
   * @param {TalkFrame} frame
   */
  kept({ motion }) { return this.header.profile === RAW ? motion.kept : this.header.keypoints; }

  /**
   * Return the patches that lie over a frame, the oldest first.
   * @param {TalkFrame} frame
   */
  over({ number, epoch }) {
    return this.patches.filter(({ frame, duration }) => {
      const end = duration ? frame + duration : this.starts.get(epoch) <= frame ? Infinity : 0;
      return frame <= number && number < end;
    });
  }

  /** @param {import("./codec/talk.js").Item} item */
  take(item) {
    if (item.is === "frame") this.frames.push(item);
    else if (item.is === "patch") this.patches.push(item);
    else if (item.is === "audioHead") this.sound = { channels: item.channels, preSkip: item.preSkip, pieces: [] };
    else if (item.is === "audio") this.sound?.pieces.push({ time: item.time, packets: item.packets });
    else if (item.is === "source") {
      if (item.mime) this.stills.set(item.epoch, { mime: item.mime, picture: item.picture });
      const before = this.shown.get(item.epoch - 1) ?? item.epoch;
      this.shown.set(item.epoch, item.mime ? item.epoch : item.recalls ?? before);
      this.starts.set(item.epoch, item.frame);
    }
  }
}

/**
 * Return a file's recording; of a damaged one, what comes before the damage.
 * @param {Uint8Array} data
 * @param {import("./codec/tables.js").Shelf} shelf
 * @param {{weights: string, keypoints: number, resolution: number}} networks that are here
 */
export async function recordingOf(data, shelf, networks) {
  const reader = await openTalk(data, (id, hash) => shelf.find(id, hash));
  const recording = new Recording(reader.header);
  check(reader.header, networks);
  try {
    for (const item of reader) recording.take(item);
  } catch (error) {
    if (!(error instanceof BitstreamError) || !recording.frames.length) throw error;
    recording.problem = error.message;
  }
  if (!recording.frames.length) throw new Error("there is no picture in it");
  recording.frames.sort((a, b) => a.number - b.number);
  return recording;
}

/**
 * Throw unless a file was made with the networks that are here, for pictures that can be shown.
 * @param {import("./codec/header.js").Header} header
 * @param {{weights: string, keypoints: number, resolution: number}} networks
 */
function check({ fingerprint, keypoints, width, height }, networks) {
  if (!networks.weights.startsWith(hex(fingerprint)) || keypoints !== networks.keypoints) {
    throw new Error("it was made with other weights than this page has: make the page with those");
  }
  if (width !== height || (width !== networks.resolution && !(width >= LEAST_SIDE && width <= MOST_SIDE))) {
    throw new Error(`it is for pictures of ${width}x${height}: squares of ${LEAST_SIDE} to ${MOST_SIDE} can be shown`);
  }
}
