// The first layer's kept weights as pictures, one for each of its units.

const MAX_UNITS = 32;

/**
 * Draws the units of a layer.
 *
 * `layer` has the `shape` of its kernel, [height, width, channels, units], and
 * the `kept` places in it, rising.  `signs` has the signs `before` and `after`
 * the round, of these weights first of all.  Returns how many of them flipped.
 */
export function drawUnits(box, layer, {before, after}) {
  const [height, width, channels, units] = layer.shape;
  box.replaceChildren();
  const cells = [];
  for (let unit = 0; unit < Math.min(units, MAX_UNITS); unit++) {
    const picture = document.createElement('div');
    picture.className = 'unit';
    picture.style.setProperty('--columns', width * channels);
    cells.push(Array.from({length: height * width * channels}, () => {
      const cell = document.createElement('i');
      picture.append(cell);
      return cell;
    }));
    box.append(picture);
  }
  let flips = 0;
  layer.kept.forEach((place, i) => {
    const flipped = before[i] !== after[i];
    flips += flipped;
    const cell = cells[place % units]?.[Math.floor(place / units)];
    if (!cell) return;
    cell.className = after[i] ? 'plus' : 'minus';
    cell.classList.toggle('flipped', flipped);
  });
  return flips;
}
