// The driver's sound beside the preview: it plays at its own pace and is set right where the pictures have gone away from it.

import { byId, press, pressed } from "./dom.js";

const LARGEST = 300e6;  // bytes that are taken into the page
const APART = 0.25;  // seconds

export class Sound {
  constructor(link) {
    this.link = link;
    this.name = "";
    this.shift = 0;
    this.on = false;
    this.audio = new Audio();
    byId("mute").addEventListener("click", () => {
      press(byId("mute"), !pressed(byId("mute")));
      this.audio.muted = pressed(byId("mute"));
    });
  }

  // Takes a video's sound, or none.
  async use(medium) {
    const name = medium && medium.bytes < LARGEST ? medium.name : "";
    if (name === this.name) return;
    this.name = name;
    this.audio.pause();
    URL.revokeObjectURL(this.audio.src);
    this.audio.removeAttribute("src");
    if (!name) return;
    const blob = await this.link.fetched(`/media/${encodeURIComponent(name)}`);
    if (blob && name === this.name) this.audio.src = URL.createObjectURL(blob);
  }

  // shift: the moment of the timeline at which the sound begins.
  play(on, seconds, shift) {
    this.shift = shift;
    this.on = on && this.audio.src !== "";
    if (!this.on) return this.audio.pause();
    this.begin(Math.max(0, seconds - shift));
  }

  begin(at) {
    this.audio.currentTime = at;
    this.audio.play().catch(() => {});  // a video without sound, or a browser that wants a click first
  }

  follow(seconds) {
    const at = Math.max(0, seconds - this.shift);
    if (!this.on || at >= this.audio.duration) return;
    if (this.audio.ended) this.begin(at);  // the pictures began again
    else if (!this.audio.paused && Math.abs(this.audio.currentTime - at) > APART) this.audio.currentTime = at;
  }
}
