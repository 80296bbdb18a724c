// What a call says, against what Python says (tests/web/call_values.py): bytes, seals and refusals are the same.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FaceCoder, MOST_FACE_BYTES } from "../../src/facewire/web/site/call/face_coder.js";
import { TABLE } from "../../src/facewire/web/site/call/states.js";
import { hex, unhex } from "../../src/facewire/web/site/codec/bytes.js";
import { BitstreamError } from "../../src/facewire/web/site/codec/index.js";
import { motionFrame } from "../../src/facewire/web/site/codec/state.js";
import { LineMeter } from "../../src/facewire/web/site/line/line_meter.js";
import { fromAngles } from "../../src/facewire/web/site/motion/rotation.js";
import { difference, judge } from "../../src/facewire/web/site/person/judge.js";
import { ModeKeeper } from "../../src/facewire/web/site/person/modes.js";
import { FreeView } from "../../src/facewire/web/site/person/free_view.js";
import { bundleBytes, parseBundle } from "../../src/facewire/web/site/protocol/bundle.js";
import { Invitation, InvitationError } from "../../src/facewire/web/site/protocol/invitation.js";
import { aloneBytes, parseAlone } from "../../src/facewire/web/site/protocol/line_report.js";
import { PEER_MESSAGES } from "../../src/facewire/web/site/protocol/peer_messages.js";
import { Assembly, digest, pieces } from "../../src/facewire/web/site/protocol/pieces.js";
import { FROM_SERVER, SEALED, TO_SERVER } from "../../src/facewire/web/site/protocol/signal_messages.js";
import { VideoPieces, videoMessages } from "../../src/facewire/web/site/protocol/video_pieces.js";
import { join, opusSamples, split } from "../../src/facewire/web/site/protocol/trailer.js";
import { ProtocolError } from "../../src/facewire/web/site/protocol/wire.js";
import { jsonOf, shelf } from "./support.js";

const values = await jsonOf("web/test/call_values.json");

function near(found, expected, tolerance) {
  assert.equal(found.length, expected.length);
  expected.forEach((value, at) => assert.ok(Math.abs(found[at] - value) < tolerance, `${found[at]} is not ${value}`));
}

test("an invitation, and what is sealed with it", async () => {
  const { link, address, admission, body, seals } = values.invitation;
  const invitation = Invitation.parse(` ${link}\n`);
  assert.equal(invitation.link, link);
  assert.equal(invitation.address, address.replace(/^http/, "ws"));
  assert.equal(await invitation.admission(), admission);
  for (const seat of ["a", "b"]) assert.equal(await invitation.seal(seat, body), seals[seat]);
  assert.ok(await invitation.isSealed("a", body, seals.a));
  assert.ok(!(await invitation.isSealed("b", body, seals.a)));
});

test("a fresh invitation comes back from its link, and what is none is refused", () => {
  const fresh = Invitation.create("https://example.org", "room");
  assert.equal(Invitation.parse(fresh.link).token, fresh.token);
  const { link } = values.invitation;
  for (const wrong of ["", "talk", link.slice(0, -1), link.replace("https", "ftp"), `${link}&room=other`, link.replace("talk-7", "a%2Fb")]) {
    assert.throws(() => Invitation.parse(wrong), InvitationError, wrong);
  }
});

test("trailers are read and written to the same bytes", () => {
  for (const digits of values.bundles) assert.equal(hex(bundleBytes(parseBundle(unhex(digits)))), digits);
  for (const digits of values.broken) assert.throws(() => parseBundle(unhex(digits)), BitstreamError, digits);
  const { sound, trailer } = split(unhex(values.trailer));
  assert.equal(hex(join(sound, trailer)), values.trailer);
  assert.deepEqual([sound.length, trailer.length], [5, 4]);
});

test("reports on the line", () => {
  for (const digits of values.reports) {
    const { draws, ...report } = parseAlone(unhex(digits));
    assert.equal(hex(aloneBytes(report, draws)), digits);
  }
  assert.equal(parseAlone(unhex(values.reports.at(-2))).draws, 5);
  assert.equal(parseAlone(unhex("4c01330500ff05")).draws, null);
});

test("messages are read and written to the same text", () => {
  const sets = { peer: PEER_MESSAGES, said: TO_SERVER, heard: FROM_SERVER };
  for (const [name, set] of Object.entries(sets)) {
    for (const text of values[name]) {
      const { type, ...fields } = set.parse(text);
      assert.equal(set.encode(type, fields), text);
    }
  }
  const { type, ...sealed } = SEALED.parse(values.sealed);
  assert.equal(SEALED.encode(type, sealed), values.sealed);
  for (const text of values.refused) assert.throws(() => PEER_MESSAGES.parse(text), ProtocolError, text);
  assert.throws(() => PEER_MESSAGES.parse(`"${"x".repeat(70_000)}"`), /at most 65536/);
});

test("how much sound an Opus packet holds", () => {
  for (const [head, samples] of values.opus) {
    if (samples === null) assert.throws(() => opusSamples(unhex(head)), BitstreamError, head);
    else assert.equal(opusSamples(unhex(head)), samples);
  }
});

test("a photo in pieces", async () => {
  const photo = unhex(values.photo);
  assert.equal(await digest(photo), values.digest);
  assert.deepEqual(pieces(7, photo).map(hex), values.pieces);
  const assembly = new Assembly(7, photo.length);
  const whole = values.pieces.map((piece) => assembly.add(unhex(piece)));
  assert.deepEqual(whole.map((one) => one !== null), [false, false, true]);
  assert.equal(hex(whole[2]), values.photo);
  for (const wrong of [values.pieces[1], `51${values.pieces[0].slice(2)}`, values.pieces[0].slice(0, 14)]) {
    assert.throws(() => new Assembly(7, photo.length).add(unhex(wrong)), BitstreamError);
  }
  assert.throws(() => new Assembly(7, 10).add(unhex(values.pieces[0])), /reaches beyond/);
});

