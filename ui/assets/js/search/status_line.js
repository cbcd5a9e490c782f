// Shows the line above the pictures: how many there are, and where the time went.

import { button, el } from '../shared/dom.js';
import { milliseconds, number } from '../shared/format.js';
import { phrase, said } from '../shared/language.js';
import { unfilterButton } from './messages.js';
import { rangeOf } from './pager.js';

const STAGES = ['encode', 'load', 'search'];

const subtle = (text) => el('span', 'lk-subtle', text);

const timing = (timings) => {
  const node = el('div', 'lk-timing');
  const stripes = el('span', 'lk-stripes');
  stripes.setAttribute('aria-hidden', 'true');
  node.append(stripes);
  for (const stage of STAGES) {
    const stripe = el('i', `stage-${stage}`);
    stripe.style.flexGrow = String(100 * Math.max(timings[stage] / (timings.total || 1), 0.02));
    stripes.append(stripe);
    const legend = el('span', 'lk-legend');
    const words = `${phrase(`stage.${stage}`)} ${milliseconds(timings[stage])}`;
    legend.append(el('i', `stage-${stage}`), el('span', '', words));
    node.append(legend);
  }
  node.append(el('b', '', milliseconds(timings.total)));
  return node;
};

const countOf = (answer, items) => {
  const many = answer.offset ? rangeOf(answer, items) : number(items.length);
  if (answer.total) return phrase('results.of', { many, count: answer.total });
  return phrase('count.pictures', { count: items.length });
};

export class StatusLine {
  #actions;
  node = el('div', 'lk-line');
  notes = el('div', 'lk-notes');

  /** @param {{ onClear: () => void, onUnfilter: () => void, onExplain: () => void, makeOpener: () => Node, makeWhy: () => Node }} actions */
  constructor(actions) {
    this.#actions = actions;
    this.node.setAttribute('role', 'status');
    this.node.tabIndex = -1; // takes the focus when the button that had it was replaced
  }

  /**
   * @param {any} answer
   * @param {any[]} items
   * @param {{ where: any[], sort: string }} kept the filters and the order
   */
  draw(answer, items, { where, sort }) {
    const isFiltered = where.length > 0;
    this.notes.replaceChildren(...(answer.notes || []).map((note) => el('p', '', said(note))));
    this.node.replaceChildren(...this.#content(answer, items, isFiltered, phrase(`results.sorted.${sort}`)));
  }

  #content(answer, items, isFiltered, order) {
    const { onUnfilter, makeOpener } = this.#actions;
    const listed = subtle(isFiltered ? `${phrase('results.filtered')}, ${order}` : order);
    const openers = items.length ? [makeOpener()] : [];
    if (answer.state === 'browse') {
      const count = el('h2', '', phrase('count.pictures', { count: answer.total }));
      return [count, listed, ...(isFiltered ? [unfilterButton('lk-clear', onUnfilter)] : []), ...openers];
    }
    if (answer.state === 'none' && !answer.timings) {
      return [el('h2', '', phrase('results.none')), listed, unfilterButton('lk-clear', onUnfilter)];
    }
    if (answer.state !== 'results' && answer.state !== 'none') return [];
    const why = answer.state === 'results' ? [this.#actions.makeWhy()] : [];
    return [...this.#found(answer, items, isFiltered), ...openers, ...why, this.#timing(answer)];
  }

  #found(answer, items, isFiltered) {
    const words = isFiltered ? [subtle(phrase('results.under_filters'))] : [];
    if (answer.beside) {
      const both = answer.beside.in_both.length;
      words.push(subtle(phrase('beside.overlap', { both, count: items.length })));
    }
    const clear = button('lk-clear', phrase('common.clear'), this.#actions.onClear, 'close');
    return [el('h2', '', countOf(answer, items)), ...words, clear];
  }

  #timing(answer) {
    const node = timing(answer.timings);
    if (answer.explained) {
      node.append(button('lk-clear', phrase('results.explain'), this.#actions.onExplain, 'explain'));
    }
    return node;
  }
}
