// A plot of accuracies over rounds, as SVG that scales with its box.

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [400, 200];
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 8, 10, 28];
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/**
 * Draws lines into an <svg>.
 *
 * Each line has a `name`, which is its class too, and `points`, [round,
 * accuracy].  What it shows is said in words in the plot's label.
 */
export function plotAccuracies(svg, lines, numRounds) {
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('role', 'img');
  svg.replaceChildren();
  const x = (round) => LEFT + (WIDTH - LEFT - RIGHT) *
      (numRounds > 1 ? (round - 1) / (numRounds - 1) : 0.5);
  const y = (accuracy) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - accuracy);
  for (const tick of TICKS) {
    add(svg, 'line', {class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick),
      y2: y(tick)});
    add(svg, 'text', {x: LEFT - 6, y: y(tick) + 4, 'text-anchor': 'end'},
        `${100 * tick}%`);
  }
  for (const [round, anchor] of [[1, 'start'], [numRounds, 'end']]) {
    add(svg, 'text', {x: x(round), y: HEIGHT - 8, 'text-anchor': anchor},
        round === 1 ? 'round 1' : String(round));
  }
  const words = [];
  for (const {name, points} of lines) {
    if (!points.length) continue;
    const path = points.map(([round, value]) => `${x(round)},${y(value)}`);
    add(svg, 'polyline', {class: `line ${name}`, points: path.join(' ')});
    for (const [round, value] of points) {
      add(svg, 'circle', {class: name, cx: x(round), cy: y(value), r: 2.5});
    }
    const [round, last] = points.at(-1);
    words.push(`${name}: ${(100 * last).toFixed(1)} % in round ${round}`);
  }
  svg.setAttribute('aria-label',
      words.length ? `Accuracy over rounds. ${words.join('; ')}.` :
          'Accuracy over rounds; there is none yet.');
}

function add(svg, name, attributes, text = '') {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.textContent = text;
  svg.append(element);
}
