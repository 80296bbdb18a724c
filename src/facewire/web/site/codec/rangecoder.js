// A range coder on 32-bit integers (docs/bitstream.md section 6.1). Products stay below 2^33, exact in a double.

const TOP = 0xffffffff;
const REFILL = 2 ** 24;  // below this the range is too coarse for 16-bit totals, and a byte moves on
const SCALE = 2 ** 16;

/** Collects symbols and returns their bytes. */
export class RangeEncoder {
  constructor() {
    this.low = 0;
    this.range = TOP;
    /** @type {number[]} */
    this.out = [];
  }

  /**
   * Add the symbol [start, start + size) of 2^bits, size >= 1, bits <= 16.
   * @param {number} start
   * @param {number} size
   * @param {number} [bits]
   */
  encode(start, size, bits = 16) {
    const scale = this.range >>> bits;
    let width = scale * size;
    let low = this.low + scale * start;
    if (low > TOP) {
      low -= TOP + 1;
      this.carry();
    }
    while (width < REFILL) {
      this.out.push(low >>> 24);
      low = (low << 8) >>> 0;
      width *= 256;
    }
    this.low = low;
    this.range = width;
  }

  /**
   * Return the bytes; the encoder must not be used afterwards.
   * @returns {Uint8Array}
   */
  finish() {
    let count = 0;
    let value = 0;
    for (; count < 5; count++) {
      const step = 2 ** (32 - 8 * count);
      value = Math.ceil(this.low / step) * step;
      if (value < this.low + this.range) break;
    }
    if (value > TOP) this.carry();
    for (let index = 0; index < count; index++) this.out.push((value >>> (24 - 8 * index)) & 0xff);
    while (this.out.length && this.out[this.out.length - 1] === 0) this.out.pop();
    return Uint8Array.from(this.out);
  }

  /** Add 1 to the number written so far; one of its bytes is below 0xFF, for low + range has a limit. */
  carry() {
    let at = this.out.length - 1;
    while (this.out[at] === 0xff) this.out[at--] = 0;
    this.out[at]++;
  }
}

/** Returns the symbols of a RangeEncoder; any bytes give some symbols. */
export class RangeDecoder {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    /** Bytes looked at so far; more than there are once zeros behind the end were used. */
    this.position = 0;
    this.range = TOP;
    this.code = 0;
    for (let index = 0; index < 4; index++) this.code = this.code * 256 + this.next();
  }

  /** Information taken out so far, bits. */
  get bits() { return 8 * this.position - Math.log2(this.range); }

  /**
   * Return the index of the next symbol of a table: 0, increasing, 2^16.
   * @param {ArrayLike<number>} cdf
   * @returns {number}
   */
  decode(cdf) {
    const scale = this.range >>> 16;
    const target = Math.min(Math.floor(this.code / scale), SCALE - 1);
    let low = 0;
    let high = cdf.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (cdf[middle] <= target) low = middle;
      else high = middle;
    }
    this.narrow(scale, cdf[low], cdf[low + 1] - cdf[low]);
    return low;
  }

  /**
   * Return a number of `count` plain bits, 1 to 16.
   * @param {number} count
   * @returns {number}
   */
  decodeBits(count) {
    const scale = this.range >>> count;
    const value = Math.min(Math.floor(this.code / scale), 2 ** count - 1);
    this.narrow(scale, value, 1);
    return value;
  }

  /**
   * @param {number} scale
   * @param {number} start
   * @param {number} size
   */
  narrow(scale, start, size) {
    this.code -= scale * start;
    this.range = scale * size;
    while (this.range < REFILL) {
      this.code = ((this.code << 8) | this.next()) >>> 0;
      this.range *= 256;
    }
  }

  next() {
    const byte = this.position < this.data.length ? this.data[this.position] : 0;
    this.position++;
    return byte;
  }
}
