// The receiver: everything that other rooms use.

export { FetchError } from "../networks/store.js";
export { Receiver } from "./receiver.js";
export { Renderer } from "./renderer.js";
