// The sound of a recording, decoded by the browser's own Opus decoder.

const RATE = 48_000;
const MOST_SECONDS = 1800;  // that are decoded: longer sound takes too much memory

/**
 * What a recording says of its sound.
 * @typedef {object} RecordedSound
 * @property {number} channels
 * @property {number} preSkip samples at 48 kHz to discard
 * @property {import("../codec/sections.js").Audio[]} pieces in order of time
 */

/**
 * Return the samples of a recording's sound from its frame 0 on, a channel each; null where this browser cannot.
 * @param {RecordedSound} sound
 * @returns {Promise<Float32Array<ArrayBuffer>[] | null>}
 */
export async function decodedSound({ channels, preSkip, pieces }) {
  const config = { codec: "opus", sampleRate: RATE, numberOfChannels: channels };
  if (!("AudioDecoder" in globalThis) || !(await AudioDecoder.isConfigSupported(config)).supported) return null;
  /** @type {[number, AudioData][]} */
  const heard = [];
  for (const { time, packets } of pieces) {
    let at = time - preSkip;
    for (const data of await samplesOf(packets, config)) {
      heard.push([at, data]);
      at += data.numberOfFrames;
    }
  }
  const end = Math.max(0, ...heard.map(([at, data]) => at + data.numberOfFrames));
  return laid(heard, channels, Math.min(end, MOST_SECONDS * RATE));
}

/**
 * @param {Uint8Array[]} packets
 * @param {AudioDecoderConfig} config
 */
async function samplesOf(packets, config) {
  /** @type {AudioData[]} */
  const heard = [];
  /** @type {Error | null} */
  let problem = null;
  const decoder = new AudioDecoder({ output: (data) => heard.push(data), error: (error) => { problem = error; } });
  decoder.configure(config);
  packets.forEach((data, number) => {
    decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: 20_000 * number, data }));
  });
  await decoder.flush().catch((error) => { problem ??= error; });
  if (decoder.state !== "closed") decoder.close();
  if (problem && !heard.length) throw new Error("the sound in it cannot be decoded");
  return heard;
}

/**
 * Lay pieces where they are heard, and close them.
 * @param {[number, AudioData][]} heard sample that each begins with
 * @param {number} channels
 * @param {number} length
 */
function laid(heard, channels, length) {
  const line = Array.from({ length: channels }, () => new Float32Array(length));
  for (const [at, data] of heard) {
    const samples = new Float32Array(data.numberOfFrames);
    for (let channel = 0; channel < channels; channel++) {
      data.copyTo(samples, { planeIndex: Math.min(channel, data.numberOfChannels - 1), format: "f32-planar" });
      const from = Math.max(0, -at), room = length - Math.max(0, at);
      if (room > 0) line[channel].set(samples.subarray(from, from + room), Math.max(0, at));
    }
    data.close();
  }
  return line;
}
