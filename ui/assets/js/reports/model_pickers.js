// Shows the two lists of models to search with: the one in use, and one to compare with.

import { el } from '../shared/dom.js';
import { subscribe } from '../shared/events.js';
import { phrase } from '../shared/language.js';

const picker = (words, onChange) => {
  const label = el('label', 'lk-picker');
  const select = el('select', 'lk-input');
  select.setAttribute('aria-label', words); // the label's own text would include the options
  select.addEventListener('change', () => onChange(select.value));
  label.append(el('span', '', words), select);
  return { label, select };
};

const optionOf = ({ name, state }) =>
  new Option(state === 'loading' ? phrase('models.is_loading', { name }) : name, name);

const fill = (select, options, value) => {
  const text = options.map((each) => `${each.value} ${each.textContent}`).join('\n');
  if (select.dataset.text !== text) select.replaceChildren(...options);
  select.dataset.text = text;
  if (document.activeElement !== select || select.value === '') select.value = value;
};

export class ModelPickers {
  #models = []; // those that can be searched, the chosen one first
  #asked = { model: '', against: '' };
  #trigger;
  #first = picker(phrase('models.searched'), (name) =>
    this.#choose({ model: name === this.#models[0]?.name ? '' : name }),
  );
  #second = picker(phrase('models.against'), (name) => this.#choose({ against: name }));
  #node = el('div', 'lk-pickers');

  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn, trigger }) {
    this.#trigger = trigger;
    this.#node.hidden = true;
    this.#node.append(this.#first.label, this.#second.label);
    drawn.append(this.#node);
    subscribe('status', ({ models = [] }) => {
      this.#models = models;
      this.#draw();
    });
    subscribe('shown', ({ model = '', against = '' }) => {
      this.#asked = { model, against };
      this.#draw();
    });
  }

  #choose(change) {
    this.#trigger('chosen', { ...this.#asked, ...change });
  }

  #draw() {
    const models = this.#models;
    this.#node.hidden = models.length < 2;
    const model = this.#asked.model || models[0]?.name;
    const others = models.filter(({ name }) => name !== model);
    fill(this.#first.select, models.map(optionOf), model);
    fill(this.#second.select, [new Option(phrase('models.nothing'), ''), ...others.map(optionOf)], this.#asked.against);
  }
}
