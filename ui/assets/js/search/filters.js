// Shows the order of the results and the conditions that they have to meet; a change applies at once.

import { button, el } from '../shared/dom.js';
import { subscribe } from '../shared/events.js';
import { phrase } from '../shared/language.js';
import { ConditionRow, choice } from './condition_row.js';
import { conditionOf, isComplete, kindOf, sentOf } from './conditions.js';

const ORDERS = ['score', 'name', 'added', 'size'];

const labelled = (text, select) => {
  const label = el('label', 'lk-labelled', text);
  select.removeAttribute('aria-label');
  label.append(select);
  return label;
};

const orderChoice = (onChange) => {
  const options = /** @type {[string, string][]} */ (ORDERS.map((order) => [order, phrase(`filters.by.${order}`)]));
  return choice('', options, 'score', onChange);
};

const matchChoice = (onChange) => {
  const options = [
    ['all', phrase('filters.all')],
    ['any', phrase('filters.any')],
  ];
  return choice('', /** @type {[string, string][]} */ (options), 'all', onChange);
};

export class Filters {
  #props;
  #trigger;
  /** @type {import('./conditions.js').Condition[]} */
  #conditions = [];
  #match = 'all';
  #sent = ''; // what the shown results were asked for with
  #made = 0; // conditions so far: each has its own IDs
  #known; // the fields, as they were last drawn
  #sort = orderChoice(() => this.#apply());
  #matches = matchChoice((value) => {
    this.#match = value;
    this.#apply();
  });
  #matchLabel = labelled(phrase('filters.meet'), this.#matches);
  #toggle = button('lk-disclosure', phrase('filters.title'), () => this.#unfold(this.#panel.hidden), 'chevron');
  #count = el('b', 'lk-count');
  #panel = el('div', 'lk-filters');
  #list = el('ul', 'lk-conditions');
  #add = button('lk-button', phrase('filters.add'), () => this.#addCondition());
  #clear = button('lk-button', phrase('filters.remove_all'), () => this.#removeAll());

  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn, props, trigger, watch }) {
    this.#props = props;
    this.#trigger = trigger;
    this.#makePanel();
    drawn.append(labelled(phrase('filters.sort'), this.#sort), this.#toggle, this.#panel);
    subscribe('shown', (asked) => this.#follow(asked));
    this.#draw();
    this.#sent = JSON.stringify(this.#current());
    this.#known = JSON.stringify(props.value?.fields);
    watch('value', () => this.#onFields());
  }

  #makePanel() {
    const panel = this.#panel;
    panel.id = 'lk-filters';
    panel.hidden = true;
    this.#toggle.append(this.#count);
    this.#toggle.setAttribute('aria-expanded', 'false');
    this.#toggle.setAttribute('aria-controls', panel.id);
    this.#list.setAttribute('aria-label', phrase('filters.conditions'));
    const choices = el('div', 'lk-filter-choices');
    choices.append(this.#add, this.#clear);
    panel.append(this.#matchLabel, this.#list, choices);
  }

  get #fields() {
    return this.#props.value?.fields || [];
  }

  #fieldOf(name) {
    return this.#fields.find((field) => field.name === name) || { name, kinds: [], values: [] };
  }

  #newCondition(field, operator, values) {
    this.#made += 1;
    return { id: this.#made, field, operator, values };
  }

  #current() {
    return { rows: this.#conditions.filter(isComplete).map(sentOf), match: this.#match, sort: this.#sort.value };
  }

  #apply() {
    this.#drawCount();
    const now = this.#current();
    if (JSON.stringify(now) === this.#sent) return;
    this.#sent = JSON.stringify(now);
    this.#trigger('applied', now);
  }

  #unfold(open) {
    this.#panel.hidden = !open;
    this.#toggle.setAttribute('aria-expanded', String(open));
    if (!open) return;
    this.#trigger('asked', {}); // fields may have come since
    if (!this.#conditions.length) this.#add.click();
  }

  #addCondition() {
    const [first] = this.#fields;
    if (!first) return;
    this.#conditions.push(this.#newCondition(first.name, '=', ['', '']));
    this.#draw(this.#conditions.at(-1), 'select');
  }

  #removeAll() {
    this.#conditions = [];
    this.#draw();
    this.#add.focus();
    this.#apply();
  }

  #remove(condition, place) {
    this.#conditions = this.#conditions.filter((each) => each !== condition);
    this.#draw();
    const next = this.#list.children[Math.min(place, this.#conditions.length - 1)];
    (next?.querySelector('select') || this.#add).focus();
    this.#apply();
  }

  #draw(focused = null, selector = '') {
    this.#list.replaceChildren(...this.#conditions.map((condition, place) => this.#row(condition, place).node));
    const few = this.#conditions.length < 2;
    this.#matchLabel.hidden = few;
    this.#clear.hidden = few;
    this.#matches.value = this.#match;
    this.#drawCount();
    if (!focused) return;
    const row = this.#list.querySelector(`[data-row="${focused.id}"] > ${selector}`);
    /** @type {HTMLElement | null} */ (row)?.focus();
  }

  #row(condition, place) {
    return new ConditionRow(condition, place + 1, this.#fields, this.#fieldOf(condition.field), {
      onField: (name) => this.#changeField(condition, name),
      onOperator: (operator) => {
        condition.operator = operator;
        this.#draw(condition, 'select + select');
        this.#apply();
      },
      onRemove: () => this.#remove(condition, place),
      onApply: () => this.#apply(),
    });
  }

  #changeField(condition, name) {
    const before = kindOf(this.#fieldOf(condition.field));
    condition.field = name;
    if (kindOf(this.#fieldOf(name)) !== before) Object.assign(condition, { operator: '=', values: ['', ''] });
    this.#draw(condition, 'select');
    this.#apply();
  }

  #drawCount() {
    const active = this.#conditions.filter(isComplete).length;
    this.#count.textContent = active ? String(active) : '';
    this.#count.hidden = !active;
    const label = active ? phrase('filters.active', { count: active }) : phrase('filters.title');
    this.#toggle.setAttribute('aria-label', label);
  }

  /** The results tell what they were asked with: an address may have brought it, or the way back. */
  #follow({ where, match, sort }) {
    const asked = where.map(conditionOf);
    const mine = this.#current();
    this.#sort.value = sort;
    const same = JSON.stringify([asked.map(sentOf), sort]) === JSON.stringify([mine.rows, mine.sort]);
    if (same && (match === this.#match || !where.length)) return;
    this.#match = match;
    this.#conditions = asked.map(({ field, operator, values }) => this.#newCondition(field, operator, values));
    this.#sent = JSON.stringify(this.#current());
    this.#draw();
    if (this.#conditions.length && this.#panel.hidden) this.#unfold(true);
  }

  #onFields() {
    const now = JSON.stringify(this.#props.value?.fields);
    if (now === this.#known) return;
    this.#known = now;
    const list = this.#list;
    const held = list.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
    this.#draw();
    if (!held) return;
    const nodes = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('select, input, button')]);
    nodes.find((node) => node.getAttribute('aria-label') === held)?.focus();
  }
}
