// Opens a panel below the header's strip, with all details of library, model and index.

import { el } from '../shared/dom.js';
import { phrase, said } from '../shared/language.js';

/** @type {Record<string, string>} of the index, in words */
export const STATES = Object.fromEntries(
  ['released', 'loading', 'loaded', 'releasing', 'rebuilding'].map((state) => [state, phrase(`header.state.${state}`)]),
);

const fact = (list, term, ...values) => {
  const text = values.filter((value) => value !== null && value !== undefined && value !== '').join(' · ');
  if (text) list.append(el('dt', '', term), el('dd', '', text));
};

const addModel = (list, { model }) => {
  const state = model.state === 'ready' ? null : said(model.problem) || STATES.loading;
  fact(list, phrase('facts.model'), model.name, state);
  if (model.dim) {
    fact(list, phrase('facts.vectors'), phrase('facts.dimensions', { count: model.dim }), model.device, model.dtype);
  }
  if (model.texts) fact(list, phrase('facts.texts'), model.texts);
  fact(list, phrase('facts.weights'), model.fingerprint);
};

const addIndex = (list, { index }) => {
  if (!index) return;
  const connected = phrase(index.connected ? 'facts.connected' : 'facts.not_connected');
  const rows = index.rows === null ? null : phrase('count.rows', { count: index.rows });
  const nprobe = index.nprobe && phrase('facts.nprobe', { nprobe: index.nprobe });
  const counts = [
    phrase('count.loads', { count: index.loads }),
    phrase('count.searches', { count: index.searches }),
    phrase('count.releases', { count: index.releases }),
  ];
  fact(list, phrase('facts.database'), index.backend, index.version, connected);
  fact(list, phrase('facts.collection'), index.collection, rows);
  fact(list, phrase('facts.index'), index.type, index.metric, `nlist ${index.nlist}`, nprobe);
  fact(list, phrase('facts.memory'), STATES[index.state] || index.state);
  fact(list, phrase('facts.since'), ...counts);
};

export class StatusPanel {
  #strip;
  #panel = el('div', 'lk-panel');
  bar = el('div', 'lk-header');

  /**
   * @param {HTMLButtonElement} strip what opens the panel; hidden until there is something to tell
   * @param {HTMLElement[]} others what stands beside it, the name of the app first
   */
  constructor(strip, ...others) {
    this.#strip = strip;
    strip.hidden = true;
    strip.setAttribute('aria-expanded', 'false');
    this.#panel.hidden = true;
    this.bar.append(strip, this.#panel);
    strip.before(others[0]);
    strip.after(...others.slice(1));
    document.addEventListener('click', (event) => {
      if (!this.bar.contains(/** @type {Node} */ (event.target))) this.toggle(false);
    });
    this.bar.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.#panel.hidden) return;
      this.toggle(false);
      strip.focus();
    });
  }

  toggle(open = this.#panel.hidden) {
    this.#panel.hidden = !open;
    this.#strip.setAttribute('aria-expanded', String(open));
  }

  draw(status) {
    this.#strip.hidden = false;
    const list = el('dl', 'lk-facts');
    const { pictures } = status;
    fact(
      list,
      phrase('facts.library'),
      pictures === null ? said(status.store_problem) : phrase('count.pictures', { count: pictures }),
    );
    addModel(list, status);
    addIndex(list, status);
    const old = this.#panel.querySelector('.lk-facts');
    if (old?.textContent !== list.textContent) this.#panel.replaceChildren(list);
  }
}
