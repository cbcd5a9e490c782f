// The right-hand side: a line about the search, and its pictures or what stands in for them.

const EAGER = 12; // pictures that are surely on the first screen
const EXAMPLES = ['balloons', 'mountains', 'heart', 'city', 'stripes'];
const canAdd = props.edits !== 'none';

let shown = { state: 'starting' };
let items = [];
let readsAll = false; // whether the model reads more than English
let running = false; // whether pictures are being added
let position = null; // the address bar as this page last wrote or read it
let asked = ''; // what it asks, weights apart

// Filters and the order stay until they are changed, as the other settings do.
const kept = () => {
  const { where = [], match = 'all', sort = 'score', model = '', against = '' } = shown.query || {};
  return { where, match, sort, model, against };
};

const visit = (place) => trigger('visit', { ...kept(), ...place });

const viewer = createViewer({
  canDelete: props.edits === 'all',
  onSimilar: (id) => visit({ like: id }),
  onMore: (item) => parts.more(item),
  onLess: (item) => parts.less(item),
  onRemove: (id) => trigger('remove', { id }),
});

const explainer = createExplainer();
const parts = createParts({
  onAsk: visit,
  onView: (item, onClosed) => viewer.open([item], 0, onClosed),
  cropper: createCropper(),
});

const line = el('div', 'lk-line');
line.setAttribute('role', 'status');
line.tabIndex = -1; // takes the focus when the button that had it was replaced
const notes = el('div', 'lk-notes');
const body = el('div', 'lk-body');
const selection = createSelection({
  body,
  canDelete: props.edits === 'all',
  onDiscard: (ids) => trigger('discard', { ids }),
  onLeave: () => line.focus({ preventScroll: true }),
});
drawn.append(parts.node, line, selection.bar, notes, body);

// The line: how many came, and where the time went.

const STAGES = ['encode', 'load', 'search'];

const timing = (timings) => {
  const node = el('div', 'lk-timing');
  const stripes = el('span', 'lk-stripes');
  stripes.setAttribute('aria-hidden', 'true');
  node.append(stripes);
  for (const stage of STAGES) {
    const stripe = el('i', `stage-${stage}`);
    stripe.style.flexGrow = 100 * Math.max(timings[stage] / (timings.total || 1), 0.02);
    stripes.append(stripe);
    const legend = el('span', 'lk-legend');
    legend.append(el('i', `stage-${stage}`), el('span', '', `${phrase(`stage.${stage}`)} ${milliseconds(timings[stage])}`));
    node.append(legend);
  }
  node.append(el('b', '', milliseconds(timings.total)));
  if (shown.explained) node.append(button('lk-clear', phrase('results.explain'), () => explainer.open(shown), 'explain'));
  return node;
};

const clear = () => button('lk-clear', phrase('common.clear'), () => visit({}), 'close');

const isFiltered = () => kept().where.length > 0;

const unfilter = () => {
  const { parts: named = [], turn = 0 } = shown.query || {};
  visit({ ...(named.length ? { parts: named, turn } : {}), where: [] });
};

const unfiltered = () => button('lk-clear', phrase('results.unfilter'), unfilter, 'close');

const listed = () => [...(isFiltered() ? [phrase('results.filtered')] : []), phrase(`results.sorted.${kept().sort}`)].join(', ');

const takeAlong = () => (items.length ? [selection.opener()] : []);

const drawLine = () => {
  line.replaceChildren();
  notes.replaceChildren(...(shown.notes || []).map((note) => el('p', '', said(note))));
  if (shown.state === 'browse') {
    line.append(el('h2', '', phrase('count.pictures', { count: shown.total })), el('span', 'lk-subtle', listed()), ...(isFiltered() ? [unfiltered()] : []), ...takeAlong());
  } else if (shown.state === 'none' && !shown.timings) {
    line.append(el('h2', '', phrase('results.none')), el('span', 'lk-subtle', listed()), unfiltered());
  } else if (shown.state === 'results' || shown.state === 'none') {
    const many = shown.offset ? `${number(shown.offset + 1)}–${number(shown.offset + items.length)}` : number(items.length);
    const count = shown.total ? phrase('results.of', { many, count: shown.total }) : phrase('count.pictures', { count: items.length });
    const words = isFiltered() ? [el('span', 'lk-subtle', phrase('results.under_filters'))] : [];
    if (shown.beside) words.push(el('span', 'lk-subtle', phrase('beside.overlap', { both: shown.beside.in_both.length, count: items.length })));
    line.append(el('h2', '', count), ...words, clear(), ...takeAlong(), timing(shown.timings));
  }
};

