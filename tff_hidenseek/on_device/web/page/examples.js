// Labelled images: {x: Float32Array of all pixels in [0, 1], y: Int32Array}.

const HEAD_NUMBERS = 4;

/** Reads a shard as the server sends it: four sizes, labels, images. */
export function readShard(content) {
  const {buffer, byteOffset} = content;
  const [count, ...shape] = new Uint32Array(buffer, byteOffset, HEAD_NUMBERS);
  const labels = byteOffset + 4 * HEAD_NUMBERS;
  return {
    y: new Int32Array(buffer, labels, count),
    x: new Float32Array(
        buffer, labels + 4 * count, count * shape.reduce((a, b) => a * b)),
  };
}

/** Returns no examples. */
export function none() {
  return {x: new Float32Array(0), y: new Int32Array(0)};
}

/** Returns some examples and others after them. */
export function join(some, others) {
  const joined = {
    x: new Float32Array(some.x.length + others.x.length),
    y: new Int32Array(some.y.length + others.y.length),
  };
  for (const name of ['x', 'y']) {
    joined[name].set(some[name]);
    joined[name].set(others[name], some[name].length);
  }
  return joined;
}
