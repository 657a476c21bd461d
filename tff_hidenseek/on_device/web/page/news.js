// News of the federation, which the server sends as they happen.

/**
 * Calls a function with what is new, and with `null` while there is no line.
 *
 * After the last round the server ends, and that is no trouble to tell.
 */
export function listenToNews(hear) {
  let isOver = false;
  const source = new EventSource('/v1/news');
  source.onmessage = ({data}) => {
    const news = JSON.parse(data);
    isOver = news.is_over;
    hear(news);
  };
  source.onerror = () => {
    if (!isOver) hear(null);
  };
}

/** Returns the accuracies of the global model as a line of a plot. */
export function globalLine({rounds}) {
  const points = rounds
      .filter(({votes, accuracy}) => votes && accuracy !== null)
      .map(({number, accuracy}) => [number, accuracy]);
  return {name: 'global', points};
}

export function percent(accuracy) {
  return accuracy == null ? '–' : `${(100 * accuracy).toFixed(1)} %`;
}

export function milliseconds(duration) {
  return duration == null ? '–' : `${Number(duration.toPrecision(2))} ms`;
}

export function count(number) {
  return number == null ? '–' : number.toLocaleString('en');
}