// The pictures.

const scoreBar = (item, lowest, highest) => {
  const share = highest > lowest ? (item.score - lowest) / (highest - lowest) : 1;
  const node = el('div', 'lk-score');
  const track = el('span', 'lk-track');
  const fill = el('i');
  fill.style.width = `${8 + 92 * share}%`;
  track.append(fill);
  node.append(track, el('span', 'lk-number', item.score.toFixed(3)), ...(item.relevance ? [mark(item)] : []));
  return node;
};

// How far a hit stands out, in words; the number is in its tooltip.
const mark = (item) => {
  const node = el('span', `lk-mark ${item.relevance.replace(' ', '-')}`, relevanceOf(item));
  node.title = phrase('relevance.why', { z: item.z.toFixed(1), percent: Math.floor(item.percentile) });
  return node;
};

const thumbnail = (item, place) => {
  const image = el('img');
  image.loading = place < EAGER ? 'eager' : 'lazy';
  image.decoding = 'async';
  image.alt = '';
  image.width = 384;
  image.height = 288;
  image.src = mediaUrl('thumb', item.id);
  image.addEventListener('error', () => image.replaceWith(icon('picture')), { once: true });
  return image;
};

const openAt = (list, place, node) => {
  const grid = node.closest('.lk-grid');
  viewer.open(list, place, (last) => grid.querySelectorAll('.lk-open')[last]?.focus());
};

// Where the other model has it, if two were asked.
const alsoAt = (item, isOwn) => {
  const pair = shown.beside?.in_both.find(([id]) => id === item.id);
  return pair?.[isOwn ? 2 : 1];
};

// What a second model found is there to be compared: only the answer itself can be selected.
const card = (item, place, lowest, highest, list) => {
  const isOwn = list === items;
  const node = el('li', 'lk-card');
  const open = button('lk-open', null, (event) => (isOwn && selection.takes(event, place)) || openAt(list, place, node));
  if (isOwn) open.setAttribute('aria-keyshortcuts', 'x');
  const judged = item.relevance ? `, ${relevanceOf(item)}` : '';
  const match = item.rank ? `${phrase('results.match', { rank: item.rank, score: item.score.toFixed(3) })}${judged}: ` : '';
  open.setAttribute('aria-label', phrase('results.view', { name: `${match}${item.name}` }));
  open.append(thumbnail(item, place));
  const caption = el('div', 'lk-caption');
  const name = el('div', 'lk-name-line');
  if (item.rank) name.append(el('span', 'lk-rank', String(item.rank)));
  name.append(nameOf(item.name));
  caption.append(name);
  const also = alsoAt(item, isOwn);
  node.classList.toggle('in-both', Boolean(also));
  if (also) caption.append(el('span', 'lk-both', phrase('beside.also', { rank: also })));
  if (item.rank) caption.append(scoreBar(item, lowest, highest));
  const download = el('a', 'lk-tool');
  download.href = mediaUrl('original', item.id);
  download.setAttribute('download', '');
  download.setAttribute('aria-label', phrase('results.download', { name: item.name }));
  download.title = phrase('results.original');
  download.append(icon('download'));
  const similar = iconButton('lk-tool', phrase('results.similar_to', { name: item.name }), 'similar', () => visit({ like: item.id }));
  similar.title = phrase('common.similar');
  const tools = el('div', 'lk-tools');
  tools.append(similar, download);
  const picking = el('div', 'lk-picking');
  if (isOwn) picking.append(selection.box(item, place));
  node.append(open, tools, ...(item.rank ? [refine(item)] : []), picking, caption);
  return node;
};

const refine = (item) => {
  const node = el('div', 'lk-refine');
  const more = iconButton('lk-tool', phrase('results.more_like', { name: item.name }), 'plus', () => parts.more(item));
  const less = iconButton('lk-tool', phrase('results.less_like', { name: item.name }), 'minus', () => parts.less(item));
  more.title = phrase('common.more');
  less.title = phrase('common.less');
  node.append(more, less);
  return node;
};

const grid = (list = items) => {
  const scores = list.map((item) => item.score).filter((score) => score !== null);
  const [lowest, highest] = [Math.min(...scores), Math.max(...scores)];
  const node = el('ul', 'lk-grid');
  node.append(...list.map((item, place) => card(item, place, lowest, highest, list)));
  return node;
};

