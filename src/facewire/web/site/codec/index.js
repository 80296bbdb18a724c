// The codec of docs/bitstream.md: everything that other rooms use.

export { hex } from "./bytes.js";
export { Bank } from "./bank.js";
export { FileDecoder, StreamDecoder } from "./decoder.js";
export { FileEncoder, StreamEncoder } from "./encoder.js";
export * from "./errors.js";
export { FILE, RAW, STREAM } from "./header.js";
export { MIME_NONE, MIME_TYPES } from "./sections.js";
export { motionFrame } from "./state.js";
export { Shelf, parseTables } from "./tables.js";
export { TalkReader, TalkWriter, openTalk, talkHeader } from "./talk.js";
