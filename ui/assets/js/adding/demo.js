// Says who sees what a visitor of the demo adds, and until when: before anything is chosen, and again once it is there.

import { button, el } from '../shared/dom.js';
import { publish, subscribe } from '../shared/events.js';
import { dateOf } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { phrase, said } from '../shared/language.js';

const LATER = 1000; // milliseconds after the time is over

export class Demo {
  #trigger;
  #shown = null;
  #isAsking = false; // whether everything is about to be removed
  #ending;
  #box = el('div', 'lk-demo');

  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn, props, trigger, watch }) {
    this.#trigger = trigger;
    this.#box.setAttribute('role', 'region');
    this.#box.setAttribute('aria-label', phrase('demo.title'));
    drawn.append(this.#box);
    watch('value', () => {
      if (props.value?.at) this.#onValue(props.value);
    });
    subscribe('changed', () => trigger('asked', {}));
    subscribe('removed', () => trigger('asked', {}));
  }

  #onValue(value) {
    this.#shown = value;
    if (value.was_reset && !value.problem) {
      publish('notice', { text: phrase('demo.removed') });
      publish('visit', {});
    }
    this.#askAtTheEnd(value.expires);
    this.#draw();
  }

  /** What has ended is not to be shown on a page that stays open. */
  #askAtTheEnd(expires) {
    clearTimeout(this.#ending);
    const left = expires ? Date.parse(expires) - Date.now() : 0;
    if (left <= 0 || left > 2 ** 31 - LATER - 1) return;
    this.#ending = setTimeout(() => {
      this.#trigger('asked', {});
      publish('visit', {});
    }, left + LATER);
  }

  #draw() {
    const { problem, known } = this.#shown;
    if (!known) {
      this.#box.replaceChildren(...(problem ? [this.#line(said(problem))] : [this.#line(phrase('demo.no_cookie'))]));
      return;
    }
    this.#box.replaceChildren(
      ...(problem ? [this.#line(said(problem))] : []),
      ...(this.#isAsking ? this.#question() : this.#words()),
    );
  }

  #line(text) {
    return el('p', '', text);
  }

  #words() {
    const { count, quota, hours, expires } = this.#shown;
    const title = el('p', 'lk-demo-title');
    title.append(icon('lock'), el('b', '', phrase(expires ? 'demo.yours_only' : 'demo.only_you')));
    if (!expires) {
      const rules = [phrase('demo.most', { count: quota }), phrase('demo.kept', { count: hours })].join(' ');
      return [title, this.#line(rules), this.#line(phrase('demo.operator'))];
    }
    const remove = button('lk-button', phrase('demo.remove'), () => this.#ask(true), 'trash');
    const words = [
      phrase('demo.count', { done: count, count: quota }),
      phrase('demo.until', { date: dateOf(expires) }),
    ];
    return [title, this.#line(words.join(' ')), this.#line(phrase('demo.operator')), remove];
  }

  #question() {
    const remove = () => {
      this.#isAsking = false;
      this.#trigger('reset', {});
    };
    const actions = el('div', 'lk-demo-actions');
    actions.append(
      button('lk-button danger filled', phrase('common.delete_for_good'), remove, 'trash'),
      button('lk-button', phrase('common.cancel'), () => this.#ask(false)),
    );
    return [this.#line(phrase('demo.sure')), actions];
  }

  #ask(isAsking) {
    this.#isAsking = isAsking;
    this.#draw();
    /** @type {HTMLElement | null} */ (this.#box.querySelector('button:last-child'))?.focus();
  }
}