const column = (name, list) => {
  const node = el('section');
  node.setAttribute('aria-label', name);
  node.append(el('h3', '', name), list.length ? grid(list) : el('p', 'lk-subtle', phrase('beside.nothing')));
  return node;
};

const columns = () => {
  const node = el('div', 'lk-beside');
  node.append(column(shown.beside.models[0], items), column(shown.beside.models[1], shown.beside.items));
  return node;
};

const pager = (label, back, on, hasMore, total, turn) => {
  const { offset, size } = shown;
  const range = `${number(offset + 1)}–${number(offset + items.length)}`;
  const node = el('nav', 'lk-pager');
  node.setAttribute('aria-label', label);
  if (!offset && !hasMore) return node;
  const previous = button('lk-button', back, () => turn(Math.max(0, offset - size)), 'previous');
  const next = button('lk-button', on, () => turn(offset + size), 'next');
  previous.disabled = offset === 0;
  next.disabled = !hasMore;
  next.classList.add('trailing');
  node.append(previous, el('span', '', total === null ? range : phrase('pager.of', { range, total })), next);
  return node;
};

const libraryPager = () => {
  const { offset, size, total, query } = shown;
  const words = ['score', 'added'].includes(query?.sort || 'score') ? ['pager.newer', 'pager.older'] : ['pager.previous', 'pager.next'];
  return pager(phrase('pager.library'), ...words.map((key) => phrase(key)), offset + size < total, total, (to) => visit({ offset: to }));
};

const resultPager = () => pager(phrase('pager.results'), phrase('pager.better'), phrase('pager.more'), shown.has_more, null, (to) => trigger('turn', { offset: to }));

const unsure = () => {
  const node = el('div', 'lk-unsure');
  const words = el('div');
  words.append(
    el('b', '', phrase('results.unsure')),
    el('span', '', phrase('results.unsure_why')),
  );
  node.append(icon('unsure'), words);
  return node;
};

// What stands in for pictures.

const message = (className, iconName, title, ...paragraphs) => {
  const node = el('div', `lk-message ${className}`);
  const badge = el('span', 'lk-badge');
  badge.append(icon(iconName));
  node.append(badge, el('h2', '', title), ...paragraphs.filter(Boolean).map((text) => el('p', '', text)));
  return node;
};

const emptyLibrary = () => {
  if (running) return skeleton();
  if (!canAdd) {
    return message('', 'picture', phrase('empty.title'), phrase('empty.read_only', { setting: 'EDITS=none' }));
  }
  const node = message(
    'inviting',
    'picture',
    phrase('empty.inviting'),
    phrase('empty.how'),
  );
  const row = el('div', 'lk-choices');
  const samples = button('lk-button primary', phrase('empty.samples'), () => {
    samples.disabled = true;
    trigger('samples', {});
  }, 'picture');
  row.append(samples, button('lk-button', phrase('uploads.choose'), () => say('choose'), 'upload'));
  node.append(row);
  return node;
};

const noMatch = () => {
  if (shown.offset) return message('', 'picture', phrase('none.no_more'), phrase('none.all_shown'));
  if (isFiltered()) {
    const node = message('', 'picture', phrase('none.filtered'), phrase('none.change'));
    node.append(button('lk-button', phrase('results.unfilter'), unfilter, 'close'));
    return node;
  }
  if (shown.min_score > 0) {
    return message('', 'picture', phrase('none.too_far'), phrase('none.lower', { score: shown.min_score.toFixed(2) }));
  }
  return message('', 'picture', phrase('none.title'), phrase('none.not_encoded'));
};

const failure = () => {
  const node = message('bad', 'warning', phrase(`error.${shown.kind}`), said(shown.detail));
  node.setAttribute('role', 'alert');
  if (shown.retry) node.append(button('lk-button', phrase('common.try_again'), () => again(), 'again'));
  else if (isFiltered()) node.append(button('lk-button', phrase('results.unfilter'), unfilter, 'close'));
  return node;
};

const waiting = () => {
  const node = message('waiting', 'hourglass', phrase('waiting.title'), phrase('waiting.how'));
  node.append(button('lk-button', phrase('waiting.library'), () => visit({}), 'picture'));
  return node;
};

const skeleton = () => {
  const list = el('ul', 'lk-grid skeleton');
  list.setAttribute('aria-hidden', 'true');
  for (let count = 0; count < EAGER; count += 1) list.append(el('li', 'lk-card'));
  return list;
};

const examples = () => {
  const node = el('div', 'lk-examples');
  node.append(el('span', '', phrase('examples.try')));
  for (const name of EXAMPLES) {
    const text = readsAll ? phrase(`examples.of.${name}`) : inEnglish(`examples.of.${name}`);
    node.append(button('lk-example', text, () => visit({ q: text })));
  }
  return node;
};

