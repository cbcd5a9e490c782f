// Describes the conditions of filters: their operators in words, and their values as entered and as sent.

import { phrase } from '../shared/language.js';

const KIND_OPERATORS = {
  text: ['=', '!=', 'starts with', 'one of', '<', '>', 'between'],
  number: ['=', '!=', '<', '<=', '>', '>=', 'between', 'one of'],
  'true or false': ['=', '!='],
  time: ['=', '<', '<=', '>', '>=', 'between', '!='],
};
const WORDS = {
  '=': phrase('filters.is'),
  '!=': phrase('filters.is_not'),
  '<': phrase('filters.less'),
  '<=': phrase('filters.at_most'),
  '>': phrase('filters.more'),
  '>=': phrase('filters.at_least'),
  between: phrase('filters.between'),
  'one of': phrase('filters.one_of'),
  'starts with': phrase('filters.starts_with'),
};
const TIME_WORDS = {
  '=': phrase('filters.on'),
  '!=': phrase('filters.not_on'),
  '<': phrase('filters.before'),
  '<=': phrase('filters.until'),
  '>': phrase('filters.after'),
  '>=': phrase('filters.from'),
};
const TEXT_WORDS = { '<': phrase('filters.before_in_alphabet'), '>': phrase('filters.after_in_alphabet') };
const DAY = /^\d{4}-\d\d-\d\d$/;

/**
 * @typedef {object} Condition a row of the filters
 * @property {number} id
 * @property {string} field
 * @property {string} operator
 * @property {string[]} values two, of which most operators take the first
 */

/** @typedef {{ name: string, kinds: string[], values: string[] }} Field */

/** @param {Field} field */
export const kindOf = ({ kinds }) => (kinds.length === 1 ? kinds[0] : 'text');

/**
 * The operators to choose from, each with its words.
 * @param {Condition} condition
 * @param {Field} field
 * @returns {[string, string][]}
 */
export const operatorsOf = ({ operator }, field) => {
  const kind = kindOf(field);
  const several = field.kinds.length === 1 ? KIND_OPERATORS[kind] : Object.keys(WORDS);
  const all = several.includes(operator) ? several : [...several, operator];
  const words = { time: TIME_WORDS, text: TEXT_WORDS }[kind] || {};
  return all.map((each) => [each, words[each] || WORDS[each]]);
};

/** @param {Condition} condition */
export const isComplete = ({ operator, values }) => {
  if (operator === 'between' && values.length < 2) return false;
  return values.slice(0, operator === 'between' ? 2 : 1).every((value) => value !== '');
};

/**
 * As the app is asked.
 * @param {Pick<Condition, 'field' | 'operator' | 'values'>} condition
 */
export const sentOf = ({ field, operator, values }) => {
  if (operator === 'between') return { field, operator, value: values.slice(0, 2) };
  const value = operator === 'one of' ? values[0].split(',').map((each) => each.trim()) : values[0];
  return { field, operator, value };
};

/** The other way round. */
export const conditionOf = ({ field, operator, value }) => {
  const values = [value].flat().map(String);
  return { field, operator, values: operator === 'one of' ? [values.join(', '), ''] : [...values, ''] };
};

/**
 * Whether a value is entered with the browser's calendar.
 * @param {Condition} condition
 * @param {Field} field
 * @param {number} place
 */
export const isDay = ({ operator, values }, field, place) =>
  kindOf(field) === 'time' && operator !== 'starts with' && (!values[place] || DAY.test(values[place]));
