// The JavaScript side of tests/web/test_codec_both_sides.py: streams of the motions on standard input, and what the
// streams of the other side decode to.

import { readFileSync } from "node:fs";

import { RAW, TalkWriter, motionFrame, openTalk, talkHeader } from "../../src/facewire/web/site/codec/index.js";
import { shelf } from "./support.js";

const PICTURE = Uint8Array.of(1);

/** Return the rows of an array of float32 in base64. */
function unpacked(text, width) {
  const values = new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

/** Write one stream: a source with the first motion, then all motions. */
function written({ profile, motions, kept, confirm_after: confirmAfter, group }, tables) {
  const used = profile === RAW ? null : tables;
  const rows = unpacked(motions, tables.offset.length).map((row, number) => motionFrame(row, kept[number]));
  const of = { weightsSha256: new Uint8Array(32), size: [256, 256], fps: [25, 1], keypoints: tables.keypoints };
  const writer = new TalkWriter(talkHeader(profile, used, of), used, { group, confirmAfter: confirmAfter ?? undefined });
  writer.source(used && rows[0], PICTURE, 1);
  for (const frame of rows) writer.frame(frame);
  return Buffer.from(writer.finish()).toString("base64");
}

/** Return rows of frame number, kept and all components of a stream. */
async function decoded(text, tables) {
  const frames = [...await openTalk(Buffer.from(text, "base64"), () => tables)].filter((item) => item.is === "frame");
  const rows = frames.flatMap(({ number, motion }) => [number, motion.kept, ...motion.vector]);
  return Buffer.from(Float32Array.from(rows).buffer).toString("base64");
}

const asked = JSON.parse(readFileSync(0, "utf-8"));
const tables = await (await shelf()).named(asked.tables);
const answer = {
  written: asked.talks.map((talk) => written(talk, tables)),
  decoded: await Promise.all(asked.streams.map((stream) => decoded(stream, tables))),
};
process.stdout.write(JSON.stringify(answer));
