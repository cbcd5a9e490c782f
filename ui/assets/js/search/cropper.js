// Shows the dialog in which a rectangle of a picture is chosen, with the pointer or in numbers.

import { createDialog } from '../shared/dialogs.js';
import { button, el } from '../shared/dom.js';
import { phrase } from '../shared/language.js';

/** In the order in which a crop lists them, as fractions. */
const SIDES = ['left', 'top', 'width', 'height'];
const WHOLE = [0, 0, 1, 1];
const SMALLEST = 0.01;

const within = (value, lowest, highest) => Math.min(highest, Math.max(lowest, value));

/** The crop that comes nearest to what is wanted, always inside the picture. */
const nearest = ([left, top, width, height]) => {
  const x = within(left, 0, 1 - SMALLEST);
  const y = within(top, 0, 1 - SMALLEST);
  const sides = [x, y, within(width, SMALLEST, 1 - x), within(height, SMALLEST, 1 - y)];
  return sides.map((each) => Math.round(each * 1000) / 1000);
};

export class Cropper {
  #crop = WHOLE;
  #from = null; // where the pointer went down
  #apply = (_crop) => {};
  #dialog = createDialog('lk-dialog lk-crop', phrase('crop.title'));
  #image = el('img');
  #frame = el('div', 'lk-crop-frame');
  #canvas = el('div', 'lk-crop-canvas');
  #problem = el('p', 'lk-small', phrase('crop.unshown'));
  #inputs = SIDES.map((_side, place) => this.#numberInput(place));

  /** @param {HTMLElement} element where the dialog goes */
  constructor(element) {
    const stage = el('div', 'lk-crop-stage');
    this.#canvas.append(this.#image, this.#frame);
    stage.append(this.#canvas, this.#problem);
    this.#dialog.append(el('h2', '', phrase('crop.head')), stage, this.#fields(), this.#buttons());
    element.append(this.#dialog);
    this.#watchImage();
    this.#watchPointer();
  }

  /**
   * @param {string} url
   * @param {number[] | null} now
   * @param {(crop: number[] | null) => void} onChosen is told null for the whole picture
   */
  open(url, now, onChosen) {
    this.#apply = onChosen;
    this.#problem.hidden = true;
    this.#image.src = url;
    this.#take(now || WHOLE);
    this.#dialog.showModal();
    this.#inputs[0].focus();
  }

  #numberInput(place) {
    const input = el('input');
    Object.assign(input, { type: 'number', min: 0, max: 100, step: 1 });
    input.addEventListener('input', () => {
      const share = Number(input.value) / 100;
      if (input.value === '' || !Number.isFinite(share)) return;
      this.#take(
        this.#crop.map((each, which) => (which === place ? share : each)),
        place,
      );
    });
    return input;
  }

  #fields() {
    const fields = el('div', 'lk-crop-fields');
    for (const [place, side] of SIDES.entries()) {
      const label = el('label', '', phrase(`crop.side.${side}`));
      label.append(this.#inputs[place]);
      fields.append(label);
    }
    return fields;
  }

  #buttons() {
    const actions = el('div', 'lk-actions');
    const isWhole = () => this.#crop.every((each, place) => each === WHOLE[place]);
    actions.append(
      button('lk-button primary', phrase('crop.use'), () => this.#done(isWhole() ? null : this.#crop)),
      button('lk-button', phrase('crop.whole'), () => this.#done(null)),
      button('lk-button', phrase('common.cancel'), () => this.#dialog.close()),
    );
    return actions;
  }

  #watchImage() {
    this.#image.alt = '';
    this.#image.draggable = false;
    this.#image.addEventListener('load', () => this.#showImage(true));
    this.#image.addEventListener('error', () => this.#showImage(false));
  }

  #showImage(isShown) {
    this.#canvas.hidden = !isShown;
    this.#problem.hidden = isShown;
  }

  #watchPointer() {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      this.#from = this.#pointIn(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!this.#from) return;
      const [x, y] = this.#pointIn(event);
      const [left, top] = this.#from;
      this.#take([Math.min(x, left), Math.min(y, top), Math.abs(x - left), Math.abs(y - top)]);
    });
    const end = () => {
      this.#from = null;
    };
    canvas.addEventListener('pointerup', end);
    canvas.addEventListener('pointercancel', end);
  }

  #pointIn(event) {
    const box = this.#image.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width, 0, 1), within((event.clientY - box.top) / box.height, 0, 1)];
  }

  /** A field that is being typed into keeps what is typed. */
  #take(wanted, typed = null) {
    this.#crop = nearest(wanted);
    for (const [place, side] of SIDES.entries()) {
      this.#frame.style[side] = `${100 * this.#crop[place]}%`;
      if (place !== typed) this.#inputs[place].value = String(Math.round(1000 * this.#crop[place]) / 10);
    }
  }

  #done(chosen) {
    this.#dialog.close();
    this.#apply(chosen);
  }
}
