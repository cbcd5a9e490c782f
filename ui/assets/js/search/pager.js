// Shows the buttons that lead to the pages before and after the one that is shown.

import { button, el } from '../shared/dom.js';
import { number } from '../shared/format.js';
import { phrase } from '../shared/language.js';

/** Which pictures of all are shown, as numbers. */
export const rangeOf = ({ offset }, items) => `${number(offset + 1)}–${number(offset + items.length)}`;

const pager = (label, words, { back, range, next }) => {
  const node = el('nav', 'lk-pager');
  node.setAttribute('aria-label', label);
  if (!back && !next) return node;
  const previous = button('lk-button', words.back, back, 'previous');
  const following = button('lk-button', words.next, next, 'next');
  previous.disabled = !back;
  following.disabled = !next;
  following.classList.add('trailing');
  node.append(previous, el('span', '', range), following);
  return node;
};

const stepsOf = ({ offset, size }, hasMore, turn) => ({
  back: offset > 0 ? () => turn(Math.max(0, offset - size)) : null,
  next: hasMore ? () => turn(offset + size) : null,
});

/**
 * Of all pictures of the library.
 * @param {any} answer
 * @param {any[]} items
 * @param {(offset: number) => void} turn
 */
export const libraryPager = (answer, items, turn) => {
  const { offset, size, total, query } = answer;
  const isByTime = ['score', 'added'].includes(query?.sort || 'score');
  const words = {
    back: phrase(isByTime ? 'pager.newer' : 'pager.previous'),
    next: phrase(isByTime ? 'pager.older' : 'pager.next'),
  };
  const range = rangeOf(answer, items);
  return pager(phrase('pager.library'), words, {
    ...stepsOf(answer, offset + size < total, turn),
    range: total === null ? range : phrase('pager.of', { range, total }),
  });
};

/**
 * Of the results of a search, of which nobody knows how many there are.
 * @param {any} answer
 * @param {any[]} items
 * @param {(offset: number) => void} turn
 */
export const resultPager = (answer, items, turn) => {
  const words = { back: phrase('pager.better'), next: phrase('pager.more') };
  const steps = stepsOf(answer, answer.has_more, turn);
  return pager(phrase('pager.results'), words, { ...steps, range: rangeOf(answer, items) });
};