test("the course of a call has the same table", () => {
  assert.deepEqual(Object.keys(TABLE), Object.keys(values.states));
  for (const [state, row] of Object.entries(values.states)) {
    for (const [event, outcome] of Object.entries(row)) assert.deepEqual(TABLE[state][event] ?? [state, "nothing"], outcome);
    assert.ok(Object.keys(TABLE[state]).every((event) => event in row));
  }
});

test("what the line loses, how long packets wait, what comes", () => {
  const meter = new LineMeter();
  for (const [start, samples, now, ...expected] of values.metered) {
    meter.bytesCame(150, now);
    meter.soundCame(start, samples, now);
    const { loss, run, wait, rate } = meter.report(now, false);
    near([loss, run, wait, rate], expected, 1e-6);
  }
  assert.ok(values.metered.some(([, , , loss, , wait]) => loss > 0.1 && wait > 0.1));
});

test("faces of one message, chained and with as many keypoints as it takes", async () => {
  const { motions, rows } = values.messages;
  const coder = new FaceCoder(await (await shelf()).named("compact-standard"));
  assert.deepEqual(coder.message([{ motion: motionFrame(motions[0]), captured: 0 }]), []);
  coder.source(motionFrame(motions[0]));
  let [next, number] = [0, 0];
  for (const [limit, confirmed, packets] of rows) {
    if (confirmed !== null) coder.confirmed(confirmed);
    const given = packets.map(() => ({ motion: motionFrame(motions[next]), captured: next++ }));
    const coded = coder.message(given, limit);
    assert.deepEqual(coded.map(({ packet }) => hex(packet)), packets);
    for (const one of coded) assert.deepEqual([one.number, one.captured], [number, number++]);
  }
  const lengths = rows.flatMap(([, , packets]) => packets.map((packet) => packet.length / 2));
  assert.ok(Math.min(...lengths) < 20);
});

test("a message holds no more faces than fit", async () => {
  const coder = new FaceCoder(await (await shelf()).named("compact-standard"));
  coder.source(motionFrame(values.messages.motions[0]));
  const wild = Array.from({ length: 12 }, (_, at) => motionFrame(values.messages.motions[0].map((value, i) => value + 0.5 * Math.sin(7 * i + at))));
  const coded = coder.message(wild.map((motion, captured) => ({ motion, captured })));
  assert.ok(coded.length > 0 && coded.length < 12);
  assert.ok(coded.reduce((sum, { packet }) => sum + packet.length + 2, 0) <= MOST_FACE_BYTES);
});

test("a view that is dragged", () => {
  const view = new FreeView();
  view.aim({ yaw: 30, pitch: -12, roll: 0, frontal: true });
  values.turned.forEach(([yaw, pitch, roll, ...expected], number) => {
    if (number === 8) view.aim({ yaw: 0, pitch: 0, roll: 0, frontal: false });
    near([...(view.turn(fromAngles(yaw, pitch, roll)) ?? [])], expected, 1e-5);
  });
});

const STRIPES = [[0, 0], [2, 0], [5, 1], [9, 3], [40, 7]];

/** The same pictures as in tests/web/call_values.py. */
function striped(shift, disturbance) {
  return Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => {
    const [colour, x, y] = [at % 3, Math.floor(at / 3) % 64, Math.floor(at / 192)];
    const waves = Math.sin(0.31 * (x + shift) + 0.23 * y) + Math.sin(0.17 * x - 0.41 * y + disturbance + 0.5 * colour);
    return Math.floor(128 + 60 * waves);
  });
}

test("how different two pictures look", () => {
  near(STRIPES.map((way) => difference(striped(0, 0), striped(...way), 64)), values.differences, 1e-4);
});

test("what speaks against synthesis", () => {
  const seen = (yaw, presence = 1) => ({ motion: { rotation: fromAngles(yaw, 0, 0) }, presence });
  assert.deepEqual(judge(seen(0.5), 1, 0.5), []);
  assert.deepEqual(judge(seen(0.8), 1, null), ["turned too far"]);
  assert.deepEqual(judge({ motion: null, presence: 0 }, 0, null), ["no face"]);
  assert.deepEqual(judge(seen(0), 2, 0.7), ["second person", "looks different"]);
});

test("ordinary video after 0.6 s, synthesis after 2 s, and never what is not allowed", () => {
  const keeper = new ModeKeeper();
  const modes = [];
  for (let step = 0; step < 30; step++) {
    keeper.hear(step >= 2 && step < 14 ? ["no face"] : [], 0.2 * step);
    modes.push(keeper.mode);
  }
  assert.equal(modes.indexOf(1), 5);
  assert.equal(modes.lastIndexOf(1), 23);
  keeper.hear(["no face"], 10);
  keeper.hear(["no face"], 11);
  keeper.allowed = false;
  assert.equal(keeper.mode, 0);
  [keeper.allowed, keeper.cameraOff] = [true, true];
  assert.equal(keeper.mode, 2);
});

test("ordinary pictures come out of their pieces", () => {
  const pieces = new VideoPieces();
  const pictures = [2500, 900, 1000].map((length, number) => Uint8Array.from({ length }, (_, at) => at + number));
  pictures.forEach((data, number) => videoMessages(65535 + number, data, number === 0, 5).reverse().forEach((one) => pieces.take(one)));
  assert.deepEqual(pieces.whole.map(({ data }) => data), pictures);
  assert.deepEqual(videoMessages(0, new Uint8Array(64001), true, 0), []);
});
