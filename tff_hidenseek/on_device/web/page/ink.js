// Ink on a square picture, float32 in [0, 1], as a model wants it.

const MARGIN = 0.08;
const IS_INK = 0.5;

/** Returns the ink centred, as float32[height * width * channels]. */
export function scaleInk(ink, size, shape) {
  return shrink(ink, size, findBox(ink, size), shape);
}

/** Returns the square around the ink of a square picture. */
function findBox(ink, size) {
  let [left, right, top, bottom] = [size, 0, size, 0];
  ink.forEach((value, i) => {
    if (value < IS_INK) return;
    const [x, y] = [i % size, Math.floor(i / size)];
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  });
  const side = Math.max(right - left, bottom - top) * (1 + 2 * MARGIN);
  return {
    left: (left + right - side) / 2, top: (top + bottom - side) / 2, side,
  };
}

/** Returns the mean ink of the box under each pixel of a smaller picture. */
function shrink(ink, size, {left, top, side}, [height, width, channels]) {
  const image = new Float32Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x0, x1] = [column, column + 1].map(
          (c) => Math.round(left + c * side / width));
      const [y0, y1] = [row, row + 1].map(
          (r) => Math.round(top + r * side / height));
      let sum = 0;
      for (let y = Math.max(y0, 0); y < Math.min(y1, size); y++) {
        for (let x = Math.max(x0, 0); x < Math.min(x1, size); x++) {
          sum += ink[y * size + x];
        }
      }
      const mean = sum / Math.max(1, (x1 - x0) * (y1 - y0));
      image.fill(mean, (row * width + column) * channels,
          (row * width + column + 1) * channels);
    }
  }
  return image;
}
