// What a call says, against what Python says (tests/web/call_values.py): bytes, seals and refusals are the same.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TABLE } from "../../src/facewire/web/site/call/states.js";
import { hex, unhex } from "../../src/facewire/web/site/codec/bytes.js";
import { BitstreamError } from "../../src/facewire/web/site/codec/index.js";
import { LineMeter } from "../../src/facewire/web/site/line/line_meter.js";
import { fromAngles } from "../../src/facewire/web/site/motion/rotation.js";
import { FreeView } from "../../src/facewire/web/site/person/free_view.js";
import { bundleBytes, parseBundle } from "../../src/facewire/web/site/protocol/bundle.js";
import { Invitation, InvitationError } from "../../src/facewire/web/site/protocol/invitation.js";
import { aloneBytes, parseAlone } from "../../src/facewire/web/site/protocol/line_report.js";
import { PEER_MESSAGES } from "../../src/facewire/web/site/protocol/peer_messages.js";
import { Assembly, digest, pieces } from "../../src/facewire/web/site/protocol/pieces.js";
import { FROM_SERVER, SEALED, TO_SERVER } from "../../src/facewire/web/site/protocol/signal_messages.js";
import { join, opusSamples, split } from "../../src/facewire/web/site/protocol/trailer.js";
import { ProtocolError } from "../../src/facewire/web/site/protocol/wire.js";
import { jsonOf } from "./support.js";

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
  for (const digits of values.reports) assert.equal(hex(aloneBytes(parseAlone(unhex(digits)))), digits);
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

test("a view that is dragged", () => {
  const view = new FreeView();
  view.aim({ yaw: 30, pitch: -12, roll: 0, frontal: true });
  values.turned.forEach(([yaw, pitch, roll, ...expected], number) => {
    if (number === 8) view.aim({ yaw: 0, pitch: 0, roll: 0, frontal: false });
    near([...(view.turn(fromAngles(yaw, pitch, roll)) ?? [])], expected, 1e-5);
  });
});
