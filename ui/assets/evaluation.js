// What was evaluated: a table with intervals, bars, classes, and the queries that went worst with their pictures.

const TASKS = {
  'class names': 'By class name',
  templates: 'By templates, averaged',
  captions: 'By caption',
  pictures: 'By picture, each left out of its own results',
};
const PLOTTED = ['recall@1', 'recall@5', 'recall@10', 'mrr', 'map'];

const { dialog, body, open } = measuringDialog('Evaluation');
drawn.append(button('lk-button', 'Evaluations…', open));
let shown = null;
let model = 0;

const titleOf = (metric) => metric.replace('mrr', 'MRR').replace('map', 'mAP');

const figure = (value, signed = false) => {
  if (!value) return '–';
  const text = (each) => `${signed && each >= 0.0005 ? '+' : ''}${(Math.abs(each) < 0.0005 ? 0 : each).toFixed(3)}`;
  return [el('span', 'value', text(value.value)), el('span', 'interval', `${text(value.low)} to ${text(value.high)}`)];
};

const whenOf = (at) => new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

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
    const some = queries < tasks[index].count ? `, ${number(queries)} queries` : '';
    rows.push([`${each.model}, exact`, ...metrics.map((name) => figure(tasks[index].exact[name]))]);
    rows.push([`nprobe ${each.index.nprobe} of ${each.index.nlist}${some}`, ...metrics.map((name) => figure(through[name]))]);
    rows.push(['difference by the index', ...metrics.map((name) => figure(difference[name], true))]);
  });
  for (const each of evaluation.differences.filter((one) => one.queries === kind)) {
    const row = [`${each.model} minus ${each.against}`, ...metrics.map((name) => figure(each.difference[name], true))];
    row.className = 'suggested';
    rows.push(row);
  }
  const plotted = PLOTTED.filter((name) => metrics.includes(name));
  const groups = plotted.map((name) => ({ name: titleOf(name), bars: tasks.map((task) => task.exact[name]) }));
  const label = `${TASKS[kind]}: ${groups.map((group) => `${group.name} ${group.bars.map((bar) => bar.value.toFixed(2)).join(' and ')}`).join(', ')}`;
  const width = Math.min(640, body.clientWidth - 8);
  return section(
    `${TASKS[kind]}: ${plural(tasks[0].count, 'query', 'queries')}`,
    evaluation.models.length > 1 && legend(evaluation.models.map((each, index) => [`model${index % 4}`, each.model])),
    barPlot({ label, width, height: 210, groups }),
    figuresTable(`${TASKS[kind]}: figures`, ['', ...metrics.map(titleOf)], rows, 'wide'),
  );
};

const templateSection = (evaluation, each) => {
  if (!each.templates) return null;
  const rows = each.templates.alone.map((one) => [one.template, ...evaluation.metrics.map((name) => figure(one.gain[name], true))]);
  rows.push(['averaged', ...evaluation.metrics.map((name) => figure(each.templates.gain[name], true))]);
  return section('What templates gain over class names', figuresTable('Gain of templates', ['', ...evaluation.metrics.map(titleOf)], rows, 'wide'));
};

const classSection = (each) => {
  if (!each.classes.length) return null;
  const kinds = ['pictures', 'class names', 'templates'].filter((kind) => each.classes.some((row) => row[kind]));
  const of = (row) => row[kinds[0]]?.map ?? -1;
  const shownOf = (value) => (value === undefined ? '–' : value.toFixed(3));
  const rows = [...each.classes]
    .sort((one, other) => of(one) - of(other))
    .map((row) => [nameOf(row.class), number(row.count), shownOf(row.pictures?.['recall@1']), ...kinds.map((kind) => shownOf(row[kind]?.map))]);
  const titles = { pictures: 'mAP by picture', 'class names': 'mAP by name', templates: 'mAP by templates' };
  return section('Classes, worst first', figuresTable('Classes', ['Class', 'Pictures', 'recall@1 by picture', ...kinds.map((kind) => titles[kind])], rows, 'classes'));
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
  if (mark !== null) caption.append(el('b', '', mark ? 'right ' : 'wrong '));
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
      asked.append(el('span', 'lk-small', `mAP ${query.map.toFixed(3)}, ${query.first ? `first right at rank ${number(query.first)}` : 'nothing right'}`));
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
  return section('Worst queries, and what came first', ...boxes);
};

const summary = (evaluation) => {
  const left = Object.entries(evaluation.left_out).map(([reason, count]) => `${number(count)} ${reason}`);
  const parts = [
    `${plural(evaluation.pictures, 'picture')} of ${plural(evaluation.classes, 'class', 'classes')} from ${evaluation.source}`,
    ...(left.length ? [`left out: ${left.join(', ')}`] : []),
    'recall@k is the share of queries with a right picture among the first k',
    `intervals are 95 %, from ${number(evaluation.interval.resamples)} resamplings of the queries`,
    `rows of the index see the first ${evaluation.models[0].index.depth} results, and their difference is that to exact search seen as far`,
  ];
  return el('p', 'lk-small', `${parts.join('; ')}.`);
};

const redraw = () => {
  const evaluation = shown.shown;
  if (!evaluation) {
    const box = el('div', 'lk-meter-decision');
    box.append(el('p', '', 'Nothing was evaluated so far. An evaluation searches for labelled pictures by texts and by pictures, and tells how many are found.'));
    box.append(el('pre', 'lk-code', 'python app.py evaluate FOLDER --labels-from-folders'));
    body.replaceChildren(box);
    return;
  }
  model = Math.min(model, evaluation.models.length - 1);
  const bar = el('div', 'lk-evaluations');
  const options = shown.kept.map((each) => [each.at, `${whenOf(each.at)}: ${each.source}, ${each.models.join(', ')}`]);
  bar.append(choice('Evaluation', options, evaluation.at, (at) => trigger('asked', { at })));
  const each = evaluation.models[model];
  const models = evaluation.models.map((one, index) => [String(index), one.model]);
  const pick = models.length > 1 && choice('Model of the tables below', models, String(model), (index) => {
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
