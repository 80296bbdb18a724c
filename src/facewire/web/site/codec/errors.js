// Every failure that bytes can cause, as one tree; the classes are those of facewire/base/errors.py.

/** Root of the tree. */
export class FacewireError extends Error {
  /** @param {string} text */
  constructor(text) {
    super(text);
    this.name = new.target.name;
  }
}

/** Coding tables that break a rule of docs/bitstream.md section 3. */
export class TablesError extends FacewireError {}

/** Coded bytes cannot be decoded; `offset` is where, in bytes from the start of the stream or packet. */
export class BitstreamError extends FacewireError {
  /**
   * @param {number} offset
   * @param {string} problem
   */
  constructor(offset, problem) {
    super(`byte ${offset}: ${problem}`);
    this.offset = offset;
    this.problem = problem;
  }
}

/** The bytes do not begin like a Facewire stream. */
export class NotAStream extends BitstreamError {
  /**
   * @param {number} offset
   * @param {string} [problem]
   */
  constructor(offset, problem = "this is not a Facewire stream: check the file") {
    super(offset, problem);
  }
}

/** The stream uses something that this version does not know. */
export class UnsupportedVersion extends BitstreamError {
  /**
   * @param {number} offset
   * @param {string} what
   */
  constructor(offset, what) {
    super(offset, `${what} is not known here: a newer Facewire is needed`);
  }
}

/** The stream names coding tables that are not held. */
export class UnknownTable extends BitstreamError {
  /**
   * @param {number} offset
   * @param {number} table
   * @param {string} digest hexadecimal
   */
  constructor(offset, table, digest) {
    super(offset, `coding tables ${table} with hash ${digest} are not here: get the model it was coded with`);
  }
}

/** The bytes end too early; everything before the cut has been delivered. */
export class TruncatedStream extends BitstreamError {
  /**
   * @param {number} offset
   * @param {string} [problem]
   */
  constructor(offset, problem = "the stream ends too early: get the rest of it") {
    super(offset, problem);
  }
}

/** The bytes break a rule of the format, or a checksum does not fit. */
export class CorruptPacket extends BitstreamError {}

/** A packet builds on a frame or source that is not held. */
export class MissingReference extends BitstreamError {
  /**
   * @param {number} offset
   * @param {number} reference
   * @param {string} [kind]
   */
  constructor(offset, reference, kind = "frame") {
    super(offset, `${kind} ${reference}, on which this packet builds, is not here: ask for a new one`);
    this.reference = reference;
  }
}

/**
 * Return an error of a piece as one of the stream in which the piece begins at `offset`.
 * @template {BitstreamError} Problem
 * @param {Problem} error
 * @param {number} offset
 * @returns {Problem}
 */
export function moved(error, offset) {
  error.offset += offset;
  error.message = `byte ${error.offset}: ${error.problem}`;
  return error;
}
