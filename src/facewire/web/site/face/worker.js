// The sender in a thread of its own: pictures in, motions out, one after the other (networks/calls.js).
//
//     open {base, options}           -> done {threads, resolution}
//     look {frame, seconds, crop}    -> done {motion, presence, box, face, crop, milliseconds}
//     find {frame}                   -> done {faces}
//     count {frame}                  -> done {faces}
//     read {crop}                    -> done {motion, presence}
//     reset {}                       -> done {}

import { answer } from "../networks/calls.js";
import { openNetworks } from "../networks/runtime.js";
import { FaceFinder } from "./finder.js";
import { HeadTracker } from "./head_tracker.js";
import { pictureOf } from "./picture.js";
import { MotionReader, finderNetworks } from "./reader.js";

const SECOND_SCORE = 0.8;  // least score of faces that are counted
const SECOND_SHARE = 0.35;  // and their least height, in heights of the tallest

/** @type {MotionReader} */
let reader;
/** @type {FaceFinder} */
let finder;
/** @type {HeadTracker} */
let tracker;

answer({
  async open({ base, options }) {
    const { ort, sessions, manifest, threads } = await openNetworks(
      base, ["find", "read", "detect", "mesh"], (share) => postMessage({ type: "progress", share }), options);
    reader = new MotionReader(ort, /** @type {any} */ (sessions), manifest.resolution);
    finder = new FaceFinder(finderNetworks(ort, /** @type {any} */ (sessions)), manifest.canonical_face);
    tracker = new HeadTracker(reader, finder, options);
    return { threads, resolution: manifest.resolution };
  },

  async look({ frame, seconds, crop }) {
    const start = performance.now();
    const look = await tracker.look(pictureOf(frame), seconds);
    return { ...look, crop: crop ? look.crop : null, milliseconds: performance.now() - start };
  },

  async find({ frame }) {
    const faces = await finder.find(pictureOf(frame));
    return { faces: faces.map(({ box, score, presence }) => ({ box, score, presence })) };
  },

  async count({ frame }) {
    const seen = await finder.detect(pictureOf(frame));
    const heights = seen.filter(({ score }) => score >= SECOND_SCORE).map(({ box }) => box[3] - box[1]);
    return { faces: heights.filter((height) => height >= SECOND_SHARE * Math.max(...heights)).length };
  },

  async read({ crop }) {
    const { motion, presence } = await reader.read(crop);
    return { motion, presence };
  },

  async reset() { tracker.reset(); },
});
