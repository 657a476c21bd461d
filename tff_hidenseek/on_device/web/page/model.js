// The trainable TFLite file in LiteRT.js: its signatures as functions of arrays.
// docs/on_device.md lists the signatures.

import {loadAndCompile, loadLiteRt, Tensor} from './litert/index.js';

const LEFT_OUT = -1;
let loading;

/** Loads LiteRT, once. */
function load() {
  const folder = new URL('./litert/wasm/', import.meta.url).href;
  // Else LiteRT's loader looks for its program beside the worker's.
  self.Module = {locateFile: (name) => folder + name};
  return loadLiteRt(folder);
}

/** Returns LiteRT's model of a file's bytes, run by WebAssembly. */
export async function openModel(content) {
  loading ??= load();
  await loading;
  return new Model(await loadAndCompile(content, {accelerator: 'wasm'}));
}

export class Model {
  constructor(compiled) {
    this.compiled = compiled;
    const {train, infer_batch: infer, get_votes: votes} = compiled.signatures;
    if (!infer) {
      throw new Error(
          'The model of this federation was made by an older version, ' +
          'without the signature infer_batch, which a page needs.');
    }
    const inputs = train.getInputDetails();
    const x = inputs.find(({name}) => name === 'x').shape;
    [this.batchSize, ...this.imageShape] = x;
    this.imageSize = this.imageShape.reduce((a, b) => a * b);
    this.numClasses = infer.getOutputDetails()[0].shape.at(-1);
    this.numVoteBytes = votes.getOutputDetails()[0].shape[0];
  }

  setTally(tally) {
    return this.run('set_tally', {tally: new Tensor(tally)});
  }

  setScores(scores) {
    return this.run('set_scores', {scores: new Tensor(scores)});
  }

  async getScores() {
    return (await this.run('get_scores', {})).scores;
  }

  async getVotes() {
    return (await this.run('get_votes', {})).votes;
  }

  /** Takes a step on the chosen of some examples; returns the loss. */
  async train(examples, chosen, learningRate) {
    const {x, y} = this.fillBatch(examples, chosen);
    const result = await this.run('train', {
      x: this.imageTensor(x),
      y: new Tensor(y),
      learning_rate: new Tensor(new Float32Array([learningRate]), []),
    });
    return result.loss[0];
  }

  /** Returns the logits of images, float32[n * numClasses]. */
  async infer(images) {
    const count = images.length / this.imageSize;
    const logits = new Float32Array(count * this.numClasses);
    for (let start = 0; start < count; start += this.batchSize) {
      const x = new Float32Array(this.batchSize * this.imageSize);
      const end = start + this.batchSize;
      x.set(images.subarray(start * this.imageSize, end * this.imageSize));
      const result = await this.run('infer_batch', {x: this.imageTensor(x)});
      const rest = logits.subarray(start * this.numClasses);
      rest.set(result.logits.subarray(0, rest.length));
    }
    return logits;
  }

  /** Returns the chosen examples, filled up to a batch with left-out ones. */
  fillBatch({x, y}, chosen) {
    const size = this.imageSize;
    const batch = {
      x: new Float32Array(this.batchSize * size),
      y: new Int32Array(this.batchSize).fill(LEFT_OUT),
    };
    chosen.forEach((example, place) => {
      batch.x.set(x.subarray(example * size, (example + 1) * size), place * size);
      batch.y[place] = y[example];
    });
    return batch;
  }

  imageTensor(images) {
    return new Tensor(images, [this.batchSize, ...this.imageShape]);
  }

  /** Runs a signature; LiteRT's memory is given back. */
  async run(signature, inputs) {
    let results = {};
    try {
      results = await this.compiled.run(signature, inputs);
      return Object.fromEntries(Object.entries(results).map(
          ([name, tensor]) => [name, tensor.toTypedArray().slice()]));
    } finally {
      for (const tensor of Object.values(inputs)) tensor.delete();
      for (const tensor of Object.values(results)) tensor.delete();
    }
  }
}
