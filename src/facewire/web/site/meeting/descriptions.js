// Session descriptions as they are sent and taken: one stream of Opus and the data channels, nothing else. Pure.

const LONGEST = 16 * 1024;
const PACKET_MS = 40;  // of sound, unless another length is asked for
/** What the other side is to send: our own wish, written into its description, which is where browsers look for it. */
const OPUS = "minptime=10;useinbandfec=0;usedtx=0;stereo=0;cbr=1;maxaveragebitrate=24000";

/**
 * Return a description without header extensions, which cost 1.6 kbit/s and say nothing for a single stream.
 * @param {string} description
 */
export function slim(description) {
  return description.split("\r\n").filter((line) => !line.startsWith("a=extmap")).join("\r\n");
}

/**
 * Return the other side's description, slim, with how this side is to code its sound.
 * @param {string} description
 * @param {number} [packet] milliseconds of sound in a packet
 */
export function asked(description, packet = PACKET_MS) {
  const lines = slim(description).split("\r\n").filter((line) => !/^a=(ptime|maxptime):/.test(line));
  const opus = lines.map((line) => /^a=rtpmap:(\d+) opus\/48000/i.exec(line)?.[1]).find(Boolean);
  if (!opus) return lines.join("\r\n");
  return lines.filter((line) => !line.startsWith(`a=fmtp:${opus} `))
    .flatMap((line) => (line.startsWith(`a=rtpmap:${opus} `) ? [line, `a=fmtp:${opus} ${OPUS}`, `a=ptime:${packet}`] : [line]))
    .join("\r\n");
}

/**
 * Return the other side's description as its answer to an offer that it never sees, and that changes nothing but how
 * this side codes its sound. Who began DTLS stays who began it.
 * @param {string} description
 * @param {number} packet milliseconds of sound in a packet
 */
export function answered(description, packet) {
  return asked(description, packet).replaceAll("a=setup:actpass", "a=setup:passive");
}

/**
 * Say whether a description may be taken.
 * @param {string} description
 */
export function isUsable(description) { return description.startsWith("v=0") && description.length <= LONGEST; }
