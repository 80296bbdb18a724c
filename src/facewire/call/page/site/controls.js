// What the page of `facewire call` and the page without an agent have in common: words, marks, buttons and keys.

export const STATES = {
  idle: "Not in a call",
  joining: "Looking for the room",
  waiting: "Waiting for the other person",
  connecting: "Connecting",
  greeting: "Exchanging pictures",
  live: "In a call",
  lost: "Connection lost, trying again",
  ended: "The call is over",
};
export const OWN_PICTURE = ["idle", "joining", "waiting", "ended"];  // when the picture is the own one
export const MARKS = { synthesis: "Synthesised", video: "Ordinary video", off: "Camera off" };
export const LIGHT = { dark: "too dark", good: "good", bright: "too bright", unknown: "unknown" };
const KEYS = { m: "mute", c: "camera", t: "thin", v: "video", l: "look", r: "reset" };

/** @type {(id: string) => any} */
export const byId = (id) => document.getElementById(id);

export function notice(text) { byId("notice").textContent = text; }

export function number(id, value, digits) { byId(id).textContent = value.toFixed(digits); }

/** Say of one of the checks before a call whether it is as it should be. */
export function mark(name, ok, text) {
  const item = byId(`check-${name}`);
  item.dataset.ok = ok ? "yes" : "no";
  item.querySelector("span").textContent = text;
}

export function pressed(id) { return byId(id).getAttribute("aria-pressed") === "true"; }
export function press(id, on) { byId(id).setAttribute("aria-pressed", String(on)); }

/** Show the invitation link; a new one was not copied yet. */
export function showLink(link) {
  if (byId("link").value === link) return;
  byId("copy").textContent = "Copy";
  byId("link").value = link;
}

export async function copyLink() {
  byId("link").select();
  await navigator.clipboard?.writeText(byId("link").value).catch(() => {});
  byId("copy").textContent = "Copied";
}

/**
 * Let buttons, and their keys, do something; those of a call only while one is live.
 * @param {Record<string, () => void>} actions by the buttons' names
 * @param {() => boolean} live
 */
export function listen(actions, live) {
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
  document.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const id = KEYS[event.key.toLowerCase()];
    if (id in actions && !byId(id).disabled && (live() || !byId(id).classList.contains("in-call"))) actions[id]();
  });
}
