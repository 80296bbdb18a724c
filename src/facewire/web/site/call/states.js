// The course of a call as a table: every state, every event, what follows (docs/call.md section 2;
// facewire/call/conversation/states.py, which says what each means).
//
//     idle -> joining -> waiting -> connecting -> greeting -> live -> ended
//                           ^           ^----------- lost <---'

/**
 * @typedef {"idle" | "joining" | "waiting" | "connecting" | "greeting" | "live" | "lost" | "ended"} State
 * @typedef {"join" | "admitted" | "refused" | "peer here" | "peer gone" | "opened" | "broken" | "greeted" | "misfit" | "bye"
 *   | "hang up" | "signal lost" | "timeout"} Event
 * @typedef {"nothing" | "ask" | "connect" | "greet" | "start" | "drop" | "again" | "finish"} Action
 * @typedef {[State, Action]} Outcome
 */

/** Seconds after which `timeout` happens; the other states may last. @type {Partial<Record<State, number>>} */
export const TIME_LIMITS = { joining: 10, connecting: 20, greeting: 20, lost: 20 };

/** @type {Outcome} */
const ENDS = ["ended", "finish"];
/** @type {Outcome} */
const AGAIN = ["lost", "again"];
/** @type {Outcome} */
const CONNECTS = ["connecting", "connect"];

/** What is not named does nothing. @type {Record<State, Partial<Record<Event, Outcome>>>} */
export const TABLE = {
  idle: { join: ["joining", "ask"] },
  joining: {
    admitted: ["waiting", "nothing"], "peer here": CONNECTS, refused: ENDS, "signal lost": ENDS, timeout: ENDS, "hang up": ENDS,
  },
  waiting: { "peer here": CONNECTS, refused: ENDS, "signal lost": AGAIN, "hang up": ENDS },
  connecting: {
    opened: ["greeting", "greet"], "peer here": CONNECTS, "peer gone": ["waiting", "drop"], broken: AGAIN, timeout: AGAIN,
    "signal lost": AGAIN, refused: ENDS, misfit: ENDS, "hang up": ENDS,
  },
  greeting: {
    greeted: ["live", "start"], "peer here": CONNECTS, broken: AGAIN, timeout: AGAIN, misfit: ENDS, bye: ENDS, "hang up": ENDS,
  },
  live: { "peer here": CONNECTS, broken: AGAIN, misfit: ENDS, bye: ENDS, "hang up": ENDS },
  lost: {
    admitted: ["waiting", "nothing"], "peer here": CONNECTS, "signal lost": AGAIN, timeout: AGAIN, refused: ENDS, "hang up": ENDS,
  },
  ended: { join: ["joining", "ask"] },
};

/** Holds the state; time is handed in, in seconds. */
export class Course {
  /** @param {number} now */
  constructor(now) {
    /** @type {State} */
    this.state = "idle";
    this.since = now;
  }

  /**
   * Take an event and return what to do.
   * @param {Event} event
   * @param {number} now
   * @returns {Action}
   */
  on(event, now) {
    const [state, action] = TABLE[this.state][event] ?? [this.state, "nothing"];
    if (state !== this.state || action !== "nothing") this.since = now;
    this.state = state;
    return action;
  }

  /**
   * Say whether the state has lasted too long; the caller then hands in `timeout`.
   * @param {number} now
   */
  isOverdue(now) { return now - this.since > (TIME_LIMITS[this.state] ?? Infinity); }
}
