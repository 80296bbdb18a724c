// Head motion: everything that other rooms use. Pure: no clock, no page.

export { Concealment, between } from "./concealment.js";
export { frameOf, motionOf, place, relative, turned, turnedAtNeck } from "./head_motion.js";
export { Playout, RATE } from "./playout.js";
export { bestReference, medianMotion } from "./reference.js";
export { IDENTITY, anglesOf, fromAngles, fromDegrees } from "./rotation.js";
export { MotionSmoother } from "./smoothing.js";
