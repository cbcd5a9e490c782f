// Shows the place in line of a search that waits for those of others.

import { el } from '../shared/dom.js';
import { phrase } from '../shared/language.js';

/** Gradio writes the place where a search is waited for, in English, and styles keep that out of sight. */
const TOLD = '[data-testid=status-tracker]';
const PLACE = /(\d+)\/(\d+) *\|/;

/**
 * What shows the place, without words while nobody waits. Gradio itself tells those who hear the page.
 * @param {Element} element within the results
 */
export const placeInLine = (element) => {
  const node = el('p', 'lk-place-in-line');
  node.setAttribute('aria-hidden', 'true');
  const results = element.closest('#results') ?? element;
  new MutationObserver(() => {
    const [, position, size] = results.querySelector(TOLD)?.textContent?.match(PLACE) ?? [];
    const told = position ? phrase('gradio.status.queue_position', { position, size }) : '';
    if (node.textContent !== told) node.textContent = told;
  }).observe(results, { subtree: true, childList: true, characterData: true });
  return node;
};
