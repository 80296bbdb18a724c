// Kind and size of a picture from its first bytes, before anything decodes it: PNG, JPEG or WebP. Pure.

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const MOST_SEGMENTS = 64;  // of a JPEG before its size

/**
 * Return kind, width and height; null for anything else.
 * @param {Uint8Array} data
 * @returns {{mime: string, width: number, height: number} | null}
 */
export function pictureHead(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const word = (/** @type {number} */ at) => String.fromCharCode(...data.subarray(at, at + 4));
  try {
    if (PNG.every((byte, at) => data[at] === byte)) return { mime: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
    if (data[0] === 0xff && data[1] === 0xd8) return jpeg(view);
    return word(0) === "RIFF" && word(8) === "WEBP" ? webp(view, word(12)) : null;
  } catch (error) {
    if (error instanceof RangeError) return null;  // it ends before its size
    throw error;
  }
}

/** @param {DataView} view */
function jpeg(view) {
  let at = 2;
  for (let segment = 0; segment < MOST_SEGMENTS && view.getUint8(at) === 0xff; segment++) {
    const kind = view.getUint8(at + 1);
    const isSize = kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);
    if (isSize) return { mime: "image/jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/**
 * @param {DataView} view
 * @param {string} kind of the first chunk
 */
function webp(view, kind) {
  const mime = "image/webp";
  if (kind === "VP8 ") return { mime, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return { mime, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  const three = (/** @type {number} */ at) => view.getUint8(at) | (view.getUint16(at + 1, true) << 8);
  return kind === "VP8X" ? { mime, width: three(24) + 1, height: three(27) + 1 } : null;
}
