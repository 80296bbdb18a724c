// What a call takes, each way, in kbit/s; as the page shows it.

import { RateMeter } from "./rate_meter.js";

const [RTP_BYTES, CHANNEL_BYTES] = [28 + 12 + 16, 28 + 37 + 28];

class Way {
  face = new RateMeter();
  sound = new RateMeter();
  video = new RateMeter();
  ip = new RateMeter();
  frames = new RateMeter();

  /** @param {number} now */
  said(now) {
    const { face, sound, video, ip } = this;
    return { face: face.rate(now), sound: sound.rate(now), video: video.rate(now), ip: ip.rate(now), frames: this.frames.perSecond(now) };
  }
}

/** Both directions of a call. */
export class Meters {
  constructor() {
    this.sent = new Way();
    this.received = new Way();
  }

  /**
   * Note a sound packet.
   * @param {Way} way
   * @param {{sound: number, face: number}} bytes
   * @param {number} now
   */
  sound(way, { sound, face }, now) {
    way.sound.add(now, sound);
    way.face.add(now, face);
    way.ip.add(now, RTP_BYTES + sound + face);
  }

  /**
   * Note a message of a data channel.
   * @param {Way} way
   * @param {number} length
   * @param {number} now
   */
  message(way, length, now) { way.ip.add(now, CHANNEL_BYTES + length); }
}
