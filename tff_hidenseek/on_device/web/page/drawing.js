// A canvas to draw on with a finger, a pen or a mouse, and its picture as a model
// wants it: the ink, centred and scaled to the model's height and width.

const PEN = 0.09;
const MARGIN = 0.08;

export class Drawing {
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d', {willReadFrequently: true});
    this.onChange = onChange;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.last = this.locate(event);
      this.drawTo(this.last);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.last) this.drawTo(this.locate(event));
    });
    for (const name of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(name, () => {
        if (this.last) this.onChange();
        this.last = null;
      });
    }
    this.clear();
  }

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.isEmpty = true;
  }

  locate(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: (event.clientX - box.left) / box.width * this.canvas.width,
      y: (event.clientY - box.top) / box.height * this.canvas.height,
    };
  }

  drawTo(place) {
    const {context, canvas} = this;
    context.strokeStyle = 'black';  // The style inverts it where it is dark.
    context.lineWidth = PEN * canvas.width;
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    context.moveTo(this.last.x, this.last.y);
    context.lineTo(place.x, place.y);
    context.stroke();
    this.last = place;
    this.isEmpty = false;
  }

  /** Returns the ink as float32[height * width * channels] in [0, 1]. */
  read([height, width, channels]) {
    const {canvas} = this;
    const pixels = this.context.getImageData(0, 0, canvas.width, canvas.height);
    const ink = Float32Array.from(
        {length: canvas.width * canvas.height},
        (_, i) => pixels.data[4 * i + 3] / 255);
    return shrink(ink, canvas.width, findBox(ink, canvas.width),
        height, width, channels);
  }
}

/** Returns the square around the ink of a square picture. */
function findBox(ink, size) {
  let [left, right, top, bottom] = [size, 0, size, 0];
  ink.forEach((value, i) => {
    if (value < 0.5) return;
    const [x, y] = [i % size, Math.floor(i / size)];
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  });
  const side = Math.max(right - left, bottom - top) * (1 + 2 * MARGIN);
  return {
    left: (left + right - side) / 2, top: (top + bottom - side) / 2, side,
  };
}

/** Returns the mean ink of the box under each pixel of a smaller picture. */
function shrink(ink, size, {left, top, side}, height, width, channels) {
  const image = new Float32Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x0, x1] = [column, column + 1].map(
          (c) => Math.round(left + c * side / width));
      const [y0, y1] = [row, row + 1].map(
          (r) => Math.round(top + r * side / height));
      let sum = 0;
      for (let y = Math.max(y0, 0); y < Math.min(y1, size); y++) {
        for (let x = Math.max(x0, 0); x < Math.min(x1, size); x++) {
          sum += ink[y * size + x];
        }
      }
      const mean = sum / Math.max(1, (x1 - x0) * (y1 - y0));
      image.fill(mean, (row * width + column) * channels,
          (row * width + column + 1) * channels);
    }
  }
  return image;
}
