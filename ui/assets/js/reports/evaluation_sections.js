// Draws the sections of an evaluation: tables with intervals, bars, classes, and the worst queries.

import { el, nameOf } from '../shared/dom.js';
import { number } from '../shared/format.js';
import { listed, phrase } from '../shared/language.js';
import { barPlot, legend } from './plots.js';
import { figuresTable } from './tables.js';
import { worstQueries } from './worst_queries.js';

/** What is asked for, by the name that the library has for it. */
export const TASKS = {
  'class names': phrase('evaluation.by_name'),
  templates: phrase('evaluation.by_templates'),
  captions: phrase('evaluation.by_caption'),
  pictures: phrase('evaluation.by_picture'),
};
const PLOTTED = ['recall@1', 'recall@5', 'recall@10', 'mrr', 'map'];
const MEAN_PRECISION = {
  pictures: phrase('evaluation.map_by_picture'),
  'class names': phrase('evaluation.map_by_name'),
  templates: phrase('evaluation.map_by_templates'),
};

/** Why pictures were left out, by what the library writes of it into evaluations. */
const LEFT_OUT = {
  'without a label': 'evaluation.unlabelled',
  unreadable: 'evaluation.unreadable',
  'copies of another picture': 'evaluation.copies',
};

const titleOf = (metric) => metric.replace('mrr', 'MRR').replace('map', 'mAP');

const figure = (value, signed = false) => {
  if (!value) return '–';
  const text = (each) => `${signed && each >= 0.0005 ? '+' : ''}${(Math.abs(each) < 0.0005 ? 0 : each).toFixed(3)}`;
  const interval = phrase('evaluation.interval', { low: text(value.low), high: text(value.high) });
  return [el('span', 'value', text(value.value)), el('span', 'interval', interval)];
};

const section = (title, ...nodes) => {
  const node = el('section', 'lk-section');
  node.append(el('h3', '', title), ...nodes.filter(Boolean));
  return node;
};

/** Exact search, search through the index, and the difference between the two. */
const rowsOfModel = ({ model, index }, task, figures) => {
  const { index: through, difference, queries } = task.through_index;
  const some = queries < task.count ? `, ${phrase('count.queries', { count: queries })}` : '';
  const nprobe = phrase('evaluation.nprobe', { nprobe: index.nprobe, nlist: index.nlist });
  return [
    { cells: [phrase('evaluation.exact', { model }), ...figures(task.exact)] },
    { cells: [`${nprobe}${some}`, ...figures(through)] },
    { cells: [phrase('evaluation.difference'), ...figures(difference, true)] },
  ];
};

const rowsOfTask = ({ models, differences, metrics }, tasks, kind) => {
  const figures = (values, signed = false) => metrics.map((name) => figure(values[name], signed));
  const between = differences.filter((one) => one.queries === kind);
  return [
    ...models.flatMap((each, index) => rowsOfModel(each, tasks[index], figures)),
    ...between.map(({ model, against, difference }) => ({
      cells: [phrase('evaluation.minus', { model, other: against }), ...figures(difference, true)],
      className: 'suggested',
    })),
  ];
};

const barsOfTask = (metrics, tasks, title, width) => {
  const plotted = PLOTTED.filter((name) => metrics.includes(name));
  const groups = plotted.map((name) => ({ name: titleOf(name), bars: tasks.map((task) => task.exact[name]) }));
  const values = groups.map(({ name, bars }) => `${name} ${bars.map(({ value }) => value.toFixed(2)).join(' / ')}`);
  return barPlot({ label: `${title}: ${listed(values)}`, width, height: 210, groups });
};

export const taskSection = (evaluation, kind, width) => {
  const { models, metrics } = evaluation;
  const tasks = models.map((each) => each.tasks.find((task) => task.queries === kind));
  if (!tasks[0]) return null;
  const title = TASKS[kind];
  const label = phrase('dialog.figures', { title });
  const titles = ['', ...metrics.map(titleOf)];
  return section(
    `${title}: ${phrase('count.queries', { count: tasks[0].count })}`,
    models.length > 1 && legend(models.map((each, index) => [`model${index % 4}`, each.model])),
    barsOfTask(metrics, tasks, title, width),
    figuresTable(label, titles, rowsOfTask(evaluation, tasks, kind), 'wide'),
  );
};

export const templateSection = ({ metrics }, { templates }) => {
  if (!templates) return null;
  const gains = (gain) => metrics.map((name) => figure(gain[name], true));
  const rows = [
    ...templates.alone.map((one) => ({ cells: [one.template, ...gains(one.gain)] })),
    { cells: [phrase('evaluation.averaged'), ...gains(templates.gain)] },
  ];
  const titles = ['', ...metrics.map(titleOf)];
  return section(phrase('evaluation.templates'), figuresTable(phrase('evaluation.gain'), titles, rows, 'wide'));
};

export const classSection = ({ classes }) => {
  if (!classes.length) return null;
  const kinds = Object.keys(MEAN_PRECISION).filter((kind) => classes.some((row) => row[kind]));
  const precision = (row) => row[kinds[0]]?.map ?? -1;
  const shown = (value) => (value === undefined ? '–' : value.toFixed(3));
  const rows = [...classes]
    .sort((one, other) => precision(one) - precision(other))
    .map((row) => ({
      cells: [
        nameOf(row.class),
        number(row.count),
        shown(row.pictures?.['recall@1']),
        ...kinds.map((kind) => shown(row[kind]?.map)),
      ],
    }));
  const titles = [
    phrase('evaluation.class'),
    phrase('evaluation.pictures'),
    phrase('evaluation.recall_by_picture'),
    ...kinds.map((kind) => MEAN_PRECISION[kind]),
  ];
  const table = figuresTable(phrase('evaluation.classes'), titles, rows, 'classes');
  return section(phrase('evaluation.classes_worst'), table);
};

export const worstSection = (evaluation, each) => {
  const boxes = each.tasks.map((task) => worstQueries(evaluation, task, TASKS[task.queries]));
  if (boxes[0]) boxes[0].open = true;
  return section(phrase('evaluation.worst'), ...boxes);
};

export const summary = (evaluation) => {
  const left = Object.entries(evaluation.left_out).map(([reason, count]) =>
    LEFT_OUT[reason] ? phrase(LEFT_OUT[reason], { count }) : `${number(count)} ${reason}`,
  );
  const pictures = phrase('count.pictures', { count: evaluation.pictures });
  const classes = phrase('count.classes', { count: evaluation.classes });
  const parts = [
    phrase('evaluation.of', { pictures, classes, source: evaluation.source }),
    ...(left.length ? [phrase('evaluation.left_out', { what: listed(left) })] : []),
    phrase('evaluation.recall'),
    phrase('evaluation.resamples', { resamples: evaluation.interval.resamples }),
    phrase('evaluation.depth', { depth: evaluation.models[0].index.depth }),
  ];
  return el('p', 'lk-small', `${parts.join('; ')}.`);
};
