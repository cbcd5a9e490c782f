// What was evaluated: a table with intervals, bars, classes, and the queries that went worst with their pictures.

const TASKS = {
  'class names': phrase('evaluation.by_name'),
  templates: phrase('evaluation.by_templates'),
  captions: phrase('evaluation.by_caption'),
  pictures: phrase('evaluation.by_picture'),
};
const PLOTTED = ['recall@1', 'recall@5', 'recall@10', 'mrr', 'map'];

const { dialog, body, open } = measuringDialog(phrase('evaluation.title'));
drawn.append(button('lk-button', phrase('evaluation.open'), open));
let shown = null;
let model = 0;

const titleOf = (metric) => metric.replace('mrr', 'MRR').replace('map', 'mAP');

const figure = (value, signed = false) => {
  if (!value) return '–';
  const text = (each) => `${signed && each >= 0.0005 ? '+' : ''}${(Math.abs(each) < 0.0005 ? 0 : each).toFixed(3)}`;
  return [el('span', 'value', text(value.value)), el('span', 'interval', phrase('evaluation.interval', { low: text(value.low), high: text(value.high) }))];
};

const choice = (label, options, selected, onChange) => {
  const box = el('label', 'lk-choice', label);
  const select = el('select');
  options.forEach(([value, text]) => {
    const option = el('option', '', text);
    option.value = value;
    option.selected = value === selected;
    select.append(option);
  });
  select.addEventListener('change', () => onChange(select.value));
  box.append(select);
  return box;
};

const section = (title, ...nodes) => {
  const node = el('section', 'lk-section');
  node.append(el('h3', '', title), ...nodes.filter(Boolean));
  return node;
};

const taskSection = (evaluation, kind) => {
  const tasks = evaluation.models.map((each) => each.tasks.find((task) => task.queries === kind));
  if (!tasks[0]) return null;
  const metrics = evaluation.metrics;
  const rows = [];
  evaluation.models.forEach((each, index) => {
    const { index: through, difference, queries } = tasks[index].through_index;
    const some = queries < tasks[index].count ? `, ${phrase('count.queries', { count: queries })}` : '';
    rows.push([phrase('evaluation.exact', { model: each.model }), ...metrics.map((name) => figure(tasks[index].exact[name]))]);
    rows.push([`${phrase('evaluation.nprobe', { nprobe: each.index.nprobe, nlist: each.index.nlist })}${some}`, ...metrics.map((name) => figure(through[name]))]);
    rows.push([phrase('evaluation.difference'), ...metrics.map((name) => figure(difference[name], true))]);
  });
  for (const each of evaluation.differences.filter((one) => one.queries === kind)) {
    const row = [phrase('evaluation.minus', { model: each.model, other: each.against }), ...metrics.map((name) => figure(each.difference[name], true))];
    row.className = 'suggested';
    rows.push(row);
  }
  const plotted = PLOTTED.filter((name) => metrics.includes(name));
  const groups = plotted.map((name) => ({ name: titleOf(name), bars: tasks.map((task) => task.exact[name]) }));
  const label = `${TASKS[kind]}: ${groups.map((group) => `${group.name} ${group.bars.map((bar) => bar.value.toFixed(2)).join(' / ')}`).join(', ')}`;
  const width = Math.min(640, body.clientWidth - 8);
  return section(
    `${TASKS[kind]}: ${phrase('count.queries', { count: tasks[0].count })}`,
    evaluation.models.length > 1 && legend(evaluation.models.map((each, index) => [`model${index % 4}`, each.model])),
    barPlot({ label, width, height: 210, groups }),
    figuresTable(phrase('dialog.figures', { title: TASKS[kind] }), ['', ...metrics.map(titleOf)], rows, 'wide'),
  );
};

const templateSection = (evaluation, each) => {
  if (!each.templates) return null;
  const rows = each.templates.alone.map((one) => [one.template, ...evaluation.metrics.map((name) => figure(one.gain[name], true))]);
  rows.push([phrase('evaluation.averaged'), ...evaluation.metrics.map((name) => figure(each.templates.gain[name], true))]);
  return section(phrase('evaluation.templates'), figuresTable(phrase('evaluation.gain'), ['', ...evaluation.metrics.map(titleOf)], rows, 'wide'));
};

