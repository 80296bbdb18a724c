// What lies beside the pages of `facewire web`: its manifest, and coding tables as they are asked for.

import { Shelf } from "../codec/index.js";

/**
 * Of the manifest, what pages ask for.
 * @typedef {{weights: string, resolution: number, keypoints: number, signal: string}} Manifest
 */

/** The folder that pages were loaded from. */
export class Site {
  /** @param {string} base its address */
  constructor(base) {
    this.base = base;
    /** @type {Promise<{manifest: Manifest, shelf: Shelf}> | null} */
    this.held = null;
  }

  /** Return manifest and tables, loaded once, and again where that failed. */
  opened() {
    this.held ??= this.load().catch((error) => {
      this.held = null;
      throw error;
    });
    return this.held;
  }

  async load() {
    if (!isSecureContext) throw new Error("this page must be opened with https, or on this computer: browsers want that");
    const [manifest, tables] = await Promise.all(["manifest.json", "tables/manifest.json"].map((path) => this.json(path)));
    return { manifest, shelf: new Shelf(tables, (name) => this.bytes(`tables/${name}`)) };
  }

  /** @param {string} path */
  async json(path) { return JSON.parse(new TextDecoder().decode(await this.bytes(path))); }

  /** @param {string} path */
  async bytes(path) {
    const response = await fetch(new URL(path, this.base)).catch(() => null);
    if (!response?.ok) throw new Error(`${path} could not be loaded: check the connection`);
    return new Uint8Array(await response.arrayBuffer());
  }
}
