// Lists beside a large picture why it matched: what each colour of its maps stands for, and where that is.

import { el } from '../shared/dom.js';
import { phrase } from '../shared/language.js';
import { colourOf, heatCanvas } from './heat.js';

export class WhyList {
  #why;
  #key = 0; // numbers what is drawn, so that a late answer is dropped
  #controller = new AbortController();
  node = el('div', 'lk-why');

  /** @param {import('./why.js').Why} why */
  constructor(why) {
    this.#why = why;
    this.node.setAttribute('role', 'status');
  }

  /**
   * @param {any} item
   * @param {(canvas: HTMLCanvasElement) => void} onCanvas takes the maps, once they are there
   * @param {(part: any) => string} urlOf where the picture of a part lies
   */
  async show(item, onCanvas, urlOf) {
    this.clear();
    const key = this.#key;
    this.node.replaceChildren(el('p', 'lk-subtle', phrase('why.asking')));
    try {
      const found = await this.#why.of(item, this.#controller.signal);
      if (key !== this.#key) return;
      onCanvas(this.#why.canvas(item, found));
      const list = el('ul');
      list.append(...found.map((each) => this.#entry(each, urlOf)));
      this.node.replaceChildren(list, el('p', 'lk-subtle', phrase('why.about')));
    } catch {
      if (key === this.#key) this.node.replaceChildren(el('p', '', phrase('why.failed')));
    }
  }

  clear() {
    this.#key += 1;
    this.#controller.abort();
    this.#controller = new AbortController();
    this.node.replaceChildren();
  }

  #entry(found, urlOf) {
    const entry = el('li');
    const swatch = el('i', found.weight < 0 ? 'taken' : '');
    swatch.style.setProperty('--lk-part', colourOf(found.part));
    swatch.setAttribute('aria-hidden', 'true');
    entry.append(swatch, el('span', '', this.#why.words(found)));
    if (found.own) entry.append(this.#ownPicture(found, urlOf));
    return entry;
  }

  /** The picture that was searched with, and what of it is found. */
  #ownPicture({ part, weight, own }, urlOf) {
    const frame = el('span', 'lk-why-own');
    const image = el('img');
    const named = this.#why.parts[part];
    image.alt = phrase('why.own', { name: named.name });
    image.addEventListener('error', () => frame.remove(), { once: true });
    image.addEventListener('load', () => {
      const size = { width: image.naturalWidth, height: image.naturalHeight };
      frame.append(heatCanvas(size, [{ heat: own, part, taken: weight < 0 }]));
    });
    image.src = urlOf(named);
    frame.append(image);
    return frame;
  }
}
