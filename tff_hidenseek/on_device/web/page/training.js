// A client's part of a round: gradient descent from the server's tally.

/** Returns numbers in [0, 1), the same for the same seed (mulberry32). */
export function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns 0 ... count - 1 in random order (Fisher and Yates). */
export function permute(count, random) {
  const order = [...Array(count).keys()];
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * Trains for some epochs.  `beforeStep` is awaited before each step and told
 * how much of the work is done.  Returns the milliseconds of each step.
 */
export async function train(
    model, examples, {learningRate, numEpochs, seed}, beforeStep) {
  const random = makeRandom(seed);
  const count = examples.y.length;
  const numSteps = numEpochs * Math.ceil(count / model.batchSize);
  const times = [];
  for (let epoch = 0; epoch < numEpochs; epoch++) {
    const order = permute(count, random);
    for (let start = 0; start < count; start += model.batchSize) {
      await beforeStep(times.length / numSteps);
      const chosen = order.slice(start, start + model.batchSize);
      const begin = performance.now();
      await model.train(examples, chosen, learningRate);
      times.push(performance.now() - begin);
    }
  }
  return times;
}

/** Returns the part of the examples for which the right class is likeliest. */
export async function measureAccuracy(model, {x, y}) {
  const logits = await model.infer(x);
  const {numClasses} = model;
  let correct = 0;
  y.forEach((label, i) => {
    const scores = logits.subarray(i * numClasses, (i + 1) * numClasses);
    correct += findLargest(scores) === label;
  });
  return correct / y.length;
}

export function findLargest(values) {
  return values.indexOf(Math.max(...values));
}

/** Returns the probabilities of logits. */
export function softmax(logits) {
  const most = Math.max(...logits);
  const powers = [...logits].map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
