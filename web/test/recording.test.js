// What the player makes of a file before anything is drawn.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseTables } from "../../src/facewire/web/site/codec/index.js";
import { recordingOf } from "../../src/facewire/web/site/recording.js";
import { bytesOf } from "./support.js";

const GOLDEN = "tests/codec/golden/";
const tables = await parseTables(await bytesOf(`${GOLDEN}tables.json`));
const shelf = { find: async () => tables };
const weights = Array.from({ length: 32 }, (_, byte) => byte.toString(16).padStart(2, "0")).join("");
const networks = { weights, keypoints: tables.keypoints, resolution: 256 };
const open = async (name, more = {}) => recordingOf(await bytesOf(`${GOLDEN}${name}.fwv`), shelf, { ...networks, ...more });

test("recalled pictures are those of earlier epochs", async () => {
  const recording = await open("recalls");
  assert.deepEqual([...recording.shown], [[0, 0], [1, 1], [2, 0], [3, 1]]);
  assert.equal(recording.stills.size, 2);
  assert.equal(recording.at(31).epoch, 2);
  assert.equal(recording.at(1e9), recording.frames.at(-1));
});

test("a source without a picture keeps the last one, a patch lasts as long as it says", async () => {
  const recording = await open("everything");
  assert.equal(recording.shown.get(2), 1);
  const over = [32, 33, 44, 45].map((number) => recording.over(recording.at(number)).length);
  assert.deepEqual(over, [0, 1, 1, 0]);
  recording.patches[0].duration = 0;
  assert.deepEqual([44, 45].map((number) => recording.over(recording.at(number)).length), [1, 0]);
});

test("in profile raw only the keypoints sent are used", async () => {
  const raw = await open("raw");
  assert.deepEqual(raw.frames.slice(0, 3).map((frame) => raw.kept(frame)), [1, 2, 3]);
  const file = await open("adaptive");
  assert.equal(file.kept(file.frames[0]), tables.keypoints);
});

test("other weights and sizes are refused, a cut file is shown up to the cut", async () => {
  await assert.rejects(open("file", { weights: "00" }), /other weights/);
  await assert.rejects(open("file", { keypoints: 99 }), /other weights/);
  const data = await bytesOf(`${GOLDEN}file.fwv`);
  const cut = await recordingOf(data.subarray(0, data.length - 30), shelf, networks);
  assert.ok(cut.frames.length > 40);
  assert.match(cut.problem, /ends too early/);
});
