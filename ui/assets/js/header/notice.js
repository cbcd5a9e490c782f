// Shows a notice at the foot of the page about something that was done, or could not be.

import { button, el, nameOf } from '../shared/dom.js';
import { publish, subscribe } from '../shared/events.js';
import { icon } from '../shared/icons.js';
import { phrase, said } from '../shared/language.js';

const SHOWN_FOR = 6000;
const SHOWN_WITH_UNDO = 12_000;

/** Somebody may have added a picture again before its deletion was undone. */
const wordsOf = ({ restored, there }) =>
  restored ? phrase('notice.restored', { count: restored }) : phrase('notice.there', { count: there });

export class Notice {
  #toast = el('div', 'lk-toast');
  #hiding;
  #trigger;

  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn, props, trigger, watch }) {
    this.#trigger = trigger;
    this.#toast.setAttribute('role', 'status');
    drawn.append(this.#toast);
    subscribe('notice', ({ text, bad }) => this.#show(Boolean(bad), el('span', '', text)));
    watch('value', () => this.#draw(props.value || {}));
  }

  #show(bad, ...content) {
    clearTimeout(this.#hiding);
    this.#toast.className = `lk-toast shown ${bad ? 'bad' : ''}`;
    this.#toast.replaceChildren(icon(bad ? 'warning' : 'check'), ...content);
    const shownFor = this.#toast.querySelector('.lk-undo') ? SHOWN_WITH_UNDO : SHOWN_FOR;
    this.#hiding = setTimeout(() => this.#toast.classList.remove('shown'), shownFor);
  }

  #undo({ undo }, ids) {
    return undo ? [button('lk-button lk-undo', phrase('notice.undo'), () => this.#trigger('undo', { ids }))] : [];
  }

  #draw(value) {
    if (value.removed) {
      publish('removed', { ids: [value.removed] });
      this.#show(
        false,
        el('span', '', phrase('notice.deleted')),
        nameOf(value.name),
        ...this.#undo(value, [value.removed]),
      );
    } else if (value.removed_all) {
      publish('removed', { ids: value.removed_all });
      const words = phrase('notice.deleted_all', { count: value.count });
      this.#show(false, el('span', '', words), ...this.#undo(value, value.deleted));
    } else if (value.restored !== undefined) {
      publish('again');
      this.#show(false, el('span', '', wordsOf(value)));
    } else if (value.state === 'error') {
      if (value.lost) publish('removed', { ids: value.lost });
      this.#show(true, el('b', '', phrase(`error.${value.kind}`)), el('span', '', said(value.detail)));
    }
  }
}