const classSection = (each) => {
  if (!each.classes.length) return null;
  const kinds = ['pictures', 'class names', 'templates'].filter((kind) => each.classes.some((row) => row[kind]));
  const of = (row) => row[kinds[0]]?.map ?? -1;
  const shownOf = (value) => (value === undefined ? '–' : value.toFixed(3));
  const rows = [...each.classes]
    .sort((one, other) => of(one) - of(other))
    .map((row) => [nameOf(row.class), number(row.count), shownOf(row.pictures?.['recall@1']), ...kinds.map((kind) => shownOf(row[kind]?.map))]);
  const titles = { pictures: phrase('evaluation.map_by_picture'), 'class names': phrase('evaluation.map_by_name'), templates: phrase('evaluation.map_by_templates') };
  return section(phrase('evaluation.classes_worst'), figuresTable(phrase('evaluation.classes'), [phrase('evaluation.class'), phrase('evaluation.pictures'), phrase('evaluation.recall_by_picture'), ...kinds.map((kind) => titles[kind])], rows, 'classes'));
};

const pictureOf = (evaluation, shownPicture, mark = null) => {
  const node = el('figure', `lk-worst-picture ${mark === null ? '' : mark ? 'right' : 'wrong'}`);
  const icon = evaluation.icons[shownPicture.id];
  if (icon) {
    const image = el('img');
    image.src = `data:image/jpeg;base64,${icon}`;
    image.alt = '';
    node.append(image);
  } else node.append(el('span', 'lk-worst-none', shownPicture.name));
  const caption = el('figcaption');
  if (mark !== null) caption.append(el('b', '', `${phrase(mark ? 'evaluation.right' : 'evaluation.wrong')} `));
  caption.append(nameOf(shownPicture.label || shownPicture.name));
  node.append(caption);
  return node;
};

const worstSection = (evaluation, each) => {
  const boxes = each.tasks.map((task) => {
    const list = el('ul', 'lk-worst');
    for (const query of task.worst) {
      const item = el('li');
      const asked = el('div', 'lk-worst-asked');
      if (query.picture) asked.append(pictureOf(evaluation, query.picture));
      else asked.append(el('strong', '', query.text));
      asked.append(el('span', 'lk-small', `mAP ${query.map.toFixed(3)}, ${query.first ? phrase('evaluation.first_right', { rank: query.first }) : phrase('evaluation.nothing_right')}`));
      const found = el('div', 'lk-worst-found');
      found.append(...query.results.map((result) => pictureOf(evaluation, result, result.right)));
      item.append(asked, found);
      list.append(item);
    }
    const details = el('details');
    details.append(el('summary', '', TASKS[task.queries]), list);
    return details;
  });
  if (boxes[0]) boxes[0].open = true;
  return section(phrase('evaluation.worst'), ...boxes);
};

const summary = (evaluation) => {
  const left = Object.entries(evaluation.left_out).map(([reason, count]) => `${number(count)} ${reason}`);
  const parts = [
    phrase('evaluation.of', { pictures: phrase('count.pictures', { count: evaluation.pictures }), classes: phrase('count.classes', { count: evaluation.classes }), source: evaluation.source }),
    ...(left.length ? [phrase('evaluation.left_out', { what: left.join(', ') })] : []),
    phrase('evaluation.recall'),
    phrase('evaluation.resamples', { resamples: evaluation.interval.resamples }),
    phrase('evaluation.depth', { depth: evaluation.models[0].index.depth }),
  ];
  return el('p', 'lk-small', `${parts.join('; ')}.`);
};

const redraw = () => {
  const evaluation = shown.shown;
  if (!evaluation) {
    const box = el('div', 'lk-meter-decision');
    box.append(el('p', '', phrase('evaluation.none')));
    box.append(el('pre', 'lk-code', 'python app.py evaluate FOLDER --labels-from-folders'));
    body.replaceChildren(box);
    return;
  }
  model = Math.min(model, evaluation.models.length - 1);
  const bar = el('div', 'lk-evaluations');
  const options = shown.kept.map((each) => [each.at, `${dateOf(each.at)}: ${each.source}, ${each.models.join(', ')}`]);
  bar.append(choice(phrase('evaluation.title'), options, evaluation.at, (at) => trigger('asked', { at })));
  const each = evaluation.models[model];
  const models = evaluation.models.map((one, index) => [String(index), one.model]);
  const pick = models.length > 1 && choice(phrase('evaluation.model'), models, String(model), (index) => {
    model = Number(index);
    redraw();
  });
  const { scrollTop } = body;
  body.replaceChildren(
    ...[
      bar,
      summary(evaluation),
      ...Object.keys(TASKS).map((kind) => taskSection(evaluation, kind)),
      pick,
      templateSection(evaluation, each),
      worstSection(evaluation, each),
      classSection(each),
    ].filter(Boolean),
  );
  body.scrollTop = scrollTop;
};

watch('value', () => {
  if (!props.value?.at) return;
  shown = props.value;
  if (dialog.open) redraw();
});

let width = window.innerWidth;
window.addEventListener('resize', () => {
  if (dialog.open && shown && window.innerWidth !== width) redraw();
  width = window.innerWidth;
});
