// Pictures from files, as a model wants them.

import {scaleInk} from './ink.js';

const SIZE = 280;

/**
 * Reads a picture as float32[height * width * channels] in [0, 1].
 *
 * For a model of grey images it is ink on paper, whichever of them is dark, and
 * is centred; for one of coloured images it is the middle of the picture.
 */
export async function readPicture(file, shape) {
  const [height, width, channels] = shape;
  const isGrey = channels === 1;
  const pixels = await readPixels(file, isGrey ? [SIZE, SIZE] : [width, height]);
  if (!isGrey) {
    return Float32Array.from(
        {length: height * width * channels},
        (_, i) => pixels[4 * Math.floor(i / channels) + i % channels] / 255);
  }
  const light = Float32Array.from(
      {length: SIZE * SIZE},
      (_, i) => (pixels[4 * i] + pixels[4 * i + 1] + pixels[4 * i + 2]) / 765);
  // There is more paper than ink.
  const mean = light.reduce((a, b) => a + b) / light.length;
  return scaleInk(mean > 0.5 ? light.map((l) => 1 - l) : light, SIZE, shape);
}

/** Returns the label with which a file's name begins; `null` if it has none. */
export function readLabel(file) {
  const found = /^(\d+)(?!\d)/.exec(file.name);
  return found && Number(found[1]);
}

/** Returns the red, green, blue and alpha of a picture's middle. */
async function readPixels(file, [width, height]) {
  const bitmap = await createImageBitmap(file);
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.fillStyle = 'white';  // Under what is transparent.
  context.fillRect(0, 0, width, height);
  const side = Math.min(bitmap.width, bitmap.height);
  context.drawImage(
      bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side,
      0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}
