// Shows the name of the app, and a strip with the library, the model and the state of the collection.

import { button, el } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { number } from '../shared/format.js';
import { icon, svg } from '../shared/icons.js';
import { phrase, said } from '../shared/language.js';
import { LibraryMenu } from './library_menu.js';
import { STATES, StatusPanel } from './status_panel.js';

const COUNTERS = ['loads', 'searches', 'releases'];

const logo = () => {
  const node = svg('svg', { viewBox: '0 0 32 32', 'aria-hidden': 'true' });
  node.append(
    svg('rect', { x: 1, y: 1, width: 30, height: 30, rx: 8, class: 'lk-logo-ground' }),
    svg('circle', { cx: 13, cy: 13, r: 6.2, class: 'lk-logo-one' }),
    svg('circle', { cx: 19, cy: 19, r: 6.2, class: 'lk-logo-two' }),
  );
  return node;
};

const brand = () => {
  const link = el('a', 'lk-brand');
  link.href = '?';
  link.setAttribute('aria-label', phrase('header.home'));
  const words = el('span');
  words.append(el('h1', '', 'Likeness'), el('small', '', phrase('header.motto')));
  link.append(logo(), words);
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    publish('visit', { where: [], sort: 'score' });
  });
  return link;
};

const chip = (className) => {
  const node = el('span', `lk-chip ${className}`);
  node.hidden = true;
  return node;
};

const step = (name) => {
  const node = el('span', 'lk-step');
  const count = el('b', '', '0');
  node.append(el('i'), el('span', '', name), count);
  return { node, count };
};

const fill = (node, ...parts) => {
  const shown = parts.filter((part) => part !== null && part !== undefined && part !== '');
  node.hidden = shown.length === 0;
  node.replaceChildren(...shown.map((part) => (part instanceof Node ? part : document.createTextNode(part))));
};

/** The words of a language around the figure, which stands out. */
const counted = (count) => {
  const figure = number(count);
  const [before, after] = phrase('count.pictures', { count }).split(figure);
  const words = el('span');
  words.append(before, el('b', '', figure), after);
  return words;
};

const joined = (...parts) => parts.filter(Boolean).join(' · ');

const modelWords = (value) => {
  if (value.state === 'loading') return phrase('header.model_loading');
  if (value.state === 'failed') return phrase('header.no_model');
  return joined(value.name, `${value.dim}-d`, `${value.device} ${value.dtype}`);
};

const problemOf = (value) => {
  if (value.store_problem) {
    return { title: phrase('error.StoreUnavailable'), detail: said(value.store_problem), retry: true };
  }
  if (value.model.state === 'failed') {
    return { title: phrase('error.ModelUnavailable'), detail: said(value.model.problem) };
  }
  if (value.index?.state === 'rebuilding' && value.index.backend === 'Milvus Lite') {
    return { title: phrase('header.rebuilt'), detail: phrase('header.wait'), passes: true };
  }
  if (!value.index || value.index.connected) return null;
  const detail = said(value.index.problem) || phrase('header.unreachable');
  return { title: phrase('error.IndexUnavailable'), detail, retry: true };
};

export class Header {
  #props;
  #known = null; // the status before this one: counters that moved light their step up
  #releaseAt = null;
  #chips = { pictures: chip('pictures'), model: chip('model'), database: chip('database') };
  #steps = {
    loads: step(phrase('stage.load')),
    searches: step(phrase('stage.search')),
    releases: step(phrase('stage.release')),
  };
  #lease = el('span', 'lk-lease');
  #cycle = el('span', 'lk-cycle');
  #alert = el('div', 'lk-alert');
  #panel;

  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn, props, watch }) {
    this.#props = props;
    this.#panel = new StatusPanel(this.#strip(), brand(), new LibraryMenu().button);
    this.#alert.setAttribute('role', 'alert');
    this.#alert.hidden = true;
    drawn.append(this.#panel.bar, this.#alert);
    setInterval(() => this.#drawLease(), 1000);
    this.#draw();
    watch('value', () => this.#draw());
  }

  #strip() {
    const strip = button('lk-strip', null, () => this.#panel.toggle());
    strip.title = phrase('header.details');
    this.#cycle.append(...COUNTERS.map((name) => this.#steps[name].node), this.#lease);
    this.#cycle.hidden = true;
    strip.append(...Object.values(this.#chips), this.#cycle, icon('chevron'));
    return strip;
  }

  #draw() {
    const value = this.#props.value;
    if (!value?.model) return;
    document.documentElement.dataset.model = value.model.state;
    this.#drawChips(value);
    this.#drawCycle(value.index);
    this.#panel.draw(value);
    this.#drawProblem(problemOf(value));
    publish('status', value);
  }

  #drawChips({ pictures, model, index }) {
    const chips = this.#chips;
    if (pictures === null) fill(chips.pictures, phrase('header.store_offline'));
    else fill(chips.pictures, counted(pictures));
    fill(chips.model, modelWords(model));
    chips.model.dataset.state = model.state;
    fill(chips.database, index && joined(index.backend, index.version));
    chips.database.dataset.state = index?.connected ? 'up' : 'down';
  }

  #drawCycle(index) {
    this.#cycle.hidden = !index;
    if (!index) return;
    this.#releaseAt = index.release_in === null ? null : Date.now() + 1000 * index.release_in;
    this.#cycle.dataset.state = index.state;
    for (const name of COUNTERS) {
      this.#steps[name].count.textContent = number(index[name]);
      if (this.#known && index[name] > this.#known[name]) this.#pulse(name);
    }
    this.#known = index;
    this.#drawLease();
  }

  #pulse(name) {
    const { node } = this.#steps[name];
    node.classList.remove('pulse');
    void node.offsetWidth; // restarts the animation
    node.classList.add('pulse');
  }

  #drawLease() {
    const state = this.#props.value?.index?.state;
    const words = STATES[state] || state || '';
    if (state !== 'loaded' || this.#releaseAt === null) {
      this.#lease.textContent = words;
      return;
    }
    const left = Math.max(0, Math.ceil((this.#releaseAt - Date.now()) / 1000));
    this.#lease.textContent = phrase('header.lease', { state: words, count: left });
  }

  #drawProblem(problem) {
    const alert = this.#alert;
    const text = problem ? `${problem.title} ${problem.detail}` : '';
    if (alert.dataset.text === text) return;
    alert.dataset.text = text;
    alert.hidden = !problem;
    alert.classList.toggle('passes', Boolean(problem?.passes));
    alert.replaceChildren();
    if (!problem) return;
    const words = el('p');
    words.append(el('b', '', problem.title), el('span', '', problem.detail));
    alert.append(icon('warning'), words);
    if (problem.retry) alert.append(button('lk-button', phrase('common.try_again'), () => publish('again'), 'again'));
  }
}
