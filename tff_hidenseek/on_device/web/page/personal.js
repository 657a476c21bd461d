// What a visitor may do with the models: ask them, see their signs, take the own
// one along.  They are run in a second copy, so that training is not disturbed.

import {openModel} from './model.js';
import {softmax} from './training.js';

const TRAINABLE = 'trainable';

export class Personal {
  constructor(storage) {
    this.storage = storage;
    this.last = Promise.resolve();
  }

  /** Returns what the global and the own model say of an image. */
  classify(image) {
    return this.inTurn(async () => {
      const {model, scores, tally} = await this.open();
      await model.setTally(tally);
      const global = softmax(await model.infer(image));
      await model.setScores(scores);
      return {global, own: softmax(await model.infer(image))};
    });
  }

  /** Returns the shape and the kept places of the first layer; see signs.js. */
  async readLayer(connection) {
    let layer = await this.storage.read('layer');
    if (!layer) {
      layer = await connection.fetchFirstLayer();
      await this.storage.write({layer});
    }
    return layer;
  }

  /** Returns whether each score is at least 0: at the round's start, and now. */
  readSigns() {
    return this.inTurn(async () => {
      const {model, scores, tally} = await this.open();
      await model.setTally(tally);
      const before = await model.getScores();
      return {
        before: Uint8Array.from(before, (score) => score >= 0),
        after: Uint8Array.from(scores, (score) => score >= 0),
      };
    });
  }

  /**
   * Returns the own file of a flavour: the trainable one, which starts from the
   * own scores, or an exported one of the server's, with the own signs.
   */
  async writeFile(flavour, connection) {
    const exported = flavour === TRAINABLE ?
        null : await connection.fetchOwnFile(flavour);
    return this.inTurn(async () => {
      const {content, scores} = await this.open();
      if (exported) return writeSigns(exported, scores);
      // A fresh copy: the scores with which the file itself starts.
      const first = await (await openModel(content)).getScores();
      return replaceOnce(content, toBytes(first), toBytes(scores));
    });
  }

  async open() {
    const [content, scores, tally] = await Promise.all(
        ['model', 'scores', 'tally'].map((name) => this.storage.read(name)));
    if (!scores) throw new Error('Take part in a round first.');
    this.model ??= await openModel(content);
    return {content, scores, tally, model: this.model};
  }

  /** Runs one task after another: they set the scores of one model. */
  inTurn(task) {
    const result = this.last.then(task);
    this.last = result.catch(() => {});
    return result;
  }
}

/**
 * Returns the file at the end of what the server sent, with the signs of scores.
 * Before it, for each score, are the place of a byte in the file, and what this
 * is XORed with where the score is below 0.
 */
function writeSigns({buffer}, scores) {
  const count = scores.length;
  const places = new Uint32Array(buffer, 0, count);
  const masks = new Uint8Array(buffer, 4 * count, count);
  const file = new Uint8Array(buffer, 5 * count);
  scores.forEach((score, i) => {
    if (!(score >= 0)) file[places[i]] ^= masks[i];
  });
  return file.slice();
}

function toBytes(numbers) {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** Returns bytes in which what is there once is replaced by as many others. */
function replaceOnce(content, old, others) {
  const place = find(content, old, 0);
  if (place < 0 || find(content, old, place + 1) >= 0) {
    throw new Error('The scores are not in the model once.');
  }
  const changed = content.slice();
  changed.set(others, place);
  return changed;
}

function find(content, part, start) {
  for (let i = content.indexOf(part[0], start); i >= 0;
       i = content.indexOf(part[0], i + 1)) {
    if (part.every((byte, j) => content[i + j] === byte)) return i;
  }
  return -1;
}
