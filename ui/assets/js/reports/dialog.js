// Makes the dialogs that show figures about the library: a head that closes them, and a body that is drawn anew.

import { createDialog, dialogHead } from '../shared/dialogs.js';
import { button, el, progressBar, scroller, tellProgress } from '../shared/dom.js';
import { phrase } from '../shared/language.js';

export class ReportDialog {
  dialog;
  body;
  #trigger;

  /**
   * @param {import('../shared/events.js').Host} host
   * @param {string} title
   */
  constructor({ element, trigger }, title) {
    this.#trigger = trigger;
    this.dialog = createDialog('lk-dialog lk-measuring', title);
    this.body = scroller('lk-measuring-body', phrase('dialog.figures', { title }));
    this.dialog.append(dialogHead(this.dialog, title), this.body);
    element.append(this.dialog);
  }

  get isOpen() {
    return this.dialog.open;
  }

  open() {
    if (!this.body.children.length) this.body.append(el('p', 'lk-subtle', phrase('dialog.looking')));
    this.dialog.showModal();
    this.#trigger('asked', {});
  }

  /** The button that opens it. */
  opener(words) {
    return button('lk-button', words, () => this.open());
  }

  askLater(milliseconds) {
    setTimeout(() => {
      if (this.isOpen) this.#trigger('asked', {});
    }, milliseconds);
  }

  /** Puts other nodes in, scrolled as before. Returns what had the focus, if that is gone with the old ones. */
  replace(...nodes) {
    const focused = this.dialog.contains(document.activeElement) ? document.activeElement : null;
    const { scrollTop } = this.body;
    this.body.replaceChildren(...nodes);
    this.body.scrollTop = scrollTop;
    return this.dialog.contains(document.activeElement) ? null : focused;
  }

  focusBody() {
    this.body.focus({ preventScroll: true });
  }

  /** Draws anew while the dialog is open and the window changes its width. */
  onResize(redraw) {
    let width = window.innerWidth;
    window.addEventListener('resize', () => {
      if (this.isOpen && window.innerWidth !== width) redraw();
      width = window.innerWidth;
    });
  }
}

/**
 * How far a job in the background is, and what stops it.
 * @param {{ done: number, total: number | null, stopping: boolean, may: boolean }} job
 * @param {string} label
 * @param {string} words
 * @param {() => void} onStop
 */
export const jobProgress = (job, label, words, onStop) => {
  const box = el('div', 'lk-report-progress');
  const share = job.total ? (100 * job.done) / job.total : 0;
  const { track, fill } = progressBar(label);
  track.setAttribute('aria-valuemin', '0');
  tellProgress(track, Math.round(share), 100);
  fill.style.width = `${share}%`;
  box.append(track, el('span', 'lk-subtle', job.stopping ? phrase('common.stopping') : words));
  if (job.may && !job.stopping) box.append(button('lk-button', phrase('common.stop'), onStop));
  return box;
};

/** @param {string} words */
export const problemLine = (words) => {
  const problem = el('p', 'lk-problem', words);
  problem.setAttribute('role', 'alert');
  return problem;
};
