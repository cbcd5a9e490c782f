// Shows the check of the library: what is wrong with pictures and vectors, and what can be repaired.

import { button, el, scroller, tableHead } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { dateOf, number } from '../shared/format.js';
import { phrase, said } from '../shared/language.js';
import { jobProgress, problemLine, ReportDialog } from './dialog.js';

const POLL = 700;

const progress = (value, onStop) => {
  const isChecking = !value.repairing || value.total; // a repair ends with a check, which alone counts
  const words = isChecking
    ? phrase('doctor.progress', { done: value.done, count: value.total ?? 0 })
    : phrase('doctor.repairing');
  return jobProgress(value, phrase('doctor.checked'), words, onStop);
};

const rowOf = ({ kind, place, count, repairable, subjects }) => {
  const row = el('tr');
  const what = el('td', '', phrase(`doctor.kind.${kind}`));
  if (subjects.length) {
    const examples = el('details');
    examples.append(
      el('summary', 'lk-subtle', phrase('doctor.examples')),
      ...subjects.map((each) => el('code', '', each)),
    );
    what.append(examples);
  }
  const fate = phrase(repairable ? 'doctor.repairable' : 'doctor.by_hand');
  row.append(what, el('td', '', place), el('td', 'number', number(count)), el('td', '', fate));
  return row;
};

const table = (findings) => {
  const region = scroller('lk-doctor', phrase('doctor.title'));
  const node = el('table');
  const body = el('tbody');
  body.append(...findings.map(rowOf));
  node.append(tableHead(['what', 'place', 'count', 'fate'].map((each) => phrase(`doctor.column.${each}`))), body);
  region.append(node);
  return region;
};

export class Doctor {
  #trigger;
  #report;
  #shown = null;
  #isAsking = false; // whether something is about to be repaired
  #wasRepairing = false;

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    const { drawn, props, trigger, watch } = host;
    this.#trigger = trigger;
    this.#report = new ReportDialog(host, phrase('doctor.title'));
    drawn.append(this.#report.opener(phrase('doctor.open')));
    watch('value', () => {
      if (props.value?.at) this.#onValue(props.value);
    });
  }

  #onValue(value) {
    this.#shown = value;
    const isRepairing = value.running && value.repairing;
    if (this.#wasRepairing && !isRepairing) publish('again');
    this.#wasRepairing = isRepairing;
    if (!this.#report.isOpen) return; // closed while the answer was on its way
    this.#redraw();
    if (value.running) this.#report.askLater(POLL);
  }

  #redraw() {
    const { problem, running, report, state } = this.#shown;
    const lost = this.#report.replace(
      el('p', 'lk-subtle', phrase('doctor.about')),
      ...(problem ? [problemLine(said(problem))] : []),
      ...(state === 'stopped' && !problem ? [this.#stopped()] : []),
      ...(running ? [progress(this.#shown, () => this.#trigger('halt', {}))] : this.#found(report)),
    );
    if (lost && lost !== this.#report.dialog) this.#report.focusBody();
  }

  #stopped() {
    return el('p', '', phrase(this.#shown.repairing ? 'doctor.repair_stopped' : 'doctor.check_stopped'));
  }

  #found(report) {
    if (!this.#shown.may) return [];
    if (!report) return [this.#actions(null)];
    const { pictures, collections, findings } = report;
    const words = phrase(findings.length ? 'doctor.wrong' : 'doctor.well', { pictures, collections });
    return [
      el('p', 'lk-subtle', phrase('doctor.as_of', { date: dateOf(this.#shown.reported) })),
      el('p', 'lk-report-sentence', words),
      ...(findings.length ? [table(findings)] : []),
      this.#isAsking ? this.#question(report) : this.#actions(report),
    ];
  }

  #actions(report) {
    const box = el('div', 'lk-trash-actions');
    const check = phrase(report ? 'doctor.check_again' : 'doctor.check');
    if (report?.repairable) {
      const words = phrase('doctor.repair_ask', { count: report.repairable });
      box.append(button('lk-button primary', words, () => this.#ask(true)));
    }
    box.append(button(`lk-button${report ? '' : ' primary'}`, check, () => this.#trigger('begin', {})));
    return box;
  }

  #question(report) {
    const box = el('div', 'lk-trash-actions');
    const repair = () => {
      this.#isAsking = false;
      this.#trigger('repair', {});
    };
    box.append(
      el('p', '', phrase('doctor.sure', { count: report.repairable })),
      button('lk-button primary', phrase('doctor.repair'), repair),
      button('lk-button', phrase('common.cancel'), () => this.#ask(false)),
    );
    return box;
  }

  #ask(isAsking) {
    this.#isAsking = isAsking;
    this.#redraw();
    /** @type {HTMLElement | null} */ (this.#report.body.querySelector('.lk-trash-actions button:last-child'))?.focus();
  }
}
