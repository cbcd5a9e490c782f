// Starts what belongs to the page as a whole, once Gradio has drawn it.

import { el } from '../shared/dom.js';
import { followSettings, phrase } from '../shared/language.js';
import { repairControls } from './controls.js';
import { outweighGradio } from './styles.js';

const FIELDS = ['INPUT', 'TEXTAREA', 'SELECT'];

const focus = (selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector))?.focus();

const closeOnPhones = () => {
  if (window.innerWidth >= 768) return;
  for (const node of document.querySelectorAll('#side button.label-wrap.open')) {
    /** @type {HTMLElement} */ (node).click();
  }
};

// Between the search box and the pictures lie all the settings.
const addSkipLink = () => {
  const link = el('a', 'lk-skip', phrase('form.skip'));
  link.href = '#results';
  link.addEventListener('click', (event) => {
    event.preventDefault(); // the address belongs to the search
    focus('#results .lk-line');
  });
  document.body.prepend(link);
};

const focusSearch = (event) => {
  const active = /** @type {HTMLElement} */ (document.activeElement);
  const typing = FIELDS.includes(active.tagName) || active.isContentEditable;
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  if (document.querySelector('dialog[open]')) return;
  event.preventDefault();
  focus('#query textarea');
};

export const startPage = () => {
  followSettings();
  outweighGradio();
  repairControls();
  addSkipLink();
  closeOnPhones();
  document.addEventListener('keydown', focusSearch);
};
