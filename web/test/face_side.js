// The JavaScript side of tests/web/test_face_both_sides.py: what the sender sees in the pictures of a file.
//
//     node face_side.js SITE RUNTIME < {"pictures": FILE of RGBA, "width", "height", "seconds": [...]}

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { crop } from "../../src/facewire/web/site/face/crop.js";
import { FaceFinder, poseOf } from "../../src/facewire/web/site/face/finder.js";
import { HeadTracker } from "../../src/facewire/web/site/face/head_tracker.js";
import { widened } from "../../src/facewire/web/site/networks/halves.js";
import { MotionReader, finderNetworks } from "../../src/facewire/web/site/face/reader.js";

const [, , site, runtime] = process.argv;
const manifest = JSON.parse(readFileSync(`${site}/manifest.json`, "utf-8"));
const { pictures, width, height, seconds } = JSON.parse(readFileSync(0, "utf-8"));
const held = readFileSync(pictures);
const pictureAt = (number) => ({ data: held.subarray(4 * width * height * number), width, height });

async function opened() {
  const ort = await import(pathToFileURL(`${runtime}/ort.wasm.min.mjs`).href);
  Object.assign(ort.env.wasm, { numThreads: 1, wasmBinary: readFileSync(`${site}/${manifest.files.program_wasm.file}`) });
  const data = widened(new Uint8Array(readFileSync(`${site}/${manifest.files.weights.file}`)), manifest.halves);
  const weights = { path: "weights.bin", data };
  const sessions = {};
  for (const name of ["find", "read", "detect", "mesh"]) {
    const graph = readFileSync(`${site}/${manifest.files[name].file}`);
    sessions[name] = await ort.InferenceSession.create(graph, { externalData: [weights], graphOptimizationLevel: "disabled" });
  }
  return { ort, sessions };
}

/** Replace arrays of numbers by lists, which JSON knows. */
const listed = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);

const { ort, sessions } = await opened();
const reader = new MotionReader(ort, sessions, manifest.resolution);
const finder = new FaceFinder(finderNetworks(ort, sessions), manifest.canonical_face);
const tracker = new HeadTracker(reader, finder);
const looks = [];
for (const [number, time] of seconds.entries()) {
  const { crop: _, ...look } = await tracker.look(pictureAt(number), time);
  looks.push(look);
}
const faces = await finder.find(pictureAt(0));
process.stdout.write(JSON.stringify({
  looks,
  faces: faces.map(({ landmarks, ...face }) => ({ ...face, rotation: poseOf(landmarks, manifest.canonical_face) })),
  prominence: faces.map((face) => finder.prominence(face, { width, height })),
  crops: [crop(pictureAt(0), { left: -20, top: 30, side: 300 }, 256), crop(pictureAt(0), { left: 50, top: 80, side: 90 }, 256)],
}, listed));
