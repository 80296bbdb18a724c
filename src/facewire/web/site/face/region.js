// A turned square in a picture, cut out for a network (facewire/face/region.py).

/** @typedef {import("./picture.js").Picture} Picture */

/** A turned square: centre and side in pixels, angle in radians, positive clockwise as seen. */
export class SquareRegion {
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} side
   * @param {number} angle
   */
  constructor(x, y, side, angle) {
    this.x = x;
    this.y = y;
    this.side = side;
    this.angle = angle;
  }

  /** Return the same square at another side. @param {number} side */
  sized(side) { return new SquareRegion(this.x, this.y, side, this.angle); }

  /** Cosine and sine of the angle, times the side. */
  get axes() { return [this.side * Math.cos(this.angle), this.side * Math.sin(this.angle)]; }

  /**
   * Move points of the square, x and y in [0, 1], z in units of its side, to the picture.
   * @param {ArrayLike<number>} points 3 numbers each
   */
  toPicture(points) {
    const [cosine, sine] = this.axes, moved = new Float64Array(points.length);
    for (let at = 0; at < points.length; at += 3) {
      const x = points[at] - 0.5, y = points[at + 1] - 0.5;
      moved[at] = this.x + x * cosine - y * sine;
      moved[at + 1] = this.y + x * sine + y * cosine;
      moved[at + 2] = points[at + 2] * this.side;
    }
    return moved;
  }

  /**
   * Cut the square out, averaged first where it is much larger than `size`; outside, the border is repeated.
   * @param {Picture} picture
   * @param {number} size side of the result
   * @returns {Float32Array} [3, size, size] in [0, 1]
   */
  sample(picture, size) {
    const step = Math.max(1, Math.trunc(this.side / size));
    const { window, width, height, left, top } = this.window(picture, step);
    const [cosine, sine] = this.axes.map((axis) => axis / step);
    const [x, y] = [(this.x - left) / step - 0.5, (this.y - top) / step - 0.5];
    const plane = size * size, result = new Float32Array(3 * plane);
    for (let row = 0, to = 0; row < size; row++) {
      const down = (row + 0.5) / size - 0.5;
      for (let column = 0; column < size; column++, to++) {
        const right = (column + 0.5) / size - 0.5;
        const px = Math.min(Math.max(x + right * cosine - down * sine, 0), width - 1);
        const py = Math.min(Math.max(y + right * sine + down * cosine, 0), height - 1);
        const x0 = Math.floor(px), y0 = Math.floor(py), u = px - x0, v = py - y0;
        const next = x0 + 1 < width ? 3 : 0, below = y0 + 1 < height ? 3 * width : 0, at = 3 * (y0 * width + x0);
        for (let channel = 0; channel < 3; channel++) {
          const from = at + channel;
          const above = window[from] * (1 - u) + window[from + next] * u;
          const under = window[from + below] * (1 - u) + window[from + below + next] * u;
          result[channel * plane + to] = above * (1 - v) + under * v;
        }
      }
    }
    return result;
  }

  /**
   * Return the upright part of a picture that holds the square, averaged over step x step pixels, with its corner.
   * @param {Picture} picture
   * @param {number} step
   */
  window({ data, width, height }, step) {
    const reach = this.side * (Math.abs(Math.cos(this.angle)) + Math.abs(Math.sin(this.angle))) / 2 + 2 * step;
    const [left, right] = span(this.x, reach, width), [top, bottom] = span(this.y, reach, height);
    const columns = Math.ceil((right - left) / step), rows = Math.ceil((bottom - top) / step);
    const window = new Float32Array(3 * columns * rows);
    for (let row = 0, to = 0; row < rows; row++) {
      const [y0, y1] = [top + row * step, Math.min(top + (row + 1) * step, bottom)];
      for (let column = 0; column < columns; column++, to += 3) {
        const [x0, x1] = [left + column * step, Math.min(left + (column + 1) * step, right)];
        let red = 0, green = 0, blue = 0;
        for (let y = y0; y < y1; y++) {
          for (let x = x0, from = 4 * (y * width + x0); x < x1; x++, from += 4) {
            red += data[from];
            green += data[from + 1];
            blue += data[from + 2];
          }
        }
        const share = 1 / (255 * (y1 - y0) * (x1 - x0));
        window[to] = red * share;
        window[to + 1] = green * share;
        window[to + 2] = blue * share;
      }
    }
    return { window, width: columns, height: rows, left, top };
  }
}

/**
 * Clip [centre - reach, centre + reach] to [0, length], at least one pixel.
 * @param {number} centre
 * @param {number} reach
 * @param {number} length
 */
function span(centre, reach, length) {
  const low = Math.min(Math.max(Math.floor(centre - reach), 0), length - 1);
  return [low, Math.max(Math.min(Math.ceil(centre + reach), length), low + 1)];
}
