// The golden streams of the repository: the same values out of the decoder, the same bytes out of the encoder.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FILE, RAW, STREAM, TalkWriter, motionFrame, openTalk, parseTables, talkHeader }
  from "../../src/facewire/web/site/codec/index.js";
import { avifOf } from "../../src/facewire/web/site/codec/bare_still.js";
import { bytesOf, rowsOf } from "./support.js";

const GOLDEN = "tests/codec/golden/";
const PICTURE = new TextEncoder().encode("?PNG not really a picture");
PICTURE[0] = 0x89;
const REVERSED = PICTURE.toReversed();
const NONE = new Uint8Array(0);
const BARE = Uint8Array.from(Buffer.from("100010000a09180cffdb2021a0d08032241c478785ddc0002c614000757783d916f9db6e5dffe3deaa29cdf3eeddda8f"
  + "4990fcfb48", "hex"));
const [MIME_NONE, MIME_PNG, MIME_WEBP, MIME_AV1] = [0, 1, 3, 6];

const tables = await parseTables(await bytesOf(`${GOLDEN}tables.json`));
const frames = (await rowsOf(`${GOLDEN}motion.npy`)).map((row) => motionFrame(row));

/** Return a writer as tests/codec/golden_streams.py has it. */
function talk(profile, { size = 256, references = false, recalls = false, bare = false, ...options } = {}) {
  const used = profile === RAW ? null : tables;
  const weightsSha256 = Uint8Array.from({ length: 32 }, (_, byte) => byte);
  const of = { weightsSha256, size: [size, size], fps: [30000, 1001], keypoints: tables.keypoints, references, recalls, bare };
  return new TalkWriter(talkHeader(profile, used, of), used, options);
}

/** Write every frame, after what `before` adds in front of it. */
function written(writer, { first = frames[0], picture = PICTURE, mime = MIME_PNG, rows = frames, before = () => {}, choose = undefined, index = true } = {}) {
  writer.source(first, picture, mime);
  rows.forEach((frame, number) => {
    before(number, frame);
    writer.frame(frame, choose && ((_) => choose(number)));
  });
  return writer.finish({ index });
}

/** @type {Record<string, () => Uint8Array>} */
const STREAMS = {
  file: () => written(talk(FILE, { group: 20 })),
  adaptive: () => {
    const choose = (number) => 1 + (Math.floor(number / 3) % tables.keypoints);
    return written(talk(FILE, { group: 30 }), { first: null, choose, index: false });
  },
  stream: () => written(talk(STREAM, { confirmAfter: 4 })),
  everything: () => {
    const writer = talk(FILE, { group: 20 });
    return written(writer, { before: (number, frame) => {
      if (number === 0) writer.audioHead({ channels: 1, preSkip: 312, rate: 48000 });
      if (number === 25) writer.source(frame, REVERSED, MIME_WEBP);
      if (number === 45) writer.source(frame, NONE, MIME_NONE);
      if (number % 10 === 0) {
        writer.audio({ time: number * 1920, packets: [Uint8Array.of(120, number), NONE, new Uint8Array(number)] });
      }
      if (number === 33) writer.patch(patch(number, 16, 32, 64, 48));
    } });
  },
  raw: () => {
    const rows = frames.slice(0, 20).map(({ vector }, number) => motionFrame(vector, 1 + (number % tables.keypoints)));
    return written(talk(RAW), { first: null, rows });
  },
  references: () => {
    const writer = talk(FILE, { group: 20, references: true });
    return written(writer, { before: (number) => {
      if (number === 0 || number === 30) writer.reference(frames[number + 5]);
    } });
  },
  recalls: () => {
    const writer = talk(FILE, { group: 20, recalls: true });
    return written(writer, { before: (number, frame) => {
      if (number === 15) writer.source(frame, REVERSED, MIME_WEBP);
      if (number === 30) writer.recall(frames[0], 0);
      if (number === 50) writer.recall(frames[15], 1);
    } });
  },
  bare: () => {
    const writer = talk(FILE, { group: 20, references: true, recalls: true, bare: true });
    return written(writer, { picture: BARE, mime: MIME_AV1, before: (number, frame) => {
      if (number === 0) writer.reference(frames[5]);
      if (number === 25) writer.source(frame, BARE, MIME_AV1);
      if (number === 33) writer.patch({ ...patch(number, 16, 32, 16, 16), mime: MIME_AV1, picture: BARE });
      if (number === 50) writer.recall(frames[0], 0);
    } });
  },
  large: () => {
    const writer = talk(FILE, { group: 20, recalls: true, size: 512 });
    return written(writer, { before: (number, frame) => {
      if (number === 25) writer.source(frame, REVERSED, MIME_WEBP);
      if (number === 33) writer.patch(patch(number, 384, 300, 128, 212));
      if (number === 50) writer.recall(frames[0], 0);
    } });
  },
};

function patch(frame, x, y, width, height) {
  const picture = Uint8Array.from([...PICTURE, ...PICTURE]);
  return { frame, duration: 12, x, y, width, height, mime: MIME_WEBP, picture };
}

test("the file around a bare picture is the package's, byte for byte", async () => {
  assert.deepEqual(Buffer.from(avifOf(BARE)), Buffer.from(await bytesOf(`${GOLDEN}bare.avif`)));
});

test("bare pictures need a header that says so", () => {
  assert.throws(() => talk(FILE, { recalls: true }).source(frames[0], BARE, MIME_AV1), RangeError);
});

for (const [name, write] of Object.entries(STREAMS)) {
  test(`${name}: decodes to the same values`, async () => {
    const reader = await openTalk(await bytesOf(`${GOLDEN}${name}.fwv`), () => tables);
    const decoded = [...reader].filter((item) => item.is === "frame");
    const rows = decoded.map(({ number, epoch, motion }) => [number, epoch, motion.kept, ...motion.vector]);
    const expected = await rowsOf(`${GOLDEN}${name}.npy`);
    assert.deepEqual(rows, expected.map((row) => Array.from(row)));
  });

  test(`${name}: encodes to the same bytes`, async () => {
    assert.deepEqual(Buffer.from(write()), Buffer.from(await bytesOf(`${GOLDEN}${name}.fwv`)));
  });
}
