// The brand, and a strip that shows the library, the model and the load / search / release cycle live.

const LOGO = [
  ['rect', { x: 1, y: 1, width: 30, height: 30, rx: 8, class: 'lk-logo-ground' }],
  ['circle', { cx: 13, cy: 13, r: 6.2, class: 'lk-logo-one' }],
  ['circle', { cx: 19, cy: 19, r: 6.2, class: 'lk-logo-two' }],
];
const STATES = Object.fromEntries(
  ['released', 'loading', 'loaded', 'releasing', 'rebuilding'].map((state) => [state, phrase(`header.state.${state}`)]),
);

let known = null; // the status before this one: counters that moved light their step up
let releaseAt = null;

const logo = () => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 32 32');
  svg.setAttribute('aria-hidden', 'true');
  for (const [tag, attributes] of LOGO) {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    svg.append(node);
  }
  return svg;
};

const brand = () => {
  const link = el('a', 'lk-brand');
  link.href = '?';
  link.setAttribute('aria-label', phrase('header.home'));
  const words = el('span');
  words.append(el('h1', '', 'Likeness'), el('small', '', phrase('header.motto')));
  link.append(logo(), words);
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    say('visit', { where: [], sort: 'score' });
  });
  return link;
};

const chip = (className) => {
  const node = el('span', `lk-chip ${className}`);
  node.hidden = true;
  return node;
};

const step = (name) => {
  const node = el('span', 'lk-step');
  const count = el('b', '', '0');
  node.append(el('i'), el('span', '', name), count);
  return { node, count };
};

const strip = button('lk-strip', null, () => toggle());
strip.hidden = true;
strip.setAttribute('aria-expanded', 'false');
strip.title = phrase('header.details');
const pictures = chip('pictures');
const model = chip('model');
const index = chip('index');
const database = chip('database');
const steps = { loads: step(phrase('stage.load')), searches: step(phrase('stage.search')), releases: step(phrase('stage.release')) };
const lease = el('span', 'lk-lease');
const cycle = el('span', 'lk-cycle');
cycle.append(steps.loads.node, steps.searches.node, steps.releases.node, lease);
cycle.hidden = true;
strip.append(pictures, model, index, database, cycle, icon('chevron'));

const panel = el('div', 'lk-panel');
panel.hidden = true;
const alertBox = el('div', 'lk-alert');
alertBox.setAttribute('role', 'alert');
alertBox.hidden = true;

const bar = el('div', 'lk-header');
bar.append(brand(), strip, panel);
drawn.append(bar, alertBox);

const toggle = (open = panel.hidden) => {
  panel.hidden = !open;
  strip.setAttribute('aria-expanded', String(open));
};

document.addEventListener('click', (event) => {
  if (!bar.contains(event.target)) toggle(false);
});
bar.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !panel.hidden) {
    toggle(false);
    strip.focus();
  }
});

const set = (node, ...parts) => {
  const shown = parts.filter((part) => part !== null && part !== undefined && part !== '');
  node.hidden = shown.length === 0;
  node.replaceChildren(...shown.map((part) => (part instanceof Node ? part : document.createTextNode(part))));
};

const joined = (...parts) => parts.filter(Boolean).join(' · ');

const modelWords = (value) => {
  if (value.state === 'loading') return phrase('header.model_loading');
  if (value.state === 'failed') return phrase('header.no_model');
  return joined(value.name, `${value.dim}-d`, `${value.device} ${value.dtype}`);
};

const leaseWords = () => {
  const state = props.value?.index?.state;
  const words = STATES[state] || state || '';
  if (state !== 'loaded' || releaseAt === null) return words;
  const left = Math.max(0, Math.ceil((releaseAt - Date.now()) / 1000));
  return phrase('header.lease', { state: words, count: left });
};

const drawLease = () => {
  lease.textContent = leaseWords();
};

const pulse = (name) => {
  const { node } = steps[name];
  node.classList.remove('pulse');
  void node.offsetWidth; // restarts the animation
  node.classList.add('pulse');
};

const drawCycle = (value) => {
  cycle.hidden = !value;
  if (!value) return;
  releaseAt = value.release_in === null ? null : Date.now() + 1000 * value.release_in;
  cycle.dataset.state = value.state;
  for (const name of ['loads', 'searches', 'releases']) {
    steps[name].count.textContent = number(value[name]);
    if (known && value[name] > known[name]) pulse(name);
  }
  known = value;
  drawLease();
};

