// The meter: recall and time of the index over a ladder of nprobe, beside exact search.

const POLL = 700;
const FROM = Object.fromEntries(['given', 'asked', 'pictures', 'everyday'].map((source) => [source, phrase(`meter.from.${source}`)]));

const { dialog, body, open } = measuringDialog(phrase('meter.title'));
drawn.append(button('lk-button', phrase('meter.open'), open));
let shown = null;

const begin = () => trigger('begin', {});

const progress = (value) =>
  progressOf(value, phrase('meter.done'), value.total ? phrase('meter.progress', { done: value.done, all: value.total }) : phrase('meter.preparing'));

const texts = (result) => {
  const sources = Object.entries(result.texts_from);
  const parts = sources.map(([source, count]) => `${FROM[source] || source}${sources.length > 1 ? ` ${number(count)}` : ''}`);
  return `${phrase('count.texts', { count: result.texts })}${parts.length ? ` (${parts.join(', ')})` : ''}`;
};

const plots = (result) => {
  const box = el('div', 'lk-plots');
  const wide = body.clientWidth - 8;
  const width = wide > 640 ? Math.floor((wide - 20) / 2) : wide;
  const xs = result.steps.map((step) => step.nprobe);
  const marks = [];
  if (result.suggested && result.suggested !== result.present) marks.push({ x: result.suggested, label: phrase('meter.suggested_at', { nprobe: result.suggested }), className: 'suggested' });
  const every = result.present >= result.nlist;
  marks.push({ x: result.present, label: every ? phrase('meter.automatic_all') : phrase('meter.automatic_at', { nprobe: result.present }), className: 'present' });
  const plot = (title, key, options) => {
    const figure = el('figure');
    const series = ['picture', 'text'].map((kind) => ({ kind, values: result.steps.map((step) => step[key][kind]) }));
    figure.append(el('figcaption', '', title), linePlot({ label: phrase('meter.plot', { title }), width, height: 240, xs, series, marks, ...options }));
    box.append(figure);
  };
  const lowest = Math.min(...result.steps.flatMap((step) => Object.values(step.recall)));
  const low = Math.min(0.9, Math.floor(lowest * 10) / 10);
  plot(phrase('meter.recall', { k: result.k }), 'recall', { low, high: 1, format: (value) => value.toFixed(2), goal: result.target });
  const times = [...result.steps.flatMap((step) => Object.values(step.milliseconds)), ...Object.values(result.exact)];
  plot(phrase('meter.time'), 'milliseconds', { low: 0, high: 1.1 * Math.max(...times), format: (value) => String(Number(value.toPrecision(3))) });
  return box;
};

const table = (result) => {
  const rows = result.steps.map((step) => {
    const marks = [
      ...(step.nprobe === result.present ? [phrase('meter.now')] : []),
      ...(step.nprobe === result.suggested ? [phrase('meter.suggested')] : []),
    ];
    const row = [number(step.nprobe), step.recall.text.toFixed(3), milliseconds(step.milliseconds.text), step.recall.picture.toFixed(3), milliseconds(step.milliseconds.picture), marks.join(', ')];
    if (step.nprobe === result.suggested) row.className = 'suggested';
    return row;
  });
  rows.push([phrase('meter.exact'), '1.000', milliseconds(result.exact.text), '1.000', milliseconds(result.exact.picture), '']);
  return figuresTable(phrase('meter.table'), ['nprobe', phrase('meter.texts'), phrase('meter.milliseconds'), phrase('meter.pictures'), phrase('meter.milliseconds'), ''], rows, 'steps');
};

const sentence = ({ suggested, steps, target }) => {
  const step = steps.find((each) => each.nprobe === suggested);
  if (!step) return phrase('meter.out_of_reach', { target });
  const [text, picture] = ['text', 'picture'].map((kind) => [step.recall[kind].toFixed(3), `${step.milliseconds[kind].toFixed(1)} ms`]);
  return phrase('meter.found', { nprobe: suggested, text: text[0], text_time: text[1], picture: picture[0], picture_time: picture[1] });
};

// What the suggestion saves beside comparing with every picture.
const gain = ({ suggested, steps, exact }) => {
  const fast = Math.max(...Object.values(steps.find((each) => each.nprobe === suggested).milliseconds));
  const slow = Math.max(...Object.values(exact));
  return phrase(fast > 0.8 * slow ? 'meter.saves_little' : 'meter.exact_takes', { time: `${slow.toFixed(1)} ms` });
};

const decision = (value) => {
  const box = el('div', 'lk-meter-decision');
  const { result, chosen } = value;
  box.append(el('p', 'lk-meter-sentence', sentence(result)));
  if (result.suggested) box.append(el('p', 'lk-subtle', gain(result)));
  if (chosen) box.append(el('p', 'lk-subtle', phrase('meter.chosen', { nprobe: chosen })));
  const actions = el('div', 'lk-meter-actions');
  if (value.may && result.suggested && result.suggested !== chosen) {
    actions.append(button('lk-button primary', phrase('meter.use', { nprobe: result.suggested }), () => trigger('choose', { suggested: true })));
  }
  if (value.may && chosen) actions.append(button('lk-button', phrase('meter.unchoose'), () => trigger('choose', {})));
  if (value.may) actions.append(button('lk-button', phrase('meter.again'), begin));
  if (actions.children.length) box.append(actions);
  return box;
};

const introduction = (value) => {
  const box = el('div', 'lk-meter-decision');
  box.append(el('p', '', phrase('meter.about')));
  if (value.may) box.append(button('lk-button primary', phrase('meter.begin'), begin));
  else box.append(el('p', 'lk-subtle', phrase('meter.none', { command: 'python app.py tune' })));
  return box;
};

const redraw = () => {
  const value = shown;
  const parts = [];
  if (value.problem) {
    const problem = el('p', 'lk-problem', said(value.problem));
    problem.setAttribute('role', 'alert');
    parts.push(problem);
  }
  if (value.outdated) parts.push(el('p', 'lk-subtle', phrase('meter.outdated', { nprobe: value.outdated })));
  const measuring = value.state === 'running';
  if (measuring) parts.push(progress(value));
  if (value.result) {
    const { result } = value;
    if (!measuring) parts.push(decision(value));
    parts.push(el('p', 'lk-small', phrase('meter.asked', { rows: phrase('count.pictures', { count: result.rows }), nlist: result.nlist, backend: result.backend, texts: texts(result), pictures: phrase('meter.stored', { count: result.pictures }) })));
    parts.push(legend([['text', phrase('meter.texts')], ['picture', phrase('meter.pictures')], ['goal', phrase('meter.target', { target: result.target })]]), plots(result), table(result));
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
