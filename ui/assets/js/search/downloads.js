// Downloads results by a form, so that the browser writes to the disk what arrives. A refusal is shown in the frame.

import { el } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { language, phrase } from '../shared/language.js';
import { apiUrl } from '../shared/urls.js';

export class Downloads {
  #frame = el('iframe');
  #form = el('form');
  #rows = el('input');

  /** @param {HTMLElement} element where form and frame go */
  constructor(element) {
    const frame = this.#frame;
    Object.assign(frame, { name: 'lk-download', title: phrase('selection.downloads'), hidden: true });
    Object.assign(this.#form, { method: 'post', target: frame.name, hidden: true });
    Object.assign(this.#rows, { type: 'hidden', name: 'rows' });
    this.#form.append(this.#rows);
    element.append(frame, this.#form);
    frame.addEventListener('load', () => this.#tellRefusal());
  }

  /**
   * @param {string} kind
   * @param {import('./selection.js').Row[]} rows
   */
  request(kind, rows) {
    this.#rows.value = JSON.stringify(rows.map(({ id, rank, score, relevance }) => ({ id, rank, score, relevance })));
    this.#form.action = `${apiUrl(`taking/${kind}`)}?lang=${language}`;
    this.#form.submit();
  }

  #tellRefusal() {
    const page = this.#frame.contentDocument;
    const words = page ? page.body.textContent.slice(0, 300) : phrase('selection.no_answer');
    if (words) publish('notice', { text: words, bad: true });
  }
}
