// The dashboard: news of the federation, as figures, a plot and a table.

import {count, globalLine, listenToNews, percent} from './news.js';
import {plotAccuracies} from './plot.js';

const at = (id) => document.getElementById(id);

listenToNews((news) => {
  if (news) show(news);
  else at('doing').textContent = 'The server does not answer: trying again.';
});

function show(news) {
  const {rounds} = news;
  const learned = rounds.filter(({votes}) => votes);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  at('doing').textContent = news.is_over ?
      `The federation has ended after ${news.num_learned} rounds.` :
      `Round ${news.round} is open.`;
  at('progress').value = news.num_learned / news.num_rounds;
  const figures = {
    learned: `${news.num_learned} of ${news.num_rounds}`,
    accuracy: percent(learned.at(-1)?.accuracy),
    enrolled: count(news.enrolled),
    present: count(news.present),
    votes: count(sum(learned.map(({votes}) => votes))),
    bytes: count(sum(learned.map(({votes, up, down}) => votes * (up + down)))),
  };
  for (const [id, text] of Object.entries(figures)) at(id).textContent = text;
  plotAccuracies(at('plot'), [globalLine(news)],
      Math.max(news.num_rounds, rounds.at(-1)?.number ?? 1));
  at('rounds').replaceChildren(...[...rounds].reverse().map(writeRow));
}

function writeRow({number, votes, accuracy, down, up}) {
  const row = document.createElement('tr');
  const texts = votes ?
      [number, votes, percent(accuracy), count(down), count(up)] :
      [number, 'none', '–', '–', '–'];
  for (const text of texts) row.insertCell().textContent = text;
  return row;
}
