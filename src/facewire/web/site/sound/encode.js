// The sound of a video file as Opus packets, by the browser's own coders.

const RATE = 48_000;
const SAMPLES = 960;  // 20 ms
const BITS_A_SECOND = 24_000;
const USUAL_SKIP = 312;  // samples that Opus encoders put before the first, where this browser does not say

/**
 * @typedef {object} EncodedSound
 * @property {number} channels
 * @property {number} preSkip samples at 48 kHz to discard
 * @property {number} rate of the original
 * @property {number} samples that each packet lasts
 * @property {Uint8Array[]} packets
 */

/**
 * Return the sound of a file; null where there is none, or where this browser cannot code it.
 * @param {Blob} file
 * @returns {Promise<EncodedSound | null>}
 */
export async function encodedSound(file) {
  if (!("AudioEncoder" in globalThis)) return null;
  const context = new OfflineAudioContext(2, 1, RATE);
  const heard = await context.decodeAudioData(await file.arrayBuffer()).catch(() => null);
  if (!heard) return null;
  const channels = Math.min(2, heard.numberOfChannels);
  const config = {
    codec: "opus", sampleRate: RATE, numberOfChannels: channels, bitrate: BITS_A_SECOND,
    opus: { frameDuration: 20_000 },
  };
  if (!(await AudioEncoder.isConfigSupported(config)).supported) return null;
  /** @type {Uint8Array[]} */
  const packets = [];
  let preSkip = USUAL_SKIP;
  const encoder = new AudioEncoder({
    output(chunk, metadata) {
      const packet = new Uint8Array(chunk.byteLength);
      chunk.copyTo(packet);
      packets.push(packet);
      preSkip = skipOf(metadata?.decoderConfig?.description) ?? preSkip;
    },
    error() {},  // flush fails then
  });
  encoder.configure(config);
  const whole = Math.ceil((heard.length + USUAL_SKIP) / SAMPLES) * SAMPLES;
  for (let at = 0; at < whole; at += SAMPLES) encoder.encode(piece(heard, channels, at));
  await encoder.flush();
  encoder.close();
  return { channels, preSkip, rate: RATE, samples: SAMPLES, packets };
}

/**
 * Return the samples from `at` on, silence after the end.
 * @param {AudioBuffer} heard
 * @param {number} channels
 * @param {number} at
 */
function piece(heard, channels, at) {
  const data = new Float32Array(channels * SAMPLES);
  for (let channel = 0; channel < channels; channel++) {
    data.set(heard.getChannelData(channel).subarray(at, at + SAMPLES), channel * SAMPLES);
  }
  return new AudioData({
    format: "f32-planar", sampleRate: RATE, numberOfFrames: SAMPLES, numberOfChannels: channels,
    timestamp: Math.round(at * 1e6 / RATE), data,
  });
}

/**
 * Return the pre-skip that a head of Opus says.
 * @param {AllowSharedBufferSource | undefined} description
 */
function skipOf(description) {
  if (!description) return null;
  const bytes = ArrayBuffer.isView(description)
    ? new DataView(description.buffer, description.byteOffset, description.byteLength) : new DataView(description);
  return bytes.byteLength >= 12 ? bytes.getUint16(10, true) : null;
}
