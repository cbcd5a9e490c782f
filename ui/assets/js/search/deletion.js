// Shows the dialog that asks before several pictures are deleted, with the first of them.

import { fate } from '../shared/deletion_words.js';
import { createDialog } from '../shared/dialogs.js';
import { button, el } from '../shared/dom.js';
import { phrase } from '../shared/language.js';
import { mediaUrl } from '../shared/urls.js';

const SHOWN = 6;

const thumbnails = (ids) => {
  const node = el('div', 'lk-discarded');
  for (const id of ids.slice(0, SHOWN)) {
    const image = el('img');
    image.alt = '';
    image.src = mediaUrl('thumb', id);
    node.append(image);
  }
  const more = ids.length - SHOWN;
  if (more > 0) node.append(el('span', '', phrase('selection.and_more', { count: more })));
  return node;
};

const warning = (count, elsewhere, days) => {
  const words = [phrase('selection.files_too', { count })];
  if (elsewhere > 0) words.push(phrase('selection.others_too', { count: elsewhere }));
  return [...words, fate(days)].join(' ');
};

export class DeletionDialog {
  #dialog = createDialog('lk-dialog lk-discard');
  #onDelete;
  #days;

  /**
   * @param {HTMLElement} element where the dialog goes
   * @param {number} days for which the trash keeps what was deleted
   * @param {Function} onDelete is told the content IDs
   */
  constructor(element, days, onDelete) {
    this.#days = days;
    this.#onDelete = onDelete;
    element.append(this.#dialog);
  }

  /**
   * @param {string[]} ids
   * @param {number} elsewhere how many of them are on other pages
   */
  open(ids, elsewhere) {
    const count = ids.length;
    const dialog = this.#dialog;
    const question = phrase('selection.question', { count });
    dialog.setAttribute('aria-label', question);
    const keep = button('lk-button', phrase('selection.keep', { count }), () => dialog.close());
    const removeAll = () => {
      dialog.close();
      this.#onDelete(ids);
    };
    const remove = button(
      'lk-button danger filled',
      phrase(this.#days ? 'selection.trash' : 'selection.remove', { count }),
      removeAll,
      'trash',
    );
    const actions = el('div', 'lk-actions');
    actions.append(remove, keep);
    dialog.replaceChildren(
      el('h2', '', question),
      thumbnails(ids),
      el('p', '', warning(count, elsewhere, this.#days)),
      actions,
    );
    dialog.showModal();
    keep.focus();
  }
}
