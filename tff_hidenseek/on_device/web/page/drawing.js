// A canvas to draw on with a finger, a pen or a mouse, and its picture as a model
// wants it: the ink, centred and scaled to the model's height and width.

import {scaleInk} from './ink.js';

const PEN = 0.09;

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
  read(shape) {
    const {canvas} = this;
    const pixels = this.context.getImageData(0, 0, canvas.width, canvas.height);
    const ink = Float32Array.from(
        {length: canvas.width * canvas.height},
        (_, i) => pixels.data[4 * i + 3] / 255);
    return scaleInk(ink, canvas.width, shape);
  }
}
