// The meter: recall and time of the index over a ladder of nprobe, beside exact search.

const POLL = 700;
const FROM = { given: 'given', asked: 'asked lately', pictures: 'from what is kept with the pictures', everyday: 'everyday phrases' };

const { dialog, body, open } = measuringDialog('Accuracy of the index');
drawn.append(button('lk-button', 'Measure accuracy…', open));
let shown = null;

const begin = () => trigger('begin', {});

const progress = (value) =>
  progressOf(value, 'Searches done', value.total ? `${number(value.done)} of ${number(value.total)} searches` : 'Preparing the queries…');

const texts = (result) => {
  const parts = Object.entries(result.texts_from).map(([source, count]) => `${number(count)} ${FROM[source] || source}`);
  return parts.length > 1 ? `${plural(result.texts, 'text')} (${parts.join(', ')})` : `${plural(result.texts, 'text')} ${FROM[Object.keys(result.texts_from)[0]] || ''}`;
};

const plots = (result) => {
  const box = el('div', 'lk-plots');
  const wide = body.clientWidth - 8;
  const width = wide > 640 ? Math.floor((wide - 20) / 2) : wide;
  const xs = result.steps.map((step) => step.nprobe);
  const marks = [];
  if (result.suggested && result.suggested !== result.present) marks.push({ x: result.suggested, label: `suggested ${result.suggested}`, className: 'suggested' });
  const every = result.present >= result.nlist;
  marks.push({ x: result.present, label: every ? 'Automatic: every cluster' : `Automatic: ${result.present}`, className: 'present' });
  const plot = (title, key, options) => {
    const figure = el('figure');
    const series = ['picture', 'text'].map((kind) => ({ kind, values: result.steps.map((step) => step[key][kind]) }));
    figure.append(el('figcaption', '', title), linePlot({ label: `${title} over nprobe; the table below has the figures`, width, height: 240, xs, series, marks, ...options }));
    box.append(figure);
  };
  const lowest = Math.min(...result.steps.flatMap((step) => Object.values(step.recall)));
  const low = Math.min(0.9, Math.floor(lowest * 10) / 10);
  plot(`Recall@${result.k} beside exact search`, 'recall', { low, high: 1, format: (value) => value.toFixed(2), goal: result.target });
  const times = [...result.steps.flatMap((step) => Object.values(step.milliseconds)), ...Object.values(result.exact)];
  plot('Median time of a search, ms', 'milliseconds', { low: 0, high: 1.1 * Math.max(...times), format: (value) => String(Number(value.toPrecision(3))) });
  return box;
};

const table = (result) => {
  const rows = result.steps.map((step) => {
    const marks = [
      ...(step.nprobe === result.present ? ['Automatic now'] : []),
      ...(step.nprobe === result.suggested ? ['suggested'] : []),
    ];
    const row = [number(step.nprobe), step.recall.text.toFixed(3), milliseconds(step.milliseconds.text), step.recall.picture.toFixed(3), milliseconds(step.milliseconds.picture), marks.join(', ')];
    if (step.nprobe === result.suggested) row.className = 'suggested';
    return row;
  });
  rows.push(['exact', '1.000', milliseconds(result.exact.text), '1.000', milliseconds(result.exact.picture), '']);
  return figuresTable('Recall and time at each nprobe', ['nprobe', 'Texts', 'Time', 'Pictures', 'Time', ''], rows, 'steps');
};

const decision = (value) => {
  const box = el('div', 'lk-meter-decision');
  const { result, chosen } = value;
  box.append(el('p', 'lk-meter-sentence', result.sentence));
  if (result.gain) box.append(el('p', 'lk-subtle', result.gain));
  if (chosen) box.append(el('p', 'lk-subtle', `Automatic uses the chosen nprobe ${number(chosen)}, until the index is rebuilt with other clusters.`));
  const actions = el('div', 'lk-meter-actions');
  if (value.may && result.suggested && result.suggested !== chosen) {
    actions.append(button('lk-button primary', `Let Automatic use nprobe ${result.suggested}`, () => trigger('choose', { suggested: true })));
  }
  if (value.may && chosen) actions.append(button('lk-button', 'Choose automatically again', () => trigger('choose', {})));
  if (value.may) actions.append(button('lk-button', 'Measure again', begin));
  if (actions.children.length) box.append(actions);
  return box;
};

const introduction = (value) => {
  const box = el('div', 'lk-meter-decision');
  box.append(el('p', '', 'How many of the best results does the index find, and how fast? Some hundred texts and stored pictures are searched for exactly and with ever more clusters. Texts lose more than pictures, so both are shown apart.'));
  if (value.may) box.append(button('lk-button primary', 'Measure', begin));
  else box.append(el('p', 'lk-subtle', 'Nothing was measured so far. Whoever runs this app can: python app.py tune'));
  return box;
};

const redraw = () => {
  const value = shown;
  const parts = [];
  if (value.problem) {
    const problem = el('p', 'lk-problem', value.problem);
    problem.setAttribute('role', 'alert');
    parts.push(problem);
  }
  if (value.outdated) parts.push(el('p', 'lk-subtle', `nprobe ${value.outdated} was chosen for an index of other clusters and is no longer used: measure again.`));
  const measuring = value.state === 'running';
  if (measuring) parts.push(progress(value));
  if (value.result) {
    const { result } = value;
    if (!measuring) parts.push(decision(value));
    parts.push(el('p', 'lk-small', `${plural(result.rows, 'picture')}, nlist ${number(result.nlist)}, ${result.backend}. Asked: ${texts(result)}, ${plural(result.pictures, 'stored picture')}.`));
    parts.push(legend([['text', 'texts'], ['picture', 'pictures'], ['goal', `target ${result.target}`]]), plots(result), table(result));
  } else if (!measuring) parts.push(introduction(value));
  const focused = dialog.contains(document.activeElement) ? document.activeElement.textContent : null;
  const { scrollTop } = body;
  body.replaceChildren(...parts);
  body.scrollTop = scrollTop;
  if (focused !== null && !dialog.contains(document.activeElement)) {
    ([...body.querySelectorAll('button')].find((each) => each.textContent === focused) || body).focus({ preventScroll: true });
  }
};

watch('value', () => {
  if (!props.value?.at) return;
  shown = props.value;
  if (!dialog.open) return; // closed while the answer was on its way
  redraw();
  if (shown.state === 'running') setTimeout(() => dialog.open && trigger('asked', {}), POLL);
});

let width = window.innerWidth;
window.addEventListener('resize', () => {
  if (dialog.open && shown && window.innerWidth !== width) redraw();
  width = window.innerWidth;
});
