// Head motion against values that Python computed (tests/web/motion_values.py).

import assert from "node:assert/strict";
import { test } from "node:test";

import { motionFrame } from "../../src/facewire/web/site/codec/index.js";
import * as motion from "../../src/facewire/web/site/motion/index.js";
import { jsonOf } from "./support.js";

const values = await jsonOf("web/test/motion_values.json");
const frames = values.frames.map((row) => motionFrame(row));
const motions = frames.map(motion.motionOf);
const view = motion.fromDegrees(...values.view);

function near(found, expected, tolerance = 2e-6) {
  assert.equal(found.length, expected.length);
  expected.forEach((value, at) => assert.ok(Math.abs(found[at] - value) < tolerance, `${found[at]} is not ${value}`));
}

function alike(found, expected) {
  assert.equal(found.length, expected.length);
  expected.forEach((one, at) => Object.keys(one).forEach((part) => near(found[at][part], one[part])));
}

test("angles become rotations and angles again", () => {
  alike(motions, values.motions);
  frames.forEach((frame, at) => near(motion.frameOf(motions[at]).vector, frame.vector));
});

test("turned, about the middle and at the neck", () => {
  alike(motions.map((one) => motion.turned(one, view)), values.turned);
  alike(motions.map((one) => motion.turnedAtNeck(one, view)), values.turned_at_neck);
  alike([motion.turnedAtNeck(motions[5], motion.IDENTITY)], [values.motions[5]]);
});

test("relative to another motion", () => {
  alike(motions.map((one) => motion.relative(one, motions[3], motions[9])), values.relative);
});

test("the motions that stand for rest", () => {
  const own = motion.turned(motions[9], view);
  assert.equal(motion.bestReference(motions, own), values.best_reference);
  assert.equal(motion.medianMotion(motions), values.median_motion);
  const many = Array.from({ length: 500 }, (_, at) => motions[at % motions.length]);
  assert.deepEqual(motion.bestReference(many, own), values.best_reference);
  assert.ok(motion.medianMotion(many) < many.length);
});

test("keypoints are placed", () => {
  motions.forEach((one, at) => near(motion.place(values.canonical, one), values.placed[at]));
});

test("smoothed, with a gap in which the filter starts anew", () => {
  const smoother = new motion.MotionSmoother();
  alike(motions.map((one, at) => smoother.smooth(one, values.times[at])), values.smoothed);
});

test("smoothing survives a head that is turned over", () => {
  const smoother = new motion.MotionSmoother();
  const over = (degrees) => ({ ...motions[0], rotation: motion.fromDegrees(0, 0, degrees) });
  for (let step = 0; step < 50; step++) {
    const { rotation } = smoother.smooth(over(180 * (step % 2)), 0.04 * step);
    near(motion.anglesOf(rotation).slice(0, 2).map(Math.cos), [1, 1]);
    assert.ok(rotation.every(Number.isFinite));
  }
});

test("concealment eases to rest and comes back, to the bit", () => {
  const held = new motion.Concealment(frames[0]);
  const shown = frames.slice(0, 10).map((frame, at) => held.arrive(frame, 0.04 * at));
  for (let step = 0; step < 11; step++) shown.push(held.ease(frames[9], 0.15 * step));
  frames.slice(10, 20).forEach((frame, at) => shown.push(held.arrive(frame, 3 + 0.04 * at)));
  assert.deepEqual(shown.map((one) => one && Array.from(one.vector)), values.concealed);
  assert.equal(shown.filter((one) => one === null).length, 2);
});

test("the playout clock", () => {
  const clock = new motion.Playout();
  values.played.forEach(([start, end, now, base, position], number) => {
    if (number % 3 === 0) {
      clock.faceCame(end, now + 0.01);
      clock.rendered(0.03 + 0.001 * number);
    }
    clock.soundCame(start, end, now);
    near([clock.base, clock.facePosition(now)], [base, position], 1e-6);
  });
});
