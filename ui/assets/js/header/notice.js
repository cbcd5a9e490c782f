// A short word at the foot of the page about something that was done, or could not be.

import { el, nameOf } from '../shared/dom.js';
import { publish, subscribe } from '../shared/events.js';
import { icon } from '../shared/icons.js';
import { phrase, said } from '../shared/language.js';

const SHOWN_FOR = 6000;

export class Notice {
  #toast = el('div', 'lk-toast');
  #hiding;

  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn, props, watch }) {
    this.#toast.setAttribute('role', 'status');
    drawn.append(this.#toast);
    subscribe('notice', ({ text, bad }) => this.#show(Boolean(bad), el('span', '', text)));
    watch('value', () => this.#draw(props.value || {}));
  }

  #show(bad, ...content) {
    clearTimeout(this.#hiding);
    this.#toast.className = `lk-toast shown ${bad ? 'bad' : ''}`;
    this.#toast.replaceChildren(icon(bad ? 'warning' : 'check'), ...content);
    this.#hiding = setTimeout(() => this.#toast.classList.remove('shown'), SHOWN_FOR);
  }

  #draw(value) {
    if (value.removed) {
      publish('removed', { ids: [value.removed] });
      this.#show(false, el('span', '', phrase('notice.deleted')), nameOf(value.name));
    } else if (value.removed_all) {
      publish('removed', { ids: value.removed_all });
      this.#show(false, el('span', '', phrase('notice.deleted_all', { count: value.count })));
    } else if (value.state === 'error') {
      this.#show(true, el('b', '', phrase(`error.${value.kind}`)), el('span', '', said(value.detail)));
    }
  }
}
