// Shows near-duplicates side by side, group by group, to keep one, keep all, or take one out of the group.

import { button, el } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { phrase, said } from '../shared/language.js';
import { jobProgress, problemLine, ReportDialog } from './dialog.js';
import { DuplicateGroup } from './duplicate_group.js';

const POLL = 700;

const progress = (value, onStop) => {
  const words = value.total
    ? phrase('duplicates.progress', { done: value.done, count: value.total })
    : phrase('duplicates.loading');
  return jobProgress(value, phrase('duplicates.compared'), words, onStop);
};

const found = ({ found: count = 0, groups, may }) => {
  if (groups === null) return [el('p', '', phrase('duplicates.about'))];
  if (!count) return [el('p', 'lk-report-sentence', phrase('duplicates.none'))];
  const first = groups.length;
  const words =
    count > first ? phrase('duplicates.groups_of', { count, first }) : phrase('duplicates.groups', { count });
  const sentence = el('p', 'lk-report-sentence', words);
  return may ? [sentence, el('p', 'lk-subtle', phrase('duplicates.best_chosen'))] : [sentence];
};

const summary = (value, onBegin) => {
  const box = el('div', 'lk-report-decision');
  if (value.too_small) {
    box.append(el('p', '', phrase('duplicates.too_small')));
    return box;
  }
  const isNew = value.groups === null;
  box.append(...found(value));
  if (!isNew && !value.current) box.append(el('p', 'lk-subtle', phrase('duplicates.changed')));
  if (value.may || !value.current) {
    const words = phrase(isNew ? 'duplicates.look' : 'duplicates.look_again');
    box.append(button(`lk-button${isNew ? ' primary' : ''}`, words, onBegin));
  }
  return box;
};

export class Duplicates {
  #trigger;
  #days;
  #report;
  #shown = null;
  #asking = null; // the group whose pictures are about to be deleted
  #kept = new Map(); // the picture to keep, by group
  #next = null; // which group has the focus once a decision is made

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    const { drawn, props, trigger, watch } = host;
    this.#trigger = trigger;
    this.#days = props.trash_days;
    this.#report = new ReportDialog(host, phrase('duplicates.title'));
    drawn.append(this.#report.opener(phrase('duplicates.open')));
    watch('value', () => {
      if (props.value?.at) this.#onValue(props.value);
    });
  }

  #onValue(value) {
    this.#shown = value;
    if (value.removed) publish('removed', { ids: value.removed });
    if (value.notice) publish('notice', { text: phrase(value.notice.key, value.notice.values) });
    if (!this.#report.isOpen) return; // closed while the answer was on its way
    this.#redraw();
    if (this.#next !== null) this.#focusGroup(this.#next);
    this.#next = null;
    if (value.state === 'running') this.#report.askLater(POLL);
  }

  #redraw() {
    const { problem, state, groups } = this.#shown;
    const parts =
      state === 'running'
        ? [progress(this.#shown, () => this.#trigger('halt', {}))]
        : [
            summary(this.#shown, () => this.#trigger('begin', {})),
            ...(groups || []).map((group) => this.#group(group).node),
          ];
    const lost = this.#report.replace(...(problem ? [problemLine(said(problem))] : []), ...parts);
    if (lost && lost !== this.#report.dialog) this.#report.focusBody();
  }

  #group(group) {
    const { key } = group;
    return new DuplicateGroup(group, {
      kept: this.#kept.get(key),
      isAsking: this.#asking === key,
      mayDecide: this.#shown.may,
      trashDays: this.#days,
      onKeep: (id) => this.#keep(key, id),
      onAsk: (isAsking) => this.#ask(key, isAsking),
      onDecide: (decision, id) => this.#decide(key, decision, id),
    });
  }

  #sections() {
    return [...this.#report.body.querySelectorAll('.lk-alikes')];
  }

  #sectionOf(key) {
    return this.#sections().find((each) => each.dataset.key === key);
  }

  #focusGroup(at) {
    const sections = this.#sections();
    const section = sections[Math.min(at, sections.length - 1)];
    (section?.querySelector('h3') || this.#report.body).focus();
  }

  #keep(key, id) {
    this.#kept.set(key, id);
    for (const each of this.#sectionOf(key).querySelectorAll('.lk-alike')) {
      each.classList.toggle('kept', each.dataset.id === id);
    }
    if (this.#asking === key) this.#redraw();
  }

  #ask(key, isAsking) {
    this.#asking = isAsking ? key : null;
    this.#redraw();
    const selector = isAsking ? '.lk-alikes-actions .lk-button:last-child' : '.lk-keep';
    this.#sectionOf(key)?.querySelector(selector)?.focus();
  }

  #decide(key, decision, id = '') {
    this.#asking = null;
    this.#next = this.#sections().findIndex((each) => each.dataset.key === key);
    this.#trigger('decide', { key, decision, id });
  }
}
