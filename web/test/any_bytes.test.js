// Any bytes give values or a BitstreamError, never anything else, in time proportional to the input.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BitstreamError, FileDecoder, StreamDecoder, TablesError, openTalk, parseTables }
  from "../../src/facewire/web/site/codec/index.js";
import { bytesOf, seeded } from "./support.js";

const GOLDEN = "tests/codec/golden/";
const NAMES = ["file", "adaptive", "stream", "everything", "raw", "references", "recalls", "large"];
const FRAMES_PER_BYTE = 8;
const tablesBytes = await bytesOf(`${GOLDEN}tables.json`);
const tables = await parseTables(tablesBytes);
const streams = await Promise.all(NAMES.map((name) => bytesOf(`${GOLDEN}${name}.fwv`)));

/** Return a copy with a few bytes changed, a piece cut out or put in, or the end cut off. */
function damaged(data, random) {
  const at = Math.floor(random() * data.length);
  const kind = Math.floor(random() * 4);
  if (kind === 0) return data.slice(0, at);
  if (kind === 1) return Uint8Array.from([...data.subarray(0, at), ...data.subarray(at + Math.ceil(random() * 9))]);
  if (kind === 2) return Uint8Array.from([...data.subarray(0, at), ...noise(9, random), ...data.subarray(at)]);
  const copy = data.slice();
  for (let left = 1 + random() * 4; left > 0; left--) copy[Math.floor(random() * copy.length)] = random() * 256;
  return copy;
}

function noise(length, random) { return Uint8Array.from({ length }, () => random() * 256); }

/** Return how many frames a talk gives before it ends or is refused. */
async function frames(data, options) {
  let count = 0;
  try {
    for (const item of await openTalk(data, () => tables, options)) {
      if (item.is === "frame") count++;
      if (item.motion) assert.ok(item.motion.vector.every((value) => Math.abs(value) <= 8));
    }
  } catch (error) {
    assert.ok(error instanceof BitstreamError, error.stack);
    assert.ok(error.offset >= 0 && error.offset <= data.length + 1, error.message);
  }
  return count;
}

for (const tolerant of [false, true]) {
  test(`damaged streams, ${tolerant ? "tolerant" : "strict"}`, async () => {
    const random = seeded(tolerant ? 2 : 1);
    for (let round = 0; round < 1000; round++) {
      const data = damaged(streams[round % streams.length], random);
      assert.ok(await frames(data, { tolerant }) <= FRAMES_PER_BYTE * data.length);
    }
  });
}

test("noise behind a good header", async () => {
  const random = seeded(3);
  for (let round = 0; round < 300; round++) {
    const data = Uint8Array.from([...streams[0].subarray(0, 43 + 60 * (round % 2)), ...noise(200, random)]);
    await frames(data, { tolerant: true });
  }
});

test("packets and runs of noise", () => {
  const random = seeded(4);
  const [stream, file] = [new StreamDecoder(tables), new FileDecoder(tables)];
  for (const decoder of [stream, file]) decoder.source(0, new Uint8Array(0));
  let good = 0;
  for (let round = 0; round < 3000; round++) {
    const data = noise(Math.floor(random() * 40), random);
    if (data.length > 1) data[1] &= 0x3f;
    const run = { first: 0, count: 1 + Math.floor(random() * 9), epoch: round % 3 ? 0 : 1, data };
    for (const decode of [() => stream.decode(data), () => [...file.decode(run, 0, round % 2 === 0)]]) {
      try {
        decode();
        good++;
      } catch (error) {
        assert.ok(error instanceof BitstreamError, error.stack);
      }
    }
  }
  assert.ok(good > 100);
});

test("damaged tables are refused", async () => {
  const random = seeded(5);
  let refused = 0;
  for (let round = 0; round < 200; round++) {
    try {
      await parseTables(damaged(tablesBytes, random));
    } catch (error) {
      assert.ok(error instanceof TablesError, error.stack);
      refused++;
    }
  }
  assert.ok(refused > 100);
  await assert.rejects(parseTables(tablesBytes, "0".repeat(64)), TablesError);
});