const fact = (list, term, ...values) => {
  const text = values.filter((value) => value !== null && value !== undefined && value !== '').join(' · ');
  if (text) list.append(el('dt', '', term), el('dd', '', text));
};

const drawPanel = (value) => {
  const list = el('dl', 'lk-facts');
  const { model: tower, index: rows } = value;
  fact(list, phrase('facts.library'), value.pictures === null ? said(value.store_problem) : phrase('count.pictures', { count: value.pictures }));
  fact(list, phrase('facts.model'), tower.name, tower.state === 'ready' ? null : said(tower.problem) || STATES.loading);
  if (tower.dim) fact(list, phrase('facts.vectors'), phrase('facts.dimensions', { count: tower.dim }), tower.device, tower.dtype);
  if (tower.texts) fact(list, phrase('facts.texts'), tower.texts);
  fact(list, phrase('facts.weights'), tower.fingerprint);
  if (rows) {
    fact(list, phrase('facts.database'), rows.backend, rows.version, phrase(rows.connected ? 'facts.connected' : 'facts.not_connected'));
    fact(list, phrase('facts.collection'), rows.collection, rows.rows === null ? null : phrase('count.rows', { count: rows.rows }));
    fact(list, phrase('facts.index'), rows.type, rows.metric, `nlist ${rows.nlist}`, rows.nprobe && phrase('facts.nprobe', { nprobe: rows.nprobe }));
    fact(list, phrase('facts.memory'), STATES[rows.state] || rows.state);
    fact(list, phrase('facts.since'), phrase('count.loads', { count: rows.loads }), phrase('count.searches', { count: rows.searches }), phrase('count.releases', { count: rows.releases }));
  }
  const old = panel.querySelector('.lk-facts');
  if (old && old.textContent === list.textContent) return;
  panel.replaceChildren(list);
};

const problemOf = (value) => {
  if (value.store_problem) return { title: phrase('error.StoreUnavailable'), detail: said(value.store_problem), retry: true };
  if (value.model.state === 'failed') return { title: phrase('error.ModelUnavailable'), detail: said(value.model.problem) };
  if (value.index?.state === 'rebuilding' && value.index.backend === 'Milvus Lite') {
    return { title: phrase('header.rebuilt'), detail: phrase('header.wait'), passes: true };
  }
  if (!value.index || value.index.connected) return null;
  const detail = said(value.index.problem) || phrase('header.unreachable');
  return { title: phrase('error.IndexUnavailable'), detail, retry: true };
};

const drawProblem = (problem) => {
  const text = problem ? `${problem.title} ${problem.detail}` : '';
  if (alertBox.dataset.text === text) return;
  alertBox.dataset.text = text;
  alertBox.hidden = !problem;
  alertBox.classList.toggle('passes', Boolean(problem?.passes));
  if (!problem) return alertBox.replaceChildren();
  const words = el('p');
  words.append(el('b', '', problem.title), el('span', '', problem.detail));
  alertBox.replaceChildren(icon('warning'), words);
  if (problem.retry) alertBox.append(button('lk-button', phrase('common.try_again'), () => say('again'), 'again'));
};

const drawPictures = (count) => {
  if (count === null) return set(pictures, phrase('header.store_offline'));
  set(pictures, el('b', '', number(count)), phrase('header.pictures', { count }));
};

const draw = () => {
  const value = props.value;
  if (!value?.model) return;
  strip.hidden = false;
  document.documentElement.dataset.model = value.model.state;
  const up = Boolean(value.index?.connected);
  drawPictures(value.pictures);
  set(model, modelWords(value.model));
  model.dataset.state = value.model.state;
  set(index, value.index && joined(value.index.type, value.index.metric, `nlist ${value.index.nlist}`));
  set(database, value.index && joined(value.index.backend, value.index.version));
  database.dataset.state = up ? 'up' : 'down';
  drawCycle(value.index);
  drawPanel(value);
  drawProblem(problemOf(value));
  say('status', value);
};

setInterval(drawLease, 1000);
draw();
watch('value', draw);
