// Shows what was deleted in the last days: each picture can be restored, and everything removed for good.

import { button, el, nameOf } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { dateOf } from '../shared/format.js';
import { phrase, said } from '../shared/language.js';
import { problemLine, ReportDialog } from './dialog.js';

const DAY = 86_400_000;

const kept = ({ deleted, expires }) => {
  const days = Math.max(0, Math.ceil((Date.parse(expires) - Date.now()) / DAY));
  return [phrase('trash.deleted', { date: dateOf(deleted) }), phrase('trash.left', { count: days })].join(' ');
};

export class Trash {
  #trigger;
  #report;
  #shown = null;
  #isAsking = false; // whether everything is about to be removed

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    const { drawn, props, trigger, watch } = host;
    this.#trigger = trigger;
    this.#report = new ReportDialog(host, phrase('trash.title'));
    drawn.append(this.#report.opener(phrase('trash.open')));
    watch('value', () => {
      if (props.value?.at) this.#onValue(props.value);
    });
  }

  #onValue(value) {
    this.#shown = value;
    if (value.restored !== undefined) {
      if (value.restored) publish('notice', { text: phrase('notice.restored', { count: value.restored }) });
      publish('again');
    }
    if (this.#report.isOpen) this.#redraw();
  }

  #redraw() {
    const { problem, count, pictures, collections, days } = this.#shown;
    const isEmpty = !count && !collections.length;
    const words = days ? phrase('trash.about', { count: days }) : phrase('trash.off');
    const lost = this.#report.replace(
      el('p', 'lk-subtle', words),
      ...(problem ? [problemLine(said(problem))] : []),
      ...(isEmpty && !problem ? [el('p', 'lk-report-sentence', phrase('trash.empty'))] : []),
      ...(isEmpty ? [] : [this.#isAsking ? this.#question() : this.#actions()]),
      this.#list(pictures, collections),
      ...(count > pictures.length
        ? [el('p', 'lk-small', phrase('trash.first', { count, shown: pictures.length }))]
        : []),
    );
    if (lost && lost !== this.#report.dialog) this.#report.focusBody();
  }

  #actions() {
    const { pictures } = this.#shown;
    const box = el('div', 'lk-trash-actions');
    const ids = pictures.map(({ id }) => id);
    if (ids.length > 1) {
      const restoreAll = () => this.#trigger('restore', { ids });
      box.append(button('lk-button', phrase('trash.restore_all', { count: ids.length }), restoreAll));
    }
    box.append(button('lk-button danger', phrase('trash.empty_ask'), () => this.#ask(true), 'trash'));
    return box;
  }

  #question() {
    const { count, collections } = this.#shown;
    const box = el('div', 'lk-trash-actions');
    const words = phrase('trash.sure', { pictures: count, collections: collections.length });
    const empty = () => {
      this.#isAsking = false;
      this.#trigger('discard', {});
    };
    const leave = button('lk-button', phrase('common.cancel'), () => this.#ask(false));
    box.append(
      el('p', '', words),
      button('lk-button danger filled', phrase('common.delete_for_good'), empty, 'trash'),
      leave,
    );
    return box;
  }

  #ask(isAsking) {
    this.#isAsking = isAsking;
    this.#redraw();
    /** @type {HTMLElement | null} */ (this.#report.body.querySelector('.lk-trash-actions button:last-child'))?.focus();
  }

  #list(pictures, collections) {
    const list = el('ul', 'lk-trash');
    for (const each of pictures) {
      const image = el('img');
      image.alt = '';
      if (each.image) image.src = each.image;
      list.append(this.#entry(each.name, each, { ids: [each.id] }, image));
    }
    for (const each of collections) {
      const name = phrase('trash.vectors', { name: each.name, count: each.rows });
      list.append(this.#entry(name, each, { collection: each.key }, el('span', 'lk-trash-vectors')));
    }
    return list;
  }

  #entry(name, each, detail, image) {
    const item = el('li');
    const words = el('div', 'lk-trash-words');
    words.append(nameOf(name), el('span', 'lk-subtle', kept(each)));
    const restore = button('lk-button', phrase('trash.restore'), () => this.#trigger('restore', detail));
    restore.setAttribute('aria-label', phrase('trash.restore_named', { name }));
    item.append(image, words, restore);
    return item;
  }
}
