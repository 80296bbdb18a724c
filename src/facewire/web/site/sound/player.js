// Plays the sound of a recording from any moment on.

import { decodedSound } from "./decode.js";

const RATE = 48_000;

/** The sound of one recording. */
export class SoundPlayer {
  /** @param {Float32Array<ArrayBuffer>[]} line samples, a channel each */
  constructor(line) {
    this.context = new AudioContext({ sampleRate: RATE });
    this.buffer = this.context.createBuffer(line.length, Math.max(1, line[0].length), RATE);
    line.forEach((samples, channel) => this.buffer.copyToChannel(samples, channel));
    /** @type {AudioBufferSourceNode | null} */
    this.source = null;
  }

  /**
   * Return a player of a recording's sound; null where there is none, or none that this browser can play.
   * @param {import("./decode.js").RecordedSound | null} sound
   */
  static async of(sound) {
    const line = sound?.pieces.length ? await decodedSound(sound) : null;
    return line && new SoundPlayer(line);
  }

  /** Play from a moment on. @param {number} seconds since frame 0 */
  play(seconds) {
    this.stop();
    this.context.resume().catch(() => {});
    this.source = this.context.createBufferSource();
    this.source.buffer = this.buffer;
    this.source.connect(this.context.destination);
    this.source.start(0, Math.max(0, seconds));
  }

  stop() {
    this.source?.stop();
    this.source?.disconnect();
    this.source = null;
  }

  /** Let go of it. */
  close() {
    this.stop();
    this.context.close().catch(() => {});
  }
}
