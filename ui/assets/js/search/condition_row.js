// Makes a row of the filters: field, operator, and the inputs for the value.

import { el, iconButton } from '../shared/dom.js';
import { phrase } from '../shared/language.js';
import { isDay, kindOf, operatorsOf } from './conditions.js';

/** @typedef {import('./conditions.js').Condition} Condition */
/** @typedef {import('./conditions.js').Field} Field */

/**
 * @param {string} label
 * @param {[string, string][]} options values and words
 * @param {string} value
 * @param {(value: string) => void} onChange
 */
export const choice = (label, options, value, onChange) => {
  const node = el('select', 'lk-input');
  node.setAttribute('aria-label', label);
  node.append(...options.map(([each, text]) => new Option(text, each)));
  node.value = value;
  node.addEventListener('change', () => onChange(node.value));
  return node;
};

const yesOrNo = (condition, place, label, onApply) => {
  const options = [
    ['', phrase('filters.choose')],
    ['true', phrase('filters.true')],
    ['false', phrase('filters.false')],
  ];
  return choice(label, /** @type {[string, string][]} */ (options), condition.values[place], (value) => {
    condition.values[place] = value;
    onApply();
  });
};

export class ConditionRow {
  #condition;
  #field;
  #actions;
  node = el('li', 'lk-condition');

  /**
   * @param {Condition} condition
   * @param {number} number of the row, for its labels
   * @param {Field[]} fields all that there are
   * @param {Field} field the row's own
   * @param {{ onField: (name: string) => void, onOperator: (operator: string) => void, onRemove: () => void, onApply: () => void }} actions
   */
  constructor(condition, number, fields, field, actions) {
    this.#condition = condition;
    this.#field = field;
    this.#actions = actions;
    const { onField, onOperator, onRemove } = actions;
    const known = fields.map(({ name }) => name);
    const names = known.includes(condition.field) ? known : [...known, condition.field];
    const options = /** @type {[string, string][]} */ (names.map((name) => [name, name]));
    this.node.dataset.row = String(condition.id);
    this.node.append(
      choice(phrase('filters.field', { number }), options, condition.field, onField),
      choice(phrase('filters.operator', { number }), operatorsOf(condition, field), condition.operator, onOperator),
      iconButton('lk-button bare', phrase('filters.remove', { number }), 'close', onRemove),
      this.#values(number),
    );
  }

  #values(number) {
    const node = el('div', 'lk-values');
    if (this.#condition.operator === 'between') {
      node.append(
        this.#input(0, phrase('filters.lowest', { number })),
        el('span', '', phrase('filters.and')),
        this.#input(1, phrase('filters.highest', { number })),
      );
    } else node.append(this.#input(0, phrase('filters.value', { number })));
    const values = el('datalist');
    values.id = this.#listId;
    values.append(...this.#field.values.map((value) => new Option(value)));
    node.append(values);
    return node;
  }

  get #listId() {
    return `lk-values-${this.#condition.id}`;
  }

  #input(place, label) {
    const condition = this.#condition;
    const kind = kindOf(this.#field);
    const { onApply } = this.#actions;
    if (kind === 'true or false') return yesOrNo(condition, place, label, onApply);
    const node = el('input', 'lk-input');
    node.type = isDay(condition, this.#field, place) ? 'date' : 'text';
    if (kind === 'number') node.inputMode = 'decimal';
    if (condition.operator === 'one of') node.placeholder = phrase('filters.commas');
    node.autocomplete = 'off';
    node.spellcheck = false;
    node.value = condition.values[place];
    node.setAttribute('aria-label', label);
    if (this.#field.values.length && condition.operator !== 'one of') node.setAttribute('list', this.#listId);
    node.addEventListener('input', () => {
      condition.values[place] = node.value.trim(); // at once: a redraw must not lose what is being typed
    });
    node.addEventListener('change', onApply);
    node.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') onApply();
    });
    return node;
  }
}
