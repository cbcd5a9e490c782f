// Shows the list of evaluations, and one of them with all its sections.

import { el } from '../shared/dom.js';
import { dateOf } from '../shared/format.js';
import { listed, phrase } from '../shared/language.js';
import { ReportDialog } from './dialog.js';
import { classSection, summary, TASKS, taskSection, templateSection, worstSection } from './evaluation_sections.js';

const choice = (label, options, selected, onChange) => {
  const box = el('label', 'lk-choice', label);
  const select = el('select');
  select.append(...options.map(([value, text]) => new Option(text, value, false, value === selected)));
  select.addEventListener('change', () => onChange(select.value));
  box.append(select);
  return box;
};

const nothingEvaluated = () => {
  const box = el('div', 'lk-report-decision');
  box.append(
    el('p', '', phrase('evaluation.none')),
    el('pre', 'lk-code', 'python app.py evaluate FOLDER --labels-from-folders'),
  );
  return box;
};

export class Evaluations {
  #trigger;
  #report;
  #shown = null;
  #model = 0;

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    const { drawn, props, trigger, watch } = host;
    this.#trigger = trigger;
    this.#report = new ReportDialog(host, phrase('evaluation.title'));
    drawn.append(this.#report.opener(phrase('evaluation.open')));
    watch('value', () => {
      if (!props.value?.at) return;
      this.#shown = props.value;
      if (this.#report.isOpen) this.#redraw();
    });
    this.#report.onResize(() => {
      if (this.#shown) this.#redraw();
    });
  }

  #redraw() {
    const evaluation = this.#shown.shown;
    if (!evaluation) {
      this.#report.replace(nothingEvaluated());
      return;
    }
    this.#model = Math.min(this.#model, evaluation.models.length - 1);
    const each = evaluation.models[this.#model];
    const width = Math.min(640, this.#report.body.clientWidth - 8);
    const sections = [
      this.#evaluationChoice(evaluation),
      summary(evaluation),
      ...Object.keys(TASKS).map((kind) => taskSection(evaluation, kind, width)),
      this.#modelChoice(evaluation),
      templateSection(evaluation, each),
      worstSection(evaluation, each),
      classSection(each),
    ];
    this.#report.replace(...sections.filter(Boolean));
  }

  #evaluationChoice({ at }) {
    const bar = el('div', 'lk-evaluations');
    const options = this.#shown.kept.map((each) => {
      return [each.at, `${dateOf(each.at)}: ${each.source}, ${listed(each.models)}`];
    });
    bar.append(choice(phrase('evaluation.title'), options, at, (chosen) => this.#trigger('asked', { at: chosen })));
    return bar;
  }

  #modelChoice({ models }) {
    if (models.length < 2) return null;
    const options = models.map((one, index) => [String(index), one.model]);
    return choice(phrase('evaluation.model'), options, String(this.#model), (index) => {
      this.#model = Number(index);
      this.#redraw();
    });
  }
}
