// A hostile other side: whatever comes through the three doors of a conversation, nothing is thrown, and breaking the
// rules ends the connection with a reason. FACEWIRE_HOSTILE=100000 is the long attack.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../src/facewire/web/site/call/conversation.js";
import { BitstreamError, hex, motionFrame } from "../../src/facewire/web/site/codec/index.js";
import { asked, isUsable } from "../../src/facewire/web/site/meeting/descriptions.js";
import { SignalClient } from "../../src/facewire/web/site/meeting/signal_client.js";
import { Invitation } from "../../src/facewire/web/site/protocol/invitation.js";
import { PEER_MESSAGES } from "../../src/facewire/web/site/protocol/peer_messages.js";
import { digest } from "../../src/facewire/web/site/protocol/pieces.js";
import { opusSamples, split } from "../../src/facewire/web/site/protocol/trailer.js";
import { pictureHead } from "../../src/facewire/web/site/person/picture_head.js";
import { jsonOf, seeded, shelf } from "./support.js";

const COUNT = Number(process.env.FACEWIRE_HOSTILE ?? 2000);
const tables = await (await shelf()).named("compact-standard");
const motion = motionFrame(new Float32Array(6 + 3 * tables.keypoints));
const picture = Uint8Array.from({ length: 2500 }, (_, at) => at);
const source = { picture, sha256: await digest(picture), motion, avatar: false };
const party = { model: "0".repeat(16), tables, tableHash: hex(tables.fingerprint), size: 256, shows: 256, trailer: true, thin: false };
const valid = await jsonOf("web/test/call_values.json");

/** One side of a call, and everything that it sent. */
class Side {
  constructor(now, own = party) {
    this.out = [];
    const put = (kind) => (message) => this.out.push([kind, message]);
    const outbox = { reliable: put("reliable"), loose: put("loose"), standing: put("standing"), face: put("face"), report: put("report"),
      source: put("source"), confirmed: put("confirmed") };
    this.talk = new Conversation(own, source, outbox, now, null);
    this.talk.greet();
  }

  taken() { return this.out.splice(0); }
}

/** Let two sides talk until nothing is on its way, each photo being taken as prepared. */
function exchange(a, b, now) {
  for (let round = 0; round < 20; round++) {
    for (const [from, to] of [[a, b], [b, a]]) {
      for (const [kind, message] of from.taken()) {
        if (kind === "reliable") to.talk.hearReliable(message, now);
        else if (kind === "loose") to.talk.hearLoose(message, now);
      }
      for (const photo of to.talk.exchange.complete.splice(0)) to.talk.photoPrepared(photo);
    }
  }
}

function greeted(now = 0, own = party) {
  const [a, b] = [new Side(now, own), new Side(now, own)];
  exchange(a, b, now);
  for (const { talk } of [a, b]) {
    assert.deepEqual(talk.events(), ["greeted"]);
    talk.live = true;
  }
  return [a, b];
}

test("two sides greet, exchange photos, and motion comes through", () => {
  const [a, b] = greeted();
  for (let number = 0; number < 20; number++) {
    const now = 1 + 0.04 * number;
    assert.ok(a.talk.motion(motion, now, now));
  }
  assert.equal(a.taken().filter(([kind]) => kind === "face").length, 20);
  assert.ok(a.talk.line.known && b.talk.line.known);
});

test("without trailers motion goes over the channel that may lose", () => {
  const [a, b] = greeted(0, { ...party, trailer: false });
  for (let number = 0; number < 50; number++) {
    const now = 1 + 0.04 * number;
    a.talk.motion(motion, now, now);
    a.talk.tick(now);
    b.talk.hearSound({ timestamp: 777 + 1920 * number, samples: 1920, bytes: 120, message: null }, now);
    for (const [kind, message] of a.taken()) if (kind === "loose") b.talk.hearLoose(message, now);
  }
  assert.ok(b.talk.faces.decoded > 40, `${b.talk.faces.decoded}`);
  assert.equal(b.talk.refused, 0);
});

test("another version, another model, a second greeting, a photo nobody announced", () => {
  const hello = (changes) => PEER_MESSAGES.encode("hello", { model: party.model, table: tables.id, table_hash: party.tableHash,
    size: 256, shows: 256, keypoints: tables.keypoints, ...changes });
  const wrong = {
    "speaks version": [hello({ version: 3 })],
    "uses weights": [hello({ model: "1".repeat(16) })],
    "other coding tables": [hello({ keypoints: 12 })],
    "second greeting": [hello({}), hello({})],
    "did not greet first": ['{"type":"refresh"}'],
    "not announced": [Uint8Array.of(0x50, 0, 0, 0, 0, 0, 0, 1)],
    "is called known that is not": [hello({}), PEER_MESSAGES.encode("photo", { epoch: 0, bytes: 3, sha256: "0".repeat(64), anchor: "", held: true })],
    "not JSON": ["{"],
  };
  for (const [reason, messages] of Object.entries(wrong)) {
    const { talk } = new Side(0);
    for (const message of messages) talk.hearReliable(message, 0);
    assert.deepEqual(talk.events(), ["misfit"]);
    assert.match(talk.problem, new RegExp(reason));
  }
});

