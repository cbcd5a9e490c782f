// Which model is asked, a second one beside it, and what each has made of the pictures.

const POLL = 1000;

const { dialog, body, open } = measuringDialog(phrase('models.title'));
let models = []; // those that can be asked, the chosen one first
let asked = { model: '', against: '' };
let shown = null;
let dropping = null; // the collection that is about to be dropped

const picker = (key, onChange) => {
  const label = el('label', 'lk-picker');
  const select = el('select', 'lk-input');
  select.setAttribute('aria-label', phrase(key)); // the label's own text would take in the options
  select.addEventListener('change', () => onChange(select.value));
  label.append(el('span', '', phrase(key)), select);
  return { label, select };
};

const nameIn = (value) => (value === models[0]?.name ? '' : value);
const choose = (change) => trigger('chosen', { ...asked, ...change });
const first = picker('models.asked', (value) => choose({ model: nameIn(value) }));
const second = picker('models.against', (value) => choose({ against: value }));
const pickers = el('div', 'lk-pickers');
pickers.hidden = true;
pickers.append(first.label, second.label);
drawn.append(pickers, button('lk-button', phrase('models.open'), open));

const option = (value, text) => {
  const node = el('option', '', text);
  node.value = value;
  return node;
};

const optionOf = ({ name, state }) => option(name, state === 'loading' ? phrase('models.is_loading', { name }) : name);

const fill = ({ select }, options, value) => {
  const text = options.map((each) => `${each.value} ${each.textContent}`).join('\n');
  if (select.dataset.text !== text) select.replaceChildren(...options);
  select.dataset.text = text;
  if (document.activeElement !== select || select.value === '') select.value = value;
};

const drawPickers = () => {
  pickers.hidden = models.length < 2;
  const model = asked.model || models[0]?.name;
  fill(first, models.map(optionOf), model);
  const others = models.filter(({ name }) => name !== model);
  fill(second, [option('', phrase('models.nothing')), ...others.map(optionOf)], asked.against);
};

const isWorking = (work) => work?.state === 'loading' || work?.state === 'encoding';

const progress = (work) => {
  const words = work.state === 'encoding' ? phrase('models.encoding', { name: work.model, done: work.done, count: work.total }) : phrase('models.fetching', { name: work.model });
  return progressOf({ ...work, may: shown.may }, phrase('standin.encoded'), words);
};

const question = (collection) => {
  const box = el('div', 'lk-model-question');
  const leave = button('lk-button', phrase('common.cancel'), () => {
    dropping = null;
    redraw();
  });
  const drop = button('lk-button danger filled', phrase('models.drop'), () => {
    dropping = null;
    trigger('dropped', { collection: collection.name });
  }, 'trash');
  box.append(el('p', '', phrase('models.sure', { name: collection.name, count: collection.rows })), drop, leave);
  return box;
};

const actions = (model, collection) => {
  const box = el('div', 'lk-model-actions');
  if (!shown.may || isWorking(shown.reindexing)) return box;
  const missing = collection ? collection.missing : shown.pictures;
  if (model && missing) {
    box.append(button('lk-button', phrase('models.encode', { count: missing }), () => trigger('begin', { model: model.name })));
  }
  if (collection && !collection.answers) {
    const drop = button('lk-button', phrase('models.drop_ask'), () => {
      dropping = collection.name;
      redraw();
      body.querySelector('.lk-model-question .lk-button:last-child')?.focus();
    });
    drop.setAttribute('aria-label', phrase('models.drop_named', { name: collection.name }));
    box.append(drop);
  }
  return box;
};

const factsOf = (model, collection) => {
  const list = el('dl', 'lk-model-facts');
  const fact = (key, text) => text && list.append(el('dt', '', phrase(key)), el('dd', '', text));
  fact('models.memory', model && phrase(`models.state.${model.state.replace(' ', '_')}`));
  fact('models.encoded', phrase('models.rows', { rows: collection?.rows ?? 0, count: shown.pictures ?? 0 }));
  fact('models.dim', String(collection?.dim ?? model?.dim ?? ''));
  if (!collection) return list;
  fact('models.size', fileSize(collection.bytes));
  fact('models.made', collection.created && dateOf(collection.created));
  fact('models.collection', collection.name);
  return list;
};

const entry = (model, collection) => {
  const node = el('section', 'lk-model');
  const head = el('h3', '', model?.name || collection.model || collection.name);
  if (model?.answers) head.append(el('span', 'lk-model-answers', phrase('models.answers')));
  node.append(head, factsOf(model, collection));
  if (model?.problem) node.append(el('p', 'lk-problem', model.problem));
  node.append(collection && dropping === collection.name ? question(collection) : actions(model, collection));
  return node;
};

const entries = () => {
  const collectionOf = (model) => shown.collections.find((each) => each.of === model.name);
  const left = shown.collections.filter((each) => !each.of);
  return [...shown.models.map((model) => entry(model, collectionOf(model))), ...left.map((each) => entry(null, each))];
};

const outcome = (work) => {
  if (work?.state === 'failed') return work.problem;
  return work?.state === 'stopped' ? phrase('standin.stopped', { done: work.done, count: work.total }) : null;
};

const redraw = () => {
  const problem = shown.problem || outcome(shown.reindexing);
  const parts = [el('p', 'lk-subtle', phrase('models.about'))];
  if (problem) {
    parts.push(el('p', 'lk-problem', problem));
    parts.at(-1).setAttribute('role', 'alert');
  }
  if (isWorking(shown.reindexing)) parts.push(progress(shown.reindexing));
  const focused = dialog.contains(document.activeElement) && document.activeElement !== dialog;
  const { scrollTop } = body;
  body.replaceChildren(...parts, ...entries());
  body.scrollTop = scrollTop;
  if (focused && !dialog.contains(document.activeElement)) body.focus({ preventScroll: true });
};

hear('status', (status) => {
  models = status.models || [];
  drawPickers();
});

hear('shown', ({ model = '', against = '' }) => {
  asked = { model, against };
  drawPickers();
});

watch('value', () => {
  if (!props.value?.at) return;
  shown = props.value;
  if (!dialog.open) return; // closed while the answer was on its way
  redraw();
  const loads = shown.models.some(({ state }) => state === 'loading');
  if (loads || isWorking(shown.reindexing)) setTimeout(() => dialog.open && trigger('asked', {}), POLL);
});
