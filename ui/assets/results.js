// The right-hand side: a line about the search, and its pictures or what stands in for them.

const EAGER = 12; // pictures that are surely on the first screen
const canAdd = props.edits !== 'none';

let shown = { state: 'starting' };
let items = [];
let running = false; // whether pictures are being added
let position = null; // the address bar as this page last wrote or read it
let asked = ''; // what it asks, weights apart

// Filters and the order stay until they are changed, as the other settings do.
const kept = () => {
  const { where = [], match = 'all', sort = 'score' } = shown.query || {};
  return { where, match, sort };
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
    legend.append(el('i', `stage-${stage}`), el('span', '', `${stage} ${milliseconds(timings[stage])}`));
    node.append(legend);
  }
  node.append(el('b', '', milliseconds(timings.total)));
  if (shown.explained) node.append(button('lk-clear', 'Explain', () => explainer.open(shown), 'explain'));
  return node;
};

const clear = () => button('lk-clear', 'Clear', () => visit({}), 'close');

const isFiltered = () => kept().where.length > 0;

const unfilter = () => {
  const { parts: named = [], turn = 0 } = shown.query || {};
  visit({ ...(named.length ? { parts: named, turn } : {}), where: [] });
};

const unfiltered = () => button('lk-clear', 'Remove the filters', unfilter, 'close');

const ORDER_WORDS = { score: 'newest first', added: 'newest first', name: 'by name', size: 'largest files first' };

const listed = () => `${isFiltered() ? 'that meet the filters, ' : ''}${ORDER_WORDS[kept().sort]}`;

const takeAlong = () => (items.length ? [selection.opener()] : []);

