// Gives Gradio's own controls their names for screen readers, in the page's language, and their keys.

import { IMAGE_FILES } from '../shared/files.js';
import { phrase } from '../shared/language.js';

const find = (selector) => document.querySelector(selector);

const label = (selector, text) => {
  const node = find(selector);
  if (node && node.getAttribute('aria-label') !== text) node.setAttribute('aria-label', text);
};

// Gradio says these itself, and in English only.
const translate = () => {
  const submit = find('#query .submit-button');
  if (submit && submit.textContent.trim() !== phrase('form.search')) submit.textContent = phrase('form.search');
  for (const node of document.querySelectorAll('#side input[aria-label]')) {
    const [, kind, name] = /^(number input|range slider) for (.*)$/.exec(node.getAttribute('aria-label')) || [];
    const key = kind === 'number input' ? 'form.number_of' : 'form.slider_of';
    if (kind) node.setAttribute('aria-label', phrase(key, { name }));
  }
};

const nameControls = () => {
  translate();
  label('#query [aria-label="Multimedia input field"]', phrase('form.box'));
  label('#query textarea', phrase('form.describe'));
  label('#query .submit-button', phrase('form.search'));
  label('#accuracy', phrase('form.accuracy'));
  label('#query .upload-button', phrase('form.choose'));
  const input = /** @type {HTMLInputElement | null} */ (find('#query input[type=file]'));
  if (input) input.accept = IMAGE_FILES;
  for (const node of document.querySelectorAll('#side button.label-wrap')) {
    node.setAttribute('aria-expanded', String(node.classList.contains('open')));
    node.querySelector('.icon')?.setAttribute('aria-hidden', 'true');
  }
  // A list that also holds buttons is none to a screen reader.
  find('#query .thumbnails')?.setAttribute('role', 'group');
  for (const node of document.querySelectorAll('#query .thumbnails [role=listitem]')) node.removeAttribute('role');
};

const matches = (event, selector) => event.target.matches?.(selector);
const NUMBERS = '#side input[type=number]';

const applyNumber = (event) => {
  if (event.key === 'Enter' && matches(event, NUMBERS)) event.target.blur();
};

// Gradio takes a slider for released only when a pointer lets it go,
const releaseSlider = (event) => {
  if (!/^(Arrow|Page|Home|End)/.test(event.key) || !matches(event, '#side input[type=range]')) return;
  event.target.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
};

// and whenever its number is left: a visitor who only passes by asks for no search.
const ignoreUnchangedNumbers = () => {
  let entered = null;
  document.addEventListener('focusin', (event) => {
    if (matches(event, NUMBERS)) entered = /** @type {HTMLInputElement} */ (event.target).value;
  });
  const leave = (event) => {
    if (matches(event, NUMBERS) && event.target.value === entered) event.stopImmediatePropagation();
  };
  document.addEventListener('blur', leave, true);
};

// A picture of a kind that browsers cannot show, or no picture at all, leaves an empty square.
const hideUnreadable = (event) => {
  if (matches(event, '#query img')) event.target.style.visibility = 'hidden';
};

export const repairControls = () => {
  nameControls();
  new MutationObserver(nameControls).observe(find('#query'), { childList: true, subtree: true });
  document.addEventListener('click', () => setTimeout(nameControls, 60));
  document.addEventListener('focusin', nameControls);
  document.addEventListener('keydown', applyNumber);
  document.addEventListener('error', hideUnreadable, true);
  document.addEventListener('keyup', releaseSlider);
  ignoreUnchangedNumbers();
};
