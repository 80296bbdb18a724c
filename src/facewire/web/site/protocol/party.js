// What both sides of a connection must agree on, and what this one wants (facewire/call/conversation/party.py).

import { PEER_VERSION } from "./peer_messages.js";

const INSTALL = "one of the two is older: load the page again, or install the same Facewire";

/**
 * `model` and `tableHash` in hexadecimal, 16 digits; `shows`: side of the largest face that this side shows, pixels.
 * @typedef {object} Party
 * @property {string} model
 * @property {import("../codec/tables.js").CodecTables} tables
 * @property {string} tableHash
 * @property {number} size side of the networks' pictures
 * @property {number} shows
 * @property {boolean} trailer face bytes behind sound packets are understood
 * @property {boolean} thin thin mode is wanted
 */

/**
 * Return the greeting.
 * @param {Party} party
 * @param {boolean} avatar
 * @param {string} holds SHA-256 of the photo of the other side that is still held, or ""
 */
export function greeting({ model, tables, tableHash, size, shows, trailer }, avatar, holds) {
  const { id: table, keypoints } = tables;
  return { model, table, table_hash: tableHash, size, shows, keypoints, trailer, avatar, holds };
}

/**
 * Return why a conversation with the sender of this greeting is not possible, or an empty text.
 * @param {Party} party
 * @param {Record<string, any>} hello
 */
export function obstacle(party, hello) {
  const own = greeting(party, false, "");
  if (hello.version !== PEER_VERSION) {
    return `the other side speaks version ${hello.version}, this one ${PEER_VERSION}: ${INSTALL}`;
  }
  if (hello.model !== own.model) {
    return `the other side uses weights ${hello.model}, this page ${own.model}: use the same weights on both sides`;
  }
  const same = ["table", "table_hash", "keypoints", "size"].every((name) => hello[name] === own[name]);
  return same ? "" : `the other side uses other coding tables: ${INSTALL}`;
}
