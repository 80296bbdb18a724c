// One clock for pages and their workers.

/** Return the moment, seconds since 1970, with fractions that never go back. */
export function clock() { return (performance.timeOrigin + performance.now()) / 1000; }
