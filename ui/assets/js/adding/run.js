// Shows an import at work: its progress, a button to stop it, and in the end a receipt for every file.

import { button, el, iconButton, progressBar, tellProgress } from '../shared/dom.js';
import { publish, subscribe } from '../shared/events.js';
import { number, seconds } from '../shared/format.js';
import { listed, phrase, said } from '../shared/language.js';
import { ReceiptDialog } from './receipts.js';

const STATUSES = ['new', 'updated', 'duplicate', 'rejected', 'skipped'];

const isActive = (value) => value.state === 'waiting' || value.state === 'running';

const counts = (value) => {
  const list = el('ul', 'lk-counts');
  for (const status of STATUSES) {
    const count = value.counts[status];
    if (!count) continue;
    const entry = el('li', status);
    entry.append(el('b', '', number(count)), el('span', '', ` ${phrase(`status.${status}`)}`));
    list.append(entry);
  }
  return list;
};

const actions = (...nodes) => {
  const group = el('div', 'lk-run-actions');
  group.append(...nodes);
  return group;
};

const dismissButton = (onDismiss) => iconButton('lk-button bare', phrase('run.dismiss'), 'close', onDismiss);

const headline = (value) => {
  if (value.state === 'waiting') return phrase('run.in_line');
  if (document.documentElement.dataset.model === 'loading') return phrase('waiting.title');
  return phrase('run.adding');
};

/** Built once and then kept up to date: a button that is replaced every second cannot keep the focus. */
class RunAtWork {
  #title = el('h2');
  #words = el('span', 'lk-subtle');
  #found = el('div');
  #stop;
  #progress = progressBar(phrase('run.added'));
  nodes;

  constructor(onStop) {
    this.#stop = button('lk-button', phrase('common.stop'), onStop);
    const head = el('div', 'lk-run-head');
    head.append(this.#title, this.#words, actions(this.#stop), this.#found);
    this.nodes = [head, this.#progress.track];
  }

  drawTitle(value) {
    this.#title.textContent = headline(value);
  }

  draw(value, mayStop) {
    const { done, total, stopping } = value;
    this.drawTitle(value);
    this.#words.textContent =
      total === null ? phrase('run.so_far', { count: done }) : phrase('run.progress', { done, count: total });
    this.#found.replaceChildren(counts(value));
    this.#stop.textContent = phrase(stopping ? 'common.stopping' : 'common.stop');
    this.#stop.disabled = stopping || !mayStop;
    const { track, fill } = this.#progress;
    const isKnown = total !== null && done > 0;
    tellProgress(track, isKnown ? done : null, isKnown ? total : null);
    fill.className = isKnown ? '' : 'unknown';
    fill.style.width = `${(100 * done) / (total || 1)}%`;
  }
}

export class Run {
  #props;
  #dismissed = null;
  #finished = null; // the run whose end was announced
  #box = el('section', 'lk-run');
  #work;
  #receipts;

  /** @param {import('../shared/events.js').Host} host */
  constructor({ element, drawn, props, trigger, watch }) {
    this.#props = props;
    this.#work = new RunAtWork(() => trigger('halt', {}));
    this.#receipts = new ReceiptDialog(element);
    this.#box.setAttribute('aria-label', phrase('run.adding'));
    this.#box.hidden = true;
    drawn.append(this.#box);
    this.#draw();
    watch('value', () => this.#draw());
    subscribe('status', () => {
      if (isActive(this.#value)) this.#work.drawTitle(this.#value);
    });
  }

  get #value() {
    return this.#props.value || {};
  }

  #draw() {
    const box = this.#box;
    const value = this.#value;
    const isDismissed = this.#dismissed !== null && value.id === this.#dismissed;
    box.hidden = !value.state || value.state === 'none' || isDismissed;
    if (box.hidden) return;
    box.dataset.state = value.state;
    if (value.state === 'error') {
      box.replaceChildren(...this.#failure(value));
      return;
    }
    if (isActive(value)) this.#drawWork(value);
    else box.replaceChildren(...this.#over(value));
    this.#announce(value);
  }

  #drawWork(value) {
    this.#work.draw(value, this.#props.edits !== 'none');
    const { nodes } = this.#work;
    if (nodes[0].parentNode !== this.#box) this.#box.replaceChildren(...nodes);
  }

  #over(value) {
    const head = el('div', 'lk-run-head');
    const { done, total } = value;
    const reached = total > done ? phrase('run.progress', { done, count: total }) : '';
    const took = value.seconds ? phrase('run.took', { time: seconds(value.seconds) }) : '';
    const dismiss = dismissButton(() => {
      this.#dismissed = value.id;
      this.#box.hidden = true;
    });
    const group = actions(dismiss);
    const open = () => this.#receipts.open(value);
    if (value.receipts.length) group.prepend(button('lk-button', phrase('run.details'), open));
    const title = el('h2', '', phrase(`run.ended.${value.state}`));
    head.append(title, el('span', 'lk-subtle', [reached, took].filter(Boolean).join(' · ')), group, counts(value));
    const nodes = [head];
    if (value.problem) nodes.push(el('p', 'lk-problem', said(value.problem)));
    if (value.state === 'stopped') nodes.push(el('p', 'lk-small', phrase('run.rest')));
    const reasons = listed((value.skips ?? []).map(said));
    if (reasons) nodes.push(el('p', 'lk-small', phrase('run.skipped', { reasons })));
    return nodes;
  }

  #failure(value) {
    const head = el('div', 'lk-run-head');
    const dismiss = dismissButton(() => {
      this.#box.hidden = true;
    });
    head.append(el('h2', '', phrase(`error.${value.kind}`)), actions(dismiss));
    return [head, el('p', 'lk-problem', said(value.detail))];
  }

  #announce(value) {
    publish('run', { active: isActive(value), added: value.counts.new });
    if (isActive(value) || this.#finished === value.id) return;
    this.#finished = value.id;
    publish('changed');
  }
}
