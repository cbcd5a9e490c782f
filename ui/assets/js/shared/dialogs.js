// Holds what all dialogs have in common.

import { el, iconButton } from './dom.js';
import { phrase } from './language.js';

/**
 * A dialog that a click beside it closes.
 * @param {string} className
 * @param {string} label
 */
export const createDialog = (className, label = '') => {
  const dialog = el('dialog', className);
  if (label) dialog.setAttribute('aria-label', label);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
};

/**
 * The top of a dialog: its title, what else stands there, and what closes it.
 * @param {HTMLDialogElement} dialog
 * @param {string} title
 * @param {Node[]} others
 */
export const dialogHead = (dialog, title, ...others) => {
  const head = el('div', 'lk-dialog-head');
  const close = iconButton('lk-button bare', phrase('common.close'), 'close', () => dialog.close());
  head.append(el('h2', '', title), ...others, close);
  return head;
};
