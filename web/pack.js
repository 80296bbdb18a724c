// `npm pack`: puts the modules and the coding tables of the Python package beside package.json, and takes them away.

import { cp, rm } from "node:fs/promises";

const PACKAGE = new URL("../src/facewire/", import.meta.url);
const PIECES = {
  codec: "web/site/codec",
  motion: "web/site/motion",
  face: "web/site/face",
  networks: "web/site/networks",
  render: "web/site/render",
  protocol: "web/site/protocol",
  line: "web/site/line",
  call: "web/site/call",
  meeting: "web/site/meeting",
  tables: "codec/tables",
  LICENSE: "../../LICENSE",
};

for (const [name, from] of Object.entries(PIECES)) {
  const to = new URL(name, import.meta.url);
  if (process.argv[2] === "remove") {
    await rm(to, { recursive: true, force: true });
  } else {
    await cp(new URL(from, PACKAGE), to, { recursive: true, filter: (path) => !/\.py$|__pycache__/.test(path) });
  }
}
