// Near-duplicates side by side, group by group: keep one, keep all, or take one out of the group.

const POLL = 700;

const { dialog, body, open } = measuringDialog(phrase('duplicates.title'));
drawn.append(button('lk-button', phrase('duplicates.open'), open));
let shown = null;
let asking = null; // the group whose pictures are about to be deleted
const chosen = new Map(); // the picture to keep, by group

const decide = (group, decision, id = '') => {
  const sections = [...body.querySelectorAll('.lk-alikes')];
  const at = sections.findIndex((each) => each.dataset.key === group.key);
  asking = null;
  body.dataset.next = String(at);
  trigger('decide', { key: group.key, decision, id });
};

const focusGroup = (at) => {
  const sections = body.querySelectorAll('.lk-alikes');
  (sections[Math.min(at, sections.length - 1)]?.querySelector('h3') || body).focus();
};

const progress = (value) =>
  progressOf(value, phrase('duplicates.compared'), value.total ? phrase('duplicates.progress', { done: value.done, count: value.total }) : phrase('duplicates.loading'));

const keptOf = (group) => group.pictures.find((each) => each.id === chosen.get(group.key)) || group.pictures[0];

const choice = (group, picture) => {
  const label = el('label', 'lk-alike-choice');
  const radio = el('input');
  radio.type = 'radio';
  radio.name = `keep ${group.key}`;
  radio.checked = picture === keptOf(group);
  radio.setAttribute('aria-label', phrase('duplicates.keep_named', { name: picture.name }));
  radio.addEventListener('change', () => {
    chosen.set(group.key, picture.id);
    body.querySelectorAll(`[data-key="${group.key}"] .lk-alike`).forEach((each) => {
      each.classList.toggle('kept', each.dataset.id === picture.id);
    });
    if (asking === group.key) redraw();
  });
  label.append(radio, el('span', '', phrase('duplicates.keep')));
  return label;
};

const figure = (value, group, picture) => {
  const node = el('figure', `lk-alike${value.may && picture === keptOf(group) ? ' kept' : ''}`);
  node.dataset.id = picture.id;
  const link = el('a', 'lk-alike-picture');
  link.href = mediaUrl('preview', picture.id);
  link.target = '_blank';
  link.rel = 'noopener';
  link.setAttribute('aria-label', phrase('duplicates.larger', { name: picture.name }));
  const image = el('img');
  image.src = mediaUrl('thumb', picture.id);
  image.alt = '';
  image.loading = 'lazy';
  link.append(image);
  const facts = el('dl', 'lk-alike-facts');
  const fact = (term, text, best) => facts.append(el('dt', '', term), el('dd', best ? 'best' : '', text));
  const most = (amount) => group.pictures.every((each) => amount(each) <= amount(picture)) && group.pictures.some((each) => amount(each) < amount(picture));
  fact(phrase('duplicates.pixels'), `${number(picture.width)} × ${number(picture.height)}`, most((each) => each.width * each.height));
  fact(phrase('facts.file'), `${picture.format}, ${fileSize(picture.bytes)}`, most((each) => each.bytes));
  fact(phrase('duplicates.similarity'), picture.score.toFixed(3));
  const caption = el('figcaption');
  caption.append(nameOf(picture.name), facts);
  if (value.may) {
    const row = el('div', 'lk-alike-row');
    row.append(choice(group, picture));
    if (group.count > 2) {
      const apart = button('lk-button', phrase('duplicates.apart'), () => decide(group, 'apart', picture.id));
      apart.setAttribute('aria-label', phrase('duplicates.apart_named', { name: picture.name }));
      row.append(apart);
    }
    caption.append(row);
  }
  node.append(link, caption);
  return node;
};

const actions = (group) => {
  const box = el('div', 'lk-alikes-actions');
  const others = group.count - 1;
  if (asking === group.key) {
    const remove = button('lk-button danger filled', phrase('common.delete_for_good'), () => decide(group, 'keep', keptOf(group).id), 'trash');
    const leave = button('lk-button', phrase('common.cancel'), () => {
      asking = null;
      redraw();
      body.querySelector(`[data-key="${group.key}"] .lk-keep`)?.focus();
    });
    const question = el('p', '', phrase('duplicates.question', { name: keptOf(group).name, count: others }));
    question.dir = 'auto';
    box.append(question, remove, leave);
    return box;
  }
  box.append(
    button('lk-button primary lk-keep', phrase('duplicates.keep_this'), () => {
      asking = group.key;
      redraw();
      body.querySelector(`[data-key="${group.key}"] .lk-alikes-actions .lk-button:last-child`)?.focus();
    }),
    button('lk-button', phrase(others === 1 ? 'duplicates.keep_both' : 'duplicates.keep_all'), () => decide(group, 'all')),
  );
  return box;
};

const section = (value, group) => {
  const node = el('section', 'lk-alikes');
  node.dataset.key = group.key;
  const heading = el('h3', '', phrase('count.pictures', { count: group.count }));
  heading.tabIndex = -1;
  const row = el('div', 'lk-alikes-pictures');
  row.append(...group.pictures.map((picture) => figure(value, group, picture)));
  node.append(heading, row);
  if (group.count > group.pictures.length) node.append(el('p', 'lk-small', phrase('duplicates.best', { shown: group.pictures.length, all: group.count })));
  if (value.may) node.append(actions(group));
  return node;
};

const summary = (value) => {
  const box = el('div', 'lk-meter-decision');
  const found = value.found ?? 0;
  if (value.too_small) {
    box.append(el('p', '', phrase('duplicates.too_small')));
    return box;
  }
  if (value.groups === null) {
    box.append(el('p', '', phrase('duplicates.about')));
  } else if (!found) {
    box.append(el('p', 'lk-meter-sentence', phrase('duplicates.none')));
  } else {
    const [count, first] = [found, value.groups.length];
    box.append(el('p', 'lk-meter-sentence', count > first ? phrase('duplicates.groups_of', { count, first }) : phrase('duplicates.groups', { count })));
    if (value.may) box.append(el('p', 'lk-subtle', phrase('duplicates.best_chosen')));
  }
  if (value.groups !== null && !value.current) box.append(el('p', 'lk-subtle', phrase('duplicates.changed')));
  if (value.may || !value.current) box.append(button(`lk-button${value.groups === null ? ' primary' : ''}`, phrase(value.groups === null ? 'duplicates.look' : 'duplicates.look_again'), () => trigger('begin', {})));
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
  if (value.state === 'running') parts.push(progress(value));
  else parts.push(summary(value), ...(value.groups || []).map((group) => section(value, group)));
  const focused = dialog.contains(document.activeElement) && document.activeElement !== dialog;
  const { scrollTop } = body;
  body.replaceChildren(...parts);
  body.scrollTop = scrollTop;
  if (focused && !dialog.contains(document.activeElement)) body.focus({ preventScroll: true });
};

watch('value', () => {
  if (!props.value?.at) return;
  shown = props.value;
  if (shown.removed) say('removed', { ids: shown.removed });
  if (shown.notice) say('notice', { text: phrase(shown.notice.key, shown.notice.values) });
  if (!dialog.open) return; // closed while the answer was on its way
  redraw();
  if (body.dataset.next) focusGroup(Number(body.dataset.next));
  delete body.dataset.next;
  if (shown.state === 'running') setTimeout(() => dialog.open && trigger('asked', {}), POLL);
});
