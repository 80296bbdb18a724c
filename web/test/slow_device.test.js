// A device that draws few pictures says so; who hears that sends ordinary video, if that is allowed.

import assert from "node:assert/strict";
import test from "node:test";

import { DrawingPace } from "../../src/facewire/web/site/agent/drawing_pace.js";
import { QUICK, Steering } from "../../src/facewire/web/site/line/steering.js";
import { ModeKeeper } from "../../src/facewire/web/site/person/modes.js";
import { SYNTHESIS, VIDEO } from "../../src/facewire/web/site/protocol/bundle.js";

const times = Array.from({ length: 100 }, (_, step) => 1 + step / 10);

test("the pace is that of the median, and tried again where it is slow", () => {
  const pace = new DrawingPace();
  pace.drew(3);
  for (let picture = 0; picture < 8; picture++) {
    assert.equal(pace.perSecond, null);
    pace.drew(0.19);
  }
  assert.equal(pace.perSecond, 5);
  assert.deepEqual(times.filter((now) => pace.due(now, QUICK)), [1, 3, 5, 7, 9]);
  assert.ok(!pace.due(100, 5));
});

test("it is said while few are drawn, and holds for a while", () => {
  const [line, other] = [new Steering(false), new Steering(false)];
  line.draws = QUICK - 1;
  assert.equal(line.announcement(0)[1], 1);
  line.hearAlone(other.alone(0), 1);
  const said = times.map((now) => line.announcement(now)).filter((message) => message);
  assert.equal(said.length, 2);
  other.hearAlone(said[0], 1);
  assert.equal(other.theirDraws(13), QUICK - 1);
  assert.equal(other.theirDraws(13.1), null);
  line.draws = QUICK;
  assert.equal(line.announcement(100), null);
});

test("few pictures lead to ordinary video until there are enough, and never against the user's will", () => {
  const keeper = new ModeKeeper();
  const modes = [null, 8, 6, 5, 6, 7, 8, 6, 0, null].map((draws) => {
    keeper.hearDraws(draws);
    return keeper.mode === VIDEO;
  });
  assert.deepEqual(modes, [false, false, false, true, true, true, false, false, true, false]);
  keeper.hearDraws(0);
  assert.deepEqual(keeper.why, ["the other side draws 0 pictures a second"]);
  keeper.allowed = false;
  assert.equal(keeper.mode, SYNTHESIS);
  assert.deepEqual(keeper.why, []);
});
