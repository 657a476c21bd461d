// The worker's tasks as functions of the page.

const worker = new Worker(new URL('./worker.js', import.meta.url));
const waiting = new Map();
let nextId = 0;
let hear = () => {};

worker.onmessage = ({data: {id, state, result, error}}) => {
  if (state) {
    hear(state);
    return;
  }
  const {resolve, reject} = waiting.get(id);
  waiting.delete(id);
  if (error === undefined) resolve(result);
  else reject(new Error(error));
};
worker.onerror = (event) => hear({trouble: `The worker failed: ${event.message}`});

/** Does a task of worker.js; returns its result. */
export function ask(name, values = {}) {
  return new Promise((resolve, reject) => {
    waiting.set(nextId, {resolve, reject});
    worker.postMessage({id: nextId++, name, values});
  });
}

/** Has a function told what changes of the client's state. */
export function listen(listener) {
  hear = listener;
}

/** Ends the worker, and with it what it does. */
export function end() {
  worker.terminate();
}