const drawExamples = () => body.querySelector('.lk-examples')?.replaceWith(examples());

const CONTENT = {
  starting: () => [skeleton()],
  empty: () => [emptyLibrary()],
  waiting: () => [waiting()],
  none: () => [noMatch()],
  error: () => [failure()],
  browse: () => [...(shown.offset || isFiltered() ? [] : [examples()]), grid(), libraryPager()],
  results: () => [
    ...(shown.confident === false ? [unsure()] : []),
    shown.beside ? columns() : grid(),
    resultPager(),
  ],
};

// The address bar follows the results, so that a search can be sent to someone and gone back to.

const placeOf = ({ parts: named, where = [], match = 'all', sort = 'score', model = '', against = '' }) => {
  const url = addressOf(named);
  const filters = [['where', where.length ? JSON.stringify(where) : ''], ['match', match === 'any' ? match : '']];
  const others = [['sort', sort === 'score' ? '' : sort], ['model', model], ['against', against]];
  for (const [key, value] of [...filters, ...others]) {
    if (value) url.searchParams.set(key, value);
    else url.searchParams.delete(key);
  }
  return url;
};

const follow = () => {
  if (!shown.query || shown.state === 'starting') return;
  const url = placeOf(shown.query);
  const unchanged = url.search === location.search;
  const question = JSON.stringify({ ...shown.query, parts: shown.query.parts.map(withoutWeight), turn: 0 });
  const onlyTuned = question === asked; // weights change often: going back is to leave them all
  asked = question;
  if (position !== null && !unchanged) history[onlyTuned ? 'replaceState' : 'pushState'](null, '', url);
  position = url.search;
};

window.addEventListener('popstate', () => {
  if (location.search === position) return;
  position = location.search;
  viewer.close();
  visit({ address: location.search });
});

const again = () => trigger('again', {});

const drawBody = () => body.replaceChildren(...(CONTENT[shown.state] || CONTENT.starting)());

const labelOf = (node) => node.getAttribute('aria-label') || node.textContent;

// The focus stays where it was, or goes to the line when nothing of that name is left.
const redraw = () => {
  const held = drawn.contains(document.activeElement) ? labelOf(document.activeElement) : null;
  if (shown.query) parts.take(shown.query, shown.pictures);
  drawLine();
  drawBody();
  selection.follow(shown, items);
  if (held === null || drawn.contains(document.activeElement)) return;
  const same = [...drawn.querySelectorAll('button, a')].find((node) => labelOf(node) === held);
  (same || line).focus({ preventScroll: true });
};

const draw = () => {
  shown = props.value || {};
  items = shown.items || [];
  element.dataset.state = shown.state;
  redraw();
  follow();
  if (shown.query && !['starting', 'error'].includes(shown.state)) say('shown', kept());
  if (shown.state !== 'starting' && body.getBoundingClientRect().top < 0) window.scrollTo({ top: 0 });
};

const forget = ({ ids }) => {
  selection.forget(ids);
  if (ids.some((id) => parts.has(id))) return visit({});
  if (shown.state === 'browse') return again();
  if (![...items, ...(shown.beside?.items || [])].some((item) => ids.includes(item.id))) return;
  items = items.filter((item) => !ids.includes(item.id));
  const { beside } = shown;
  if (beside) shown = { ...shown, beside: { ...beside, items: beside.items.filter((item) => !ids.includes(item.id)) } };
  // A copy: the value is Gradio's.
  shown = { ...shown, state: items.length ? shown.state : 'none', total: shown.total ? shown.total - ids.length : shown.total };
  redraw();
};

hear('visit', visit);
hear('again', again);
hear('removed', forget);
hear('status', ({ model, models = [], pictures }) => {
  if (model.multilingual !== readsAll) {
    readsAll = model.multilingual;
    drawExamples();
  }
  const loads = [model, ...models].some(({ state }) => state === 'loading');
  if (shown.state === 'waiting' && !loads) again();
  if (shown.state === 'empty' && pictures && !running) again(); // a run that this tab did not follow
});
hear('run', ({ active, added }) => {
  const changed = running !== active;
  running = active;
  if (shown.state !== 'empty') return;
  if (added) again();
  else if (changed) drawBody();
});
hear('changed', () => {
  if (shown.state === 'browse' || shown.state === 'empty') again();
});

draw();
watch('value', draw);
