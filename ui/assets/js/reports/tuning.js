// Shows the measurement of accuracy: recall and time of the index for each nprobe, beside exact search.

import { button, el } from '../shared/dom.js';
import { milliseconds, number } from '../shared/format.js';
import { listed, phrase, said } from '../shared/language.js';
import { jobProgress, problemLine, ReportDialog } from './dialog.js';
import { legend, linePlot } from './plots.js';
import { figuresTable } from './tables.js';

const POLL = 700;
const FROM = Object.fromEntries(
  ['given', 'asked', 'pictures', 'everyday'].map((source) => [source, phrase(`tuning.from.${source}`)]),
);

const progress = (value, onStop) => {
  const words = value.total
    ? phrase('tuning.progress', { done: value.done, all: value.total })
    : phrase('tuning.preparing');
  return jobProgress(value, phrase('tuning.done'), words, onStop);
};

const texts = (result) => {
  const sources = Object.entries(result.texts_from);
  const count = (amount) => (sources.length > 1 ? ` ${number(amount)}` : '');
  const parts = sources.map(([source, amount]) => `${FROM[source] || source}${count(amount)}`);
  return `${phrase('count.texts', { count: result.texts })}${parts.length ? ` (${listed(parts)})` : ''}`;
};

const marksOf = ({ suggested, present, nlist }) => {
  const label = present >= nlist ? phrase('tuning.automatic_all') : phrase('tuning.automatic_at', { nprobe: present });
  const marks = [{ x: present, label, className: 'present' }];
  if (!suggested || suggested === present) return marks;
  return [
    { x: suggested, label: phrase('tuning.suggested_at', { nprobe: suggested }), className: 'suggested' },
    ...marks,
  ];
};

const figure = (title, key, result, width, options) => {
  const { steps } = result;
  const node = el('figure');
  const kinds = /** @type {('picture' | 'text')[]} */ (['picture', 'text']);
  const plot = linePlot({
    label: phrase('tuning.plot', { title }),
    width,
    height: 240,
    xs: steps.map((step) => step.nprobe),
    series: kinds.map((kind) => ({ kind, values: steps.map((step) => step[key][kind]) })),
    marks: marksOf(result),
    ...options,
  });
  node.append(el('figcaption', '', title), plot);
  return node;
};

const plots = (result, wide) => {
  const box = el('div', 'lk-plots');
  const width = wide > 640 ? Math.floor((wide - 20) / 2) : wide;
  const { steps, exact, target, k } = result;
  const lowest = Math.min(...steps.flatMap((step) => Object.values(step.recall)));
  const times = [...steps.flatMap((step) => Object.values(step.milliseconds)), ...Object.values(exact)];
  box.append(
    figure(phrase('tuning.recall', { k }), 'recall', result, width, {
      low: Math.min(0.9, Math.floor(lowest * 10) / 10),
      high: 1,
      format: (value) => value.toFixed(2),
      goal: target,
    }),
    figure(phrase('tuning.time'), 'milliseconds', result, width, {
      low: 0,
      high: 1.1 * Math.max(...times),
      format: (value) => String(Number(value.toPrecision(3))),
    }),
  );
  return box;
};

const rowOf = (step, { present, suggested }) => {
  const marks = [
    ...(step.nprobe === present ? [phrase('tuning.now')] : []),
    ...(step.nprobe === suggested ? [phrase('tuning.suggested')] : []),
  ];
  const kinds = ['text', 'picture'].flatMap((kind) => [
    step.recall[kind].toFixed(3),
    milliseconds(step.milliseconds[kind]),
  ]);
  return {
    cells: [number(step.nprobe), ...kinds, listed(marks)],
    className: step.nprobe === suggested ? 'suggested' : '',
  };
};

const table = (result) => {
  const { exact } = result;
  const times = [milliseconds(exact.text), milliseconds(exact.picture)];
  const exactRow = [phrase('tuning.exact'), '1.000', times[0], '1.000', times[1], ''];
  const time = phrase('tuning.milliseconds');
  const titles = ['nprobe', phrase('tuning.texts'), time, phrase('tuning.pictures'), time, ''];
  const rows = [...result.steps.map((step) => rowOf(step, result)), { cells: exactRow }];
  return figuresTable(phrase('tuning.table'), titles, rows, 'steps');
};

