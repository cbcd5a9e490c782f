// Shows messages in place of pictures where there are none, or beside them.

import { button, el } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { icon } from '../shared/icons.js';
import { inEnglish, phrase, said } from '../shared/language.js';

const EXAMPLES = ['balloons', 'mountains', 'heart', 'city', 'stripes'];

const message = (className, iconName, title, ...paragraphs) => {
  const node = el('div', `lk-message ${className}`);
  const badge = el('span', 'lk-badge');
  badge.append(icon(iconName));
  node.append(badge, el('h2', '', title), ...paragraphs.filter(Boolean).map((text) => el('p', '', text)));
  return node;
};

export const unfilterButton = (className, onUnfilter) =>
  button(className, phrase('results.unfilter'), onUnfilter, 'close');

export const readOnlyLibrary = () =>
  message('', 'picture', phrase('empty.title'), phrase('empty.read_only', { setting: 'EDITS=none' }));

/** @param {() => void} onSamples */
export const emptyLibrary = (onSamples) => {
  const node = message('inviting', 'picture', phrase('empty.inviting'), phrase('empty.how'));
  const addSamples = () => {
    samples.disabled = true;
    onSamples();
  };
  const samples = button('lk-button primary', phrase('empty.samples'), addSamples, 'picture');
  const row = el('div', 'lk-choices');
  row.append(
    samples,
    button('lk-button', phrase('uploads.choose'), () => publish('choose'), 'upload'),
  );
  node.append(row);
  return node;
};

/**
 * @param {{ offset?: number, min_score?: number }} answer
 * @param {(() => void) | null} onUnfilter if filters are what left nothing
 */
export const noMatch = (answer, onUnfilter) => {
  if (answer.offset) return message('', 'picture', phrase('none.no_more'), phrase('none.all_shown'));
  if (onUnfilter) {
    const node = message('', 'picture', phrase('none.filtered'), phrase('none.change'));
    node.append(unfilterButton('lk-button', onUnfilter));
    return node;
  }
  if (answer.min_score > 0) {
    const lower = phrase('none.lower', { score: answer.min_score.toFixed(2) });
    return message('', 'picture', phrase('none.too_far'), lower);
  }
  return message('', 'picture', phrase('none.title'), phrase('none.not_encoded'));
};

/**
 * @param {{ kind: string, detail: string, retry: boolean }} answer
 * @param {() => void} onRetry
 * @param {(() => void) | null} onUnfilter
 */
export const failure = (answer, onRetry, onUnfilter) => {
  const node = message('bad', 'warning', phrase(`error.${answer.kind}`), said(answer.detail));
  node.setAttribute('role', 'alert');
  if (answer.retry) node.append(button('lk-button', phrase('common.try_again'), onRetry, 'again'));
  else if (onUnfilter) node.append(unfilterButton('lk-button', onUnfilter));
  return node;
};

/** @param {() => void} onLeave */
export const waiting = (onLeave) => {
  const node = message('waiting', 'hourglass', phrase('waiting.title'), phrase('waiting.how'));
  node.append(button('lk-button', phrase('waiting.library'), onLeave, 'picture'));
  return node;
};

export const unsure = () => {
  const node = el('div', 'lk-unsure');
  const words = el('div');
  words.append(el('b', '', phrase('said.no_confident_match')), el('span', '', phrase('results.unsure_still')));
  node.append(icon('unsure'), words);
  return node;
};

/**
 * @param {boolean} readsAll whether the model reads more than English
 * @param {(text: string) => void} onChosen
 */
export const examples = (readsAll, onChosen) => {
  const node = el('div', 'lk-examples');
  node.append(el('span', '', phrase('examples.try')));
  for (const name of EXAMPLES) {
    const text = readsAll ? phrase(`examples.of.${name}`) : inEnglish(`examples.of.${name}`);
    node.append(button('lk-example', text, () => onChosen(text)));
  }
  return node;
};
