// Plots drawn as SVG: lines over a doubling scale, and bars with intervals. Each has its figures in a table beside it.

const SVG = 'http://www.w3.org/2000/svg';
const LEFT = 46;
const RIGHT = 14;
const TOP = 40;
const BOTTOM = 34;

const draw = (tag, attributes = {}, text = null) => {
  const node = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  if (text !== null) node.textContent = text;
  return node;
};

const canvas = (label, width, height) => {
  const svg = draw('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', class: 'lk-plot' });
  svg.setAttribute('aria-label', label);
  return svg;
};

// Some five round numbers from low to high.
const ticksOf = (low, high) => {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-6; tick += step) ticks.push(tick);
  return ticks;
};

const frame = (svg, width, height, low, high, format) => {
  const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  for (const tick of ticksOf(low, high)) {
    svg.append(draw('line', { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: 'grid' }));
    svg.append(draw('text', { x: LEFT - 7, y: y(tick) + 4, class: 'tick', 'text-anchor': 'end' }, format(tick)));
  }
  return y;
};

const marker = (kind, x, y) =>
  kind === 'text'
    ? draw('circle', { cx: x, cy: y, r: 3.6, class: `mark ${kind}` })
    : draw('rect', { x: x - 3.2, y: y - 3.2, width: 6.4, height: 6.4, class: `mark ${kind}` });

// series: [{kind: 'text' | 'picture', values}] over xs, which double; marks: [{x, label, className}]; goal: a level.
const linePlot = ({ label, width, height, xs, series, low, high, format, marks = [], goal = null }) => {
  const svg = canvas(label, width, height);
  const y = frame(svg, width, height, low, high, format);
  const span = Math.log2(xs[xs.length - 1]) || 1;
  const x = (value) => LEFT + 8 + ((width - LEFT - RIGHT - 16) * Math.log2(value)) / span;
  let free = -Infinity;
  xs.filter((value) => Number.isInteger(Math.log2(value))).forEach((value) => {
    if (x(value) < free) return;
    free = x(value) + 30;
    svg.append(draw('text', { x: x(value), y: height - BOTTOM + 17, class: 'tick', 'text-anchor': 'middle' }, number(value)));
  });
  svg.append(draw('text', { x: width - RIGHT, y: height - 3, class: 'tick', 'text-anchor': 'end' }, 'nprobe'));
  if (goal !== null) svg.append(draw('line', { x1: LEFT, x2: width - RIGHT, y1: y(goal), y2: y(goal), class: 'goal' }));
  marks.forEach((each, index) => {
    svg.append(draw('line', { x1: x(each.x), x2: x(each.x), y1: TOP - 4, y2: height - BOTTOM, class: `here ${each.className}` }));
    const end = x(each.x) > width / 2;
    const place = { x: x(each.x) + (end ? -5 : 5), y: index % 2 ? 29 : 13, class: `here ${each.className}` };
    svg.append(draw('text', { ...place, 'text-anchor': end ? 'end' : 'start' }, each.label));
  });
  for (const { kind, values } of series) {
    svg.append(draw('polyline', { points: values.map((value, index) => `${x(xs[index])},${y(value)}`).join(' '), class: `line ${kind}` }));
    values.forEach((value, index) => svg.append(marker(kind, x(xs[index]), y(value))));
  }
  return svg;
};

// groups: [{name, bars: [{value, low, high}]}], a bar for each model.
const barPlot = ({ label, width, height, groups }) => {
  const svg = canvas(label, width, height);
  const y = frame(svg, width, height, 0, 1, (value) => value.toFixed(2));
  const room = (width - LEFT - RIGHT) / groups.length;
  groups.forEach(({ name, bars }, index) => {
    const left = LEFT + room * index;
    const each = Math.min(44, (room * 0.72) / bars.length);
    bars.forEach((bar, position) => {
      const middle = left + room / 2 + each * (position - (bars.length - 1) / 2);
      const top = y(Math.max(0, bar.value));
      svg.append(draw('rect', { x: middle - each * 0.42, y: top, width: each * 0.84, height: y(0) - top, class: `bar model${position % 4}` }));
      svg.append(draw('line', { x1: middle, x2: middle, y1: y(bar.low), y2: y(bar.high), class: 'interval' }));
      for (const end of [bar.low, bar.high]) {
        svg.append(draw('line', { x1: middle - 4, x2: middle + 4, y1: y(end), y2: y(end), class: 'interval' }));
      }
    });
    svg.append(draw('text', { x: left + room / 2, y: height - BOTTOM + 17, class: 'tick', 'text-anchor': 'middle' }, name));
  });
  return svg;
};

const legend = (entries) => {
  const list = el('ul', 'lk-legend');
  for (const [className, name] of entries) {
    const item = el('li', '', name);
    item.prepend(el('i', className));
    list.append(item);
  }
  return list;
};

// rows: [[cell, …]] of texts or nodes; the first of a row names it.
const figuresTable = (label, titles, rows, className = '') => {
  const scroller = el('div', `lk-table lk-figures ${className}`);
  scroller.tabIndex = 0;
  scroller.setAttribute('role', 'region');
  scroller.setAttribute('aria-label', label);
  const table = el('table');
  const head = el('tr');
  for (const title of titles) {
    const heading = el('th', '', title);
    heading.scope = 'col';
    head.append(heading);
  }
  const thead = el('thead');
  thead.append(head);
  const body = el('tbody');
  for (const cells of rows) {
    const row = el('tr', cells.className || '');
    cells.forEach((content, index) => {
      const cell = el(index ? 'td' : 'th');
      if (!index) cell.scope = 'row';
      cell.append(...(Array.isArray(content) ? content : [content]));
      row.append(cell);
    });
    body.append(row);
  }
  table.append(thead, body);
  scroller.append(table);
  return scroller;
};