const sentence = ({ suggested, steps, target }) => {
  const step = steps.find((each) => each.nprobe === suggested);
  if (!step) return phrase('tuning.out_of_reach', { target });
  const time = (kind) => `${step.milliseconds[kind].toFixed(1)} ms`;
  return phrase('tuning.found', {
    nprobe: suggested,
    text: step.recall.text.toFixed(3),
    text_time: time('text'),
    picture: step.recall.picture.toFixed(3),
    picture_time: time('picture'),
  });
};

/** What the suggestion saves beside comparing with every picture. */
const gain = ({ suggested, steps, exact }) => {
  const fast = Math.max(...Object.values(steps.find((each) => each.nprobe === suggested).milliseconds));
  const slow = Math.max(...Object.values(exact));
  return phrase(fast > 0.8 * slow ? 'tuning.saves_little' : 'tuning.exact_takes', { time: `${slow.toFixed(1)} ms` });
};

const conditions = (result) => {
  const words = phrase('tuning.conditions', {
    rows: phrase('count.pictures', { count: result.rows }),
    nlist: result.nlist,
    backend: result.backend,
    texts: texts(result),
    pictures: phrase('tuning.stored', { count: result.pictures }),
  });
  return el('p', 'lk-small', words);
};

const seriesLegend = ({ target }) =>
  legend([
    ['text', phrase('tuning.texts')],
    ['picture', phrase('tuning.pictures')],
    ['goal', phrase('tuning.target', { target })],
  ]);

export class Tuning {
  #trigger;
  #report;
  #shown = null;

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    const { drawn, props, trigger, watch } = host;
    this.#trigger = trigger;
    this.#report = new ReportDialog(host, phrase('tuning.title'));
    drawn.append(this.#report.opener(phrase('tuning.open')));
    watch('value', () => {
      if (props.value?.at) this.#onValue(props.value);
    });
    this.#report.onResize(() => {
      if (this.#shown) this.#redraw();
    });
  }

  #onValue(value) {
    this.#shown = value;
    if (!this.#report.isOpen) return; // closed while the answer was on its way
    this.#redraw();
    if (value.state === 'running') this.#report.askLater(POLL);
  }

  #redraw() {
    const lost = this.#report.replace(...this.#content(this.#shown));
    if (!lost) return;
    const buttons = [...this.#report.body.querySelectorAll('button')];
    const same = buttons.find((each) => each.textContent === lost.textContent);
    if (same) same.focus({ preventScroll: true });
    else this.#report.focusBody();
  }

  #content(value) {
    const { problem, outdated, result } = value;
    const isMeasuring = value.state === 'running';
    const parts = [];
    if (problem) parts.push(problemLine(said(problem)));
    if (outdated) parts.push(el('p', 'lk-subtle', phrase('tuning.outdated', { nprobe: outdated })));
    if (isMeasuring) parts.push(progress(value, () => this.#trigger('halt', {})));
    else parts.push(result ? this.#decision(value) : this.#introduction(value));
    if (!result) return parts;
    const width = this.#report.body.clientWidth - 8;
    return [...parts, conditions(result), seriesLegend(result), plots(result, width), table(result)];
  }

  #beginButton(className, words) {
    return button(className, words, () => this.#trigger('begin', {}));
  }

  #introduction({ may }) {
    const box = el('div', 'lk-report-decision');
    box.append(el('p', '', phrase('tuning.about')));
    if (may) box.append(this.#beginButton('lk-button primary', phrase('tuning.begin')));
    else box.append(el('p', 'lk-subtle', phrase('tuning.none', { command: 'python app.py tune' })));
    return box;
  }

  #decision({ result, chosen, may }) {
    const box = el('div', 'lk-report-decision');
    box.append(el('p', 'lk-report-sentence', sentence(result)));
    if (result.suggested) box.append(el('p', 'lk-subtle', gain(result)));
    if (chosen) box.append(el('p', 'lk-subtle', phrase('tuning.chosen', { nprobe: chosen })));
    if (may) box.append(this.#actions(result.suggested, chosen));
    return box;
  }

  #actions(suggested, chosen) {
    const actions = el('div', 'lk-report-actions');
    if (suggested && suggested !== chosen) {
      const use = () => this.#trigger('choose', { suggested: true });
      actions.append(button('lk-button primary', phrase('tuning.use', { nprobe: suggested }), use));
    }
    if (chosen) actions.append(button('lk-button', phrase('tuning.unchoose'), () => this.#trigger('choose', {})));
    actions.append(this.#beginButton('lk-button', phrase('tuning.again')));
    return actions;
  }
}