test(`${COUNT} malformed messages at every door`, () => {
  const random = seeded(11);
  const below = (count) => Math.floor(random() * count);
  const bytes = (most) => Uint8Array.from({ length: below(most) }, () => below(256));
  const texts = [...valid.peer, ...valid.refused];
  const messages = valid.bundles.map((digits) => Uint8Array.from(Buffer.from(digits, "hex")));
  const bent = (data) => {
    const out = data.slice(0, random() < 0.3 ? below(data.length + 1) : data.length);
    for (let times = below(4); times >= 0 && out.length; times--) out[below(out.length)] = below(256);
    return out;
  };
  const text = () => {
    const whole = texts[below(texts.length)];
    const at = below(whole.length + 1);
    return random() < 0.5 ? whole : whole.slice(0, at) + String.fromCharCode(below(0x250)) + whole.slice(at + below(3));
  };
  const loose = () => {
    const out = random() < 0.5 ? bytes(60) : bent(messages[below(messages.length)]);
    if (out.length && random() < 0.9) out[0] = [0x46, 0x4c, 0x56][below(3)];
    return out;
  };
  let [now, ended, side] = [1, 0, greeted(1)[0]];
  for (let number = 0; number < COUNT; number++) {
    now += 0.02 * random();
    const { talk } = side;
    const door = below(100);  // a reliable message mostly ends the connection, and a new greeting is slow
    if (door < 49) {
      const message = random() < 0.3 ? bytes(90) : bent(messages[below(messages.length)]);
      talk.hearSound({ timestamp: below(2 ** 32), samples: 1920, bytes: 150, message }, now);
    } else if (door < 98) talk.hearLoose(loose(), now);
    else talk.hearReliable(random() < 0.5 ? text() : bytes(40), now);
    if (number % 3 === 0) talk.due(now);
    talk.tick(now);
    side.taken();
    if (talk.events().includes("misfit")) {
      assert.ok(talk.problem);
      ended++;
      side = greeted(now)[0];
    }
  }
  assert.ok(ended > COUNT / 400, `${ended} connections ended`);
});

test("a flood is refused, and ends the connection where order matters", () => {
  const { talk } = greeted()[0];
  for (let number = 0; number < 1000; number++) talk.hearLoose(Uint8Array.of(0), 1);
  assert.ok(talk.refused > 900);
  for (let number = 0; number < 1000; number++) talk.hearReliable('{"type":"refresh"}', 1);
  assert.match(talk.problem, /too many messages/);
});

test("kind and size of pictures, before anything decodes them", () => {
  const heads = {
    "89504e470d0a1a0a0000000d494844520000010000000100": ["image/png", 256, 256],
    "ffd8ffe000044a46ffc0001108010002000301": ["image/jpeg", 512, 256],
    "52494646000000005745425056503820000000003001009d012a00010002": ["image/webp", 256, 512],
    "524946460000000057454250565038580a00000010000000ff0000ff0100": ["image/webp", 256, 512],
    "52494646000000005745425056503858": null,
    "ffd8ffe0": null,
    "47494638": null,
    "": null,
  };
  for (const [digits, expected] of Object.entries(heads)) {
    const found = pictureHead(Uint8Array.from(Buffer.from(digits, "hex")));
    assert.deepEqual(found && [found.mime, found.width, found.height], expected);
  }
});

test("whatever the signalling server says is heard or ends the visit with a reason", async () => {
  const random = seeded(12);
  const below = (count) => Math.floor(random() * count);
  const texts = [...valid.heard, ...valid.refused, valid.sealed];
  const bent = () => {
    const whole = texts[below(texts.length)], at = below(whole.length + 1);
    return random() < 0.3 ? whole : whole.slice(0, at) + String.fromCharCode(below(0x250)) + whole.slice(at + below(3));
  };
  const invitation = Invitation.create("https://signal.example.org", "talk");
  let [refused, others] = [0, 0];
  for (let number = 0; number < COUNT / 10; number++) {
    const client = new SignalClient(invitation, {
      seated: () => {}, heard: () => assert.fail("nothing here has a seal"), lost: () => assert.fail("nothing was lost"),
      other: () => others++,
      refused: (reason) => {
        assert.ok(reason);
        refused++;
      },
    });
    for (let said = 0; said < 5; said++) await client.hear(bent());
  }
  assert.ok(refused > COUNT / 20 && others > 0, `${refused} refused, ${others} told of another`);
});

test("session descriptions and packets of anybody give a refusal, not another exception", () => {
  const random = seeded(13);
  const below = (count) => Math.floor(random() * count);
  const lines = ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2", "a=rtpmap:( opus/48000", "a=fmtp:111 x=1", "a=extmap:1 y", ""];
  for (let number = 0; number < COUNT; number++) {
    const text = Array.from({ length: below(8) }, () => lines[below(lines.length)]).join("\r\n");
    assert.ok(!asked(text).includes("extmap"));
    assert.equal(isUsable(text), text.startsWith("v=0"));
    const packet = Uint8Array.from({ length: below(300) }, () => below(256));
    for (const read of [() => split(packet), () => opusSamples(packet)]) {
      try {
        read();
      } catch (error) {
        assert.ok(error instanceof BitstreamError, String(error));
      }
    }
    pictureHead(packet);
  }
});