const drawLine = () => {
  line.replaceChildren();
  notes.replaceChildren(...(shown.notes || []).map((note) => el('p', '', note)));
  if (shown.state === 'browse') {
    line.append(el('h2', '', plural(shown.total, 'picture')), el('span', 'lk-subtle', listed()), ...(isFiltered() ? [unfiltered()] : []), ...takeAlong());
  } else if (shown.state === 'none' && !shown.timings) {
    line.append(el('h2', '', 'No pictures'), el('span', 'lk-subtle', listed()), unfiltered());
  } else if (shown.state === 'results' || shown.state === 'none') {
    const many = shown.offset ? `${number(shown.offset + 1)}–${number(shown.offset + items.length)}` : number(items.length);
    const count = shown.total ? `${many} of ${plural(shown.total, 'picture')}` : plural(items.length, 'picture');
    const words = isFiltered() ? [el('span', 'lk-subtle', 'under filters')] : [];
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
  const node = el('span', `lk-mark ${item.relevance.replace(' ', '-')}`, item.relevance);
  node.title = `z ${item.z.toFixed(1)}: more than the best match of ${Math.floor(item.percentile)}% of queries that mean nothing`;
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

const openAt = (place) => {
  viewer.open(items, place, (last) => body.querySelectorAll('.lk-open')[last]?.focus());
};

const card = (item, place, lowest, highest) => {
  const node = el('li', 'lk-card');
  const open = button('lk-open', null, (event) => selection.takes(event, place) || openAt(place));
  open.setAttribute('aria-keyshortcuts', 'x');
  const judged = item.relevance ? `, ${item.relevance}` : '';
  const match = item.rank ? `Match ${item.rank}, score ${item.score.toFixed(3)}${judged}: ` : '';
  open.setAttribute('aria-label', `View ${match}${item.name}`);
  open.append(thumbnail(item, place));
  const caption = el('div', 'lk-caption');
  const name = el('div', 'lk-name-line');
  if (item.rank) name.append(el('span', 'lk-rank', String(item.rank)));
  name.append(nameOf(item.name));
  caption.append(name);
  if (item.rank) caption.append(scoreBar(item, lowest, highest));
  const download = el('a', 'lk-tool');
  download.href = mediaUrl('original', item.id);
  download.setAttribute('download', '');
  download.setAttribute('aria-label', `Download ${item.name}`);
  download.title = 'Download the original';
  download.append(icon('download'));
  const similar = iconButton('lk-tool', `Find pictures similar to ${item.name}`, 'similar', () => visit({ like: item.id }));
  similar.title = 'Find similar';
  const tools = el('div', 'lk-tools');
  tools.append(similar, download);
  const picking = el('div', 'lk-picking');
  picking.append(selection.box(item, place));
  node.append(open, tools, ...(item.rank ? [refine(item)] : []), picking, caption);
  return node;
};

const refine = (item) => {
  const node = el('div', 'lk-refine');
  const more = iconButton('lk-tool', `More like ${item.name}`, 'plus', () => parts.more(item));
  const less = iconButton('lk-tool', `Less like ${item.name}`, 'minus', () => parts.less(item));
  more.title = 'More like this';
  less.title = 'Less like this';
  node.append(more, less);
  return node;
};

const grid = () => {
  const scores = items.map((item) => item.score).filter((score) => score !== null);
  const [lowest, highest] = [Math.min(...scores), Math.max(...scores)];
  const list = el('ul', 'lk-grid');
  list.append(...items.map((item, place) => card(item, place, lowest, highest)));
  return list;
};

const pager = (label, back, on, hasMore, total, turn) => {
  const { offset, size } = shown;
  const node = el('nav', 'lk-pager');
  node.setAttribute('aria-label', label);
  if (!offset && !hasMore) return node;
  const previous = button('lk-button', back, () => turn(Math.max(0, offset - size)), 'previous');
  const next = button('lk-button', on, () => turn(offset + size), 'next');
  previous.disabled = offset === 0;
  next.disabled = !hasMore;
  next.classList.add('trailing');
  node.append(previous, el('span', '', `${number(offset + 1)}–${number(offset + items.length)}${total}`), next);
  return node;
};

const libraryPager = () => {
  const { offset, size, total, query } = shown;
  const words = ['score', 'added'].includes(query?.sort || 'score') ? ['Newer', 'Older'] : ['Previous', 'Next'];
  return pager('Pages of the library', ...words, offset + size < total, ` of ${number(total)}`, (to) => visit({ offset: to }));
};

const resultPager = () => pager('Pages of results', 'Better', 'More', shown.has_more, '', (to) => trigger('turn', { offset: to }));

const unsure = () => {
  const node = el('div', 'lk-unsure');
  const words = el('div');
  words.append(
    el('b', '', 'No confident match'),
    el('span', '', 'Nothing stands out more than for a query that means nothing. These are the nearest pictures all the same.'),
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
    return message('', 'picture', 'The library is empty', 'It is read-only here: the app was started with EDITS=none.');
  }
  const node = message(
    'inviting',
    'picture',
    'A library waiting for pictures',
    'Add some of yours, or begin with the samples. Then find them by describing what they show, or with another picture.',
  );
  const row = el('div', 'lk-choices');
  const samples = button('lk-button primary', 'Add sample pictures', () => {
    samples.disabled = true;
    trigger('samples', {});
  }, 'picture');
  row.append(samples, button('lk-button', 'Choose pictures', () => say('choose'), 'upload'));
  node.append(row);
  return node;
};

const noMatch = () => {
  if (shown.offset) return message('', 'picture', 'No more results', 'These were all that match.');
  if (isFiltered()) {
    const node = message('', 'picture', 'No picture meets the filters', 'Change a condition, or remove the filters.');
    node.append(button('lk-button', 'Remove the filters', unfilter, 'close'));
    return node;
  }
  if (shown.min_score > 0) {
    return message('', 'picture', 'Nothing close enough', `No picture reaches the minimum score of ${shown.min_score.toFixed(2)}. Lower it, or use other words.`);
  }
  return message('', 'picture', 'No pictures found', 'The library has pictures, but none of them is in the index of this model yet.');
};

const failure = () => {
  const node = message('bad', 'warning', shown.title, shown.detail);
  node.setAttribute('role', 'alert');
  if (shown.retry) node.append(button('lk-button', 'Try again', () => again(), 'again'));
  else if (isFiltered()) node.append(button('lk-button', 'Remove the filters', unfilter, 'close'));
  return node;
};

const waiting = () => {
  const node = message('waiting', 'hourglass', 'Waiting for the model to load', 'The search runs by itself as soon as the model is there. The library can be looked through meanwhile.');
  node.append(button('lk-button', 'Show the library', () => visit({}), 'picture'));
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
  node.append(el('span', '', 'Try'));
  for (const text of props.examples || []) node.append(button('lk-example', text, () => visit({ q: text })));
  return node;
};

const CONTENT = {
  starting: () => [skeleton()],
  empty: () => [emptyLibrary()],
  waiting: () => [waiting()],
  none: () => [noMatch()],
  error: () => [failure()],
  browse: () => [...(shown.offset || isFiltered() ? [] : [examples()]), grid(), libraryPager()],
  results: () => [
    ...(shown.confident === false ? [unsure()] : []),
    grid(),
    resultPager(),
  ],
};

// The address bar follows the results, so that a search can be sent to someone and gone back to.

const placeOf = ({ parts: named, where = [], match = 'all', sort = 'score' }) => {
  const url = addressOf(named);
  const filters = [['where', where.length ? JSON.stringify(where) : ''], ['match', match === 'any' ? match : '']];
  for (const [key, value] of [...filters, ['sort', sort === 'score' ? '' : sort]]) {
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
  if (!items.some((item) => ids.includes(item.id))) return;
  items = items.filter((item) => !ids.includes(item.id));
  // A copy: the value is Gradio's.
  shown = { ...shown, state: items.length ? shown.state : 'none', total: shown.total ? shown.total - ids.length : shown.total };
  redraw();
};

hear('visit', visit);
hear('again', again);
hear('removed', forget);
hear('status', ({ model, pictures }) => {
  if (shown.state === 'waiting' && model.state !== 'loading') again();
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
