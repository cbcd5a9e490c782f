// Draws plots as SVG: lines over a doubling scale, and bars with intervals. Each has its figures in a table beside it.

import { el } from '../shared/dom.js';
import { number } from '../shared/format.js';
import { svg } from '../shared/icons.js';

const LEFT = 46;
const RIGHT = 14;
const TOP = 40;
const BOTTOM = 34;

const canvas = (label, width, height) =>
  svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', class: 'lk-plot', 'aria-label': label });

/** Some five round numbers from low to high. */
const ticksOf = (low, high) => {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-6; tick += step) ticks.push(tick);
  return ticks;
};

const tickLabel = (x, y, anchor, text) => svg('text', { x, y, class: 'tick', 'text-anchor': anchor }, text);

/** Draws the grid; returns where a value lies on it. */
const drawGrid = (plot, width, height, [low, high], format) => {
  const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  for (const tick of ticksOf(low, high)) {
    plot.append(svg('line', { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: 'grid' }));
    plot.append(tickLabel(LEFT - 7, y(tick) + 4, 'end', format(tick)));
  }
  return y;
};

const marker = (kind, x, y) =>
  kind === 'text'
    ? svg('circle', { cx: x, cy: y, r: 3.6, class: `mark ${kind}` })
    : svg('rect', { x: x - 3.2, y: y - 3.2, width: 6.4, height: 6.4, class: `mark ${kind}` });

/**
 * @typedef {object} LinePlot
 * @property {string} label
 * @property {number} width
 * @property {number} height
 * @property {number[]} xs which double
 * @property {{ kind: 'text' | 'picture', values: number[] }[]} series
 * @property {number} low
 * @property {number} high
 * @property {(value: number) => string} format
 * @property {{ x: number, label: string, className: string }[]} [marks]
 * @property {number | null} [goal] a level
 */

const drawDoublings = (plot, { xs, width, height }, x) => {
  let free = Number.NEGATIVE_INFINITY;
  for (const value of xs.filter((each) => Number.isInteger(Math.log2(each)))) {
    if (x(value) < free) continue;
    free = x(value) + 30;
    plot.append(tickLabel(x(value), height - BOTTOM + 17, 'middle', number(value)));
  }
  plot.append(tickLabel(width - RIGHT, height - 3, 'end', 'nprobe'));
};

const drawMarks = (plot, { marks = [], width, height }, x) => {
  for (const [index, each] of marks.entries()) {
    const at = x(each.x);
    const name = `here ${each.className}`;
    plot.append(svg('line', { x1: at, x2: at, y1: TOP - 4, y2: height - BOTTOM, class: name }));
    const isRight = at > width / 2;
    const place = { x: at + (isRight ? -5 : 5), y: index % 2 ? 29 : 13, class: name };
    plot.append(svg('text', { ...place, 'text-anchor': isRight ? 'end' : 'start' }, each.label));
  }
};

/** @param {LinePlot} options */
export const linePlot = (options) => {
  const { label, width, height, xs, series, low, high, format, goal = null } = options;
  const plot = canvas(label, width, height);
  const y = drawGrid(plot, width, height, [low, high], format);
  const span = Math.log2(xs[xs.length - 1]) || 1;
  const x = (value) => LEFT + 8 + ((width - LEFT - RIGHT - 16) * Math.log2(value)) / span;
  drawDoublings(plot, options, x);
  if (goal !== null) {
    plot.append(svg('line', { x1: LEFT, x2: width - RIGHT, y1: y(goal), y2: y(goal), class: 'goal' }));
  }
  drawMarks(plot, options, x);
  for (const { kind, values } of series) {
    const points = values.map((value, index) => `${x(xs[index])},${y(value)}`).join(' ');
    plot.append(svg('polyline', { points, class: `line ${kind}` }));
    plot.append(...values.map((value, index) => marker(kind, x(xs[index]), y(value))));
  }
  return plot;
};

const drawBar = (plot, bar, middle, width, position, y) => {
  const top = y(Math.max(0, bar.value));
  const name = `bar model${position % 4}`;
  plot.append(svg('rect', { x: middle - width * 0.42, y: top, width: width * 0.84, height: y(0) - top, class: name }));
  plot.append(svg('line', { x1: middle, x2: middle, y1: y(bar.low), y2: y(bar.high), class: 'interval' }));
  for (const end of [bar.low, bar.high]) {
    plot.append(svg('line', { x1: middle - 4, x2: middle + 4, y1: y(end), y2: y(end), class: 'interval' }));
  }
};

/**
 * A bar for each model.
 * @param {{ label: string, width: number, height: number, groups: { name: string, bars: { value: number, low: number, high: number }[] }[] }} options
 */
export const barPlot = ({ label, width, height, groups }) => {
  const plot = canvas(label, width, height);
  const y = drawGrid(plot, width, height, [0, 1], (value) => value.toFixed(2));
  const room = (width - LEFT - RIGHT) / groups.length;
  for (const [index, { name, bars }] of groups.entries()) {
    const middle = LEFT + room * index + room / 2;
    const each = Math.min(44, (room * 0.72) / bars.length);
    for (const [position, bar] of bars.entries()) {
      drawBar(plot, bar, middle + each * (position - (bars.length - 1) / 2), each, position, y);
    }
    plot.append(tickLabel(middle, height - BOTTOM + 17, 'middle', name));
  }
  return plot;
};

/** @param {[string, string][]} entries class names and words */
export const legend = (entries) => {
  const list = el('ul', 'lk-legend');
  for (const [className, name] of entries) {
    const item = el('li', '', name);
    item.prepend(el('i', className));
    list.append(item);
  }
  return list;
};
