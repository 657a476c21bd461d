// A client's part in a federation, from enrolling to the last round.  All that it
// must not lose is in the browser's storage; what it does, it tells.

import {join, none, readShard} from './examples.js';
import {openModel} from './model.js';
import {Connection, digest, drawSecret, Refusal} from './protocol.js';
import {measureAccuracy, train} from './training.js';

const LOCK = 'hidenseek';

export class Client {
  /** `tell` is called with what has changed of the state that a page shows. */
  constructor(storage, tell) {
    this.storage = storage;
    this.tell = tell;
    this.connection = new Connection((trouble) => tell({trouble}));
    this.isPaused = false;
    this.wake = () => {};
  }

  /** Tells what is kept of an earlier visit; returns whether anything is. */
  async remember() {
    const kept = await this.storage.read('client');
    this.own = await this.storage.read('own') ?? none();
    this.tell({numOwn: this.own.y.length});
    if (!kept) return false;
    this.isPaused = kept.isPaused;
    this.tell({...kept.shown, isPaused: kept.isPaused});
    return true;
  }

  /** Takes part until the federation ends; one tab of a browser may. */
  async takePart(token) {
    await navigator.locks.request(LOCK, {ifAvailable: true}, async (lock) => {
      if (!lock) {
        throw new Error('Another tab of this browser takes part already.');
      }
      await this.enrol(token);
      await this.checkRounds();
      await this.loadModel();
      await this.loadExamples();
      await this.learn();
    });
  }

  async enrol(token) {
    this.tell({doing: 'Enrolling'});
    this.description = await this.connection.describe();
    const {model, num_votes: numVotes} = this.description;
    let kept = await this.storage.read('client');
    if (kept?.model !== model) {
      // Before the server hears of it: a lost answer enrols nobody anew.
      kept = {secret: drawSecret(), model, voted: 0, shown: {history: []},
        isPaused: false};
      await this.storage.clear();
      await this.storage.write({client: kept, own: this.own});
    }
    this.kept = kept;
    const number = await this.connection.enrol(token, kept.secret);
    this.connection.identify(kept.secret, model);
    this.show({client: number, numVotes, isEnrolled: true});
  }

  /** Begins anew if the server does: a model may be that of another run. */
  async checkRounds() {
    const round = await this.connection.nextRound(0);
    if (round && round.number < this.kept.voted) {
      Object.assign(this.kept, {voted: 0, shown: {history: []}});
      await this.storage.write({
        client: this.kept, shard: undefined, scores: undefined,
        tally: undefined,
      });
      this.tell(this.kept.shown);
    }
  }

  async loadModel() {
    this.tell({doing: 'Loading the model'});
    let content = await this.storage.read('model');
    if (!content) {
      content = await this.connection.fetchModel();
      if (await digest(content) !== this.description.model) {
        throw new Error('The server sent another model than it describes.');
      }
      await this.storage.write({model: content});
    }
    this.model = await openModel(content);
    this.tell({
      runtime: 'LiteRT.js on WebAssembly',
      imageShape: this.model.imageShape,
      numClasses: this.model.numClasses,
    });
  }

  async loadExamples() {
    this.tell({doing: 'Loading examples'});
    this.shard = await this.storage.read('shard');
    if (!this.shard) {
      try {
        this.shard = readShard(await this.connection.fetchExamples());
      } catch (error) {
        if (error.status !== 404) throw error;
        this.shard = none();
      }
      await this.storage.write({shard: this.shard});
    }
  }

  async learn() {
    for (;;) {
      this.tell({doing: 'Waiting for the next round'});
      await this.waitWhilePaused();
      const round = await this.connection.nextRound(this.kept.voted);
      if (!round) break;
      const examples = join(this.shard, this.own);
      if (!examples.y.length) {
        this.tell({doing: 'Draw a digit and say which it is, to train on it'});
        await new Promise((resolve) => { this.wake = resolve; });
        continue;
      }
      try {
        await this.takeRound(round, examples);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (error.status === 401) throw error;
        this.tell({refused: error.message});
        await this.remain(round.number);
      }
    }
    this.tell({doing: 'The federation has ended', isOver: true});
  }

  async takeRound({number, tally}, examples) {
    const start = performance.now();
    await this.model.setTally(tally);
    const before = await measureAccuracy(this.model, examples);
    this.tell({
      doing: `Training in round ${number}`, refused: '',
      round: number, before, after: null,
    });
    const seed = this.kept.secret.slice(0, 4).reduce(
        (sum, byte) => 256 * sum + byte, 0);
    const times = await train(this.model, examples, {
      learningRate: this.description.learning_rate,
      numEpochs: this.description.num_epochs,
      seed: seed ^ Math.imul(number, 0x9e3779b1),
    }, async (done) => {
      this.tell({progress: done});
      await breathe();
      await this.waitWhilePaused();
    });
    this.tell({progress: 1, doing: `Voting in round ${number}`});
    await this.connection.vote(number, await this.model.getVotes());
    const after = await measureAccuracy(this.model, examples);
    const scores = await this.model.getScores();
    const trained = times.reduce((a, b) => a + b, 0);
    this.show({
      round: number, before, after,
      numExamples: examples.y.length,
      stepMs: times.toSorted((a, b) => a - b)[times.length >> 1],
      overheadMs: performance.now() - start - trained,
      history: [...this.kept.shown.history, {round: number, before, after}],
    });
    await this.remain(number, {scores, tally});
  }

  /** Adds to what the page shows, now and when it is opened again. */
  show(values) {
    const {bytesUp, bytesDown} = this.connection;
    const {shown} = this.kept;
    this.connection.bytesUp = this.connection.bytesDown = 0;
    Object.assign(shown, values, {
      bytesUp: (shown.bytesUp ?? 0) + bytesUp,
      bytesDown: (shown.bytesDown ?? 0) + bytesDown,
    });
    this.tell(shown);
  }

  /** Keeps that a round is done with, and what was learned in it. */
  async remain(voted, learned = {}) {
    this.kept.voted = voted;
    await this.storage.write({client: this.kept, ...learned});
    this.tell({numScores: learned.scores?.length});
  }

  async addExample(image, label) {
    this.own = join(this.own, {x: image, y: [label]});
    await this.storage.write({own: this.own});
    this.tell({numOwn: this.own.y.length});
    this.wake();
  }

  async setPaused(isPaused) {
    this.isPaused = isPaused;
    if (this.kept) {
      this.kept.isPaused = isPaused;
      await this.storage.write({client: this.kept});
    }
    this.tell({isPaused});
    this.wake();
  }

  async waitWhilePaused() {
    while (this.isPaused) {
      await new Promise((resolve) => { this.wake = resolve; });
    }
  }
}

/** Lets the worker hear its page, without the 4 ms that a timer waits. */
function breathe() {
  return new Promise((resolve) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
