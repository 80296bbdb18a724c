// The receiver: everything that other rooms use.

export { Receiver } from "./receiver.js";
export { Renderer } from "./renderer.js";
export { FetchError, fetched } from "./store.js";
