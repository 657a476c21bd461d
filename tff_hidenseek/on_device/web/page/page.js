// The page: shows what the worker tells, and asks it for what a visitor wants.

import {Drawing} from './drawing.js';
import {
  count, globalLine, listenToNews, milliseconds, percent,
} from './news.js';
import {readLabel, readPicture} from './pictures.js';
import {plotAccuracies} from './plot.js';
import {drawUnits} from './signs.js';
import {DATABASE} from './storage.js';
import {ask, end, listen} from './worker_calls.js';

const at = (id) => document.getElementById(id);
const state = {history: [], news: null};
const drawing = new Drawing(at('canvas'), classify);
let layer;

listen((changes) => {
  const hasLearned = 'numScores' in changes;
  Object.assign(state, changes);
  show();
  if (hasLearned) void showSigns();
});

// Another link of the same server changes nothing but what follows the #.
addEventListener('hashchange', () => location.reload());
listenToNews((news) => {
  state.news = news ?? state.news;
  show();
});
at('join').addEventListener('submit', (event) => {
  event.preventDefault();
  void takePart();
});
at('pause').addEventListener('click', () =>
  ask('setPaused', {isPaused: !state.isPaused}));
at('forget').addEventListener('click', forget);
at('clear').addEventListener('click', () => {
  drawing.clear();
  at('answer').textContent = '';
  at('bars').replaceChildren();
});
at('teach').addEventListener('submit', (event) => {
  event.preventDefault();
  void teach();
});
at('pictures').addEventListener('change', (event) =>
  addPictures(event.target.files));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  void addPictures(event.dataTransfer.files);
});
at('download').addEventListener('submit', (event) => {
  event.preventDefault();
  void download();
});
start();

async function start() {
  const token = decodeURIComponent(location.hash.slice(1));
  at('token').value = token;
  at('token-label').hidden = Boolean(token);
  show();
  try {
    if (await ask('remember')) {
      void showSigns();
      await takePart();
    }
  } catch (error) {
    fail(error);
  }
}

async function takePart() {
  at('join').hidden = true;
  try {
    await ask('takePart', {token: at('token').value.trim()});
  } catch (error) {
    at('join').hidden = false;
    fail(error);
  }
}

/** Forgets all that this browser keeps, and begins anew. */
function forget() {
  end();
  const request = indexedDB.deleteDatabase(DATABASE);
  request.onsuccess = () => location.reload();
}

function fail(error) {
  Object.assign(state, {trouble: error.message, doing: ''});
  show();
}

function show() {
  const {news} = state;
  at('doing').textContent = state.doing ? `${state.doing}.` : '';
  at('trouble').textContent = state.trouble || state.refused || '';
  at('progress').value = state.progress ?? 0;
  at('pause').hidden = at('forget').hidden = !state.isEnrolled;
  at('pause').textContent = state.isPaused ? 'Go on' : 'Pause';
  if (state.isPaused) at('doing').textContent = 'Paused.';
  const figures = {
    'round': news ? `${news.num_learned} of ${news.num_rounds}` : '–',
    'present': count(news?.present),
    'num-examples': count(state.numExamples),
    'before': percent(state.before),
    'after': percent(state.after),
    'global': percent(news?.rounds.at(-1)?.accuracy),
    'bytes-up': count(state.bytesUp),
    'bytes-down': count(state.bytesDown),
    'step-ms': milliseconds(state.stepMs),
    'overhead-ms': milliseconds(state.overheadMs),
    'num-own': count(state.numOwn),
    'runtime': state.runtime ? `Runs on ${state.runtime}.` : '',
  };
  if (state.numVotes) figures['num-votes'] = count(state.numVotes);
  for (const [id, text] of Object.entries(figures)) at(id).textContent = text;
  for (let label = at('label').length; label < state.numClasses; label++) {
    at('label').add(new Option(label));
  }
  showPlot();
}

function showPlot() {
  const {history, news} = state;
  const last = Math.max(
      news?.num_rounds ?? 1, ...history.map(({round}) => round));
  plotAccuracies(at('plot'), [
    {name: 'before', points: history.map((h) => [h.round, h.before])},
    {name: 'after', points: history.map((h) => [h.round, h.after])},
    ...news ? [globalLine(news)] : [],
  ], last);
}

async function showSigns() {
  try {
    layer ??= await ask('readLayer');
    const signs = await ask('readSigns');
    const flips = drawUnits(at('units'), layer, signs);
    const all = signs.after.filter((sign, i) => sign !== signs.before[i]).length;
    at('flips').textContent = `${count(flips)} of ${count(layer.kept.length)} ` +
        `signs of this layer flipped in the round, ${count(all)} of ` +
        `${count(signs.after.length)} of all.`;
    at('download').querySelector('button').disabled = false;
  } catch {
    at('flips').textContent = '';  // There was no round yet.
  }
}

/** Returns the drawing as the model wants it. */
function readDrawing() {
  if (!state.imageShape) throw new Error('Take part first.');
  if (drawing.isEmpty) throw new Error('Draw a digit first.');
  return drawing.read(state.imageShape);
}

async function classify() {
  try {
    const {global, own} = await ask('classify', {image: readDrawing()});
    const answer = (probabilities) => {
      const most = Math.max(...probabilities);
      return `${probabilities.indexOf(most)} (${percent(most)})`;
    };
    at('answer').textContent =
        `The global model says ${answer(global)}, yours ${answer(own)}.`;
    showBars(global, own);
  } catch (error) {
    at('answer').textContent = error.message;
  }
}

function showBars(global, own) {
  const head = document.createElement('div');
  head.innerHTML = '<b></b><b>global</b><b>yours</b>';
  at('bars').replaceChildren(head, ...global.map((probability, label) => {
    const row = document.createElement('div');
    row.append(String(label));
    for (const [name, value] of [['global', probability], ['own', own[label]]]) {
      const bar = document.createElement('i');
      bar.className = name;
      bar.style.setProperty('--part', value);
      row.append(bar);
    }
    return row;
  }));
}

async function teach() {
  try {
    const label = Number(at('label').value);
    await ask('addExample', {image: readDrawing(), label});
    drawing.clear();
    at('answer').textContent = `Kept as a ${label}, for the next round.`;
    at('bars').replaceChildren();
  } catch (error) {
    at('answer').textContent = error.message;
  }
}

/** Adds pictures to the own examples; a bad one is told, and left out. */
async function addPictures(files) {
  const kept = [];
  const wrong = [];
  for (const file of files) {
    try {
      if (!state.imageShape) throw new Error('Take part first');
      const label = readLabel(file);
      if (label === null || label >= state.numClasses) {
        throw new Error(`Its name must begin with 0 to ${state.numClasses - 1}`);
      }
      const image = await readPicture(file, state.imageShape);
      await ask('addExample', {image, label});
      kept.push(label);
    } catch (error) {
      wrong.push(` ${file.name}: ${error.message}.`);
    }
  }
  at('answer').textContent =
      `Pictures kept for the next round: ${kept.length}.${wrong.join('')}`;
}

async function download() {
  const flavour = at('flavour').value;
  const say = (sentence) => { at('download-said').textContent = sentence; };
  try {
    say(`Making the ${flavour} file.`);
    const content = await ask('writeFile', {flavour});
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([content]));
    link.download = `my_model_${flavour}.tflite`;
    link.click();
    URL.revokeObjectURL(link.href);
    say('');
  } catch (error) {
    say(error.message);
  }
}
