// Sorting, and the rows of field, operator and value that results have to meet. What is changed applies at once.

const KIND_OPERATORS = {
  text: ['=', '!=', 'starts with', 'one of', '<', '>', 'between'],
  number: ['=', '!=', '<', '<=', '>', '>=', 'between', 'one of'],
  'true or false': ['=', '!='],
  time: ['=', '<', '<=', '>', '>=', 'between', '!='],
};
const WORDS = {
  '=': phrase('filters.is'),
  '!=': phrase('filters.is_not'),
  '<': phrase('filters.less'),
  '<=': phrase('filters.at_most'),
  '>': phrase('filters.more'),
  '>=': phrase('filters.at_least'),
  between: phrase('filters.between'),
  'one of': phrase('filters.one_of'),
  'starts with': phrase('filters.starts_with'),
};
const TIME_WORDS = {
  '=': phrase('filters.on'),
  '!=': phrase('filters.not_on'),
  '<': phrase('filters.before'),
  '<=': phrase('filters.until'),
  '>': phrase('filters.after'),
  '>=': phrase('filters.from'),
};
const TEXT_WORDS = { '<': phrase('filters.before_in_alphabet'), '>': phrase('filters.after_in_alphabet') };
const ORDERS = ['score', 'name', 'added', 'size'].map((order) => [order, phrase(`filters.by.${order}`)]);
const DAY = /^\d{4}-\d\d-\d\d$/;

let rows = [];
let match = 'all';
let sent = ''; // what the shown results were asked for with
let made = 0; // rows so far: each has its own IDs

const choice = (label, options, value, onChange) => {
  const node = el('select', 'lk-input');
  node.setAttribute('aria-label', label);
  node.append(...options.map(([each, text]) => new Option(text, each)));
  node.value = value;
  node.addEventListener('change', () => onChange(node.value));
  return node;
};

const fieldOf = (name) => (props.value?.fields || []).find((field) => field.name === name) || { name, kinds: [], values: [] };

const kindOf = (row) => {
  const { kinds } = fieldOf(row.field);
  return kinds.length === 1 ? kinds[0] : 'text';
};

const operatorsOf = (row) => {
  const { kinds } = fieldOf(row.field);
  const several = kinds.length === 1 ? KIND_OPERATORS[kinds[0]] : Object.keys(WORDS);
  return several.includes(row.operator) ? several : [...several, row.operator];
};

const wordOf = (operator, kind) => ({ time: TIME_WORDS, text: TEXT_WORDS }[kind]?.[operator] || WORDS[operator]);

const isComplete = ({ operator, values }) => values.slice(0, operator === 'between' ? 2 : 1).every((value) => value !== '')
  && (operator !== 'between' || values.length > 1);

const valueOf = ({ operator, values }) => {
  if (operator === 'between') return values.slice(0, 2);
  return operator === 'one of' ? values[0].split(',').map((each) => each.trim()) : values[0];
};

const current = () => ({
  rows: rows.filter(isComplete).map((row) => ({ field: row.field, operator: row.operator, value: valueOf(row) })),
  match,
  sort: sort.value,
});

const apply = () => {
  drawCount();
  const now = current();
  if (JSON.stringify(now) === sent) return;
  sent = JSON.stringify(now);
  trigger('applied', now);
};

// The rows

const input = (row, place, label) => {
  const kind = kindOf(row);
  if (kind === 'true or false') {
    const options = [['', phrase('filters.choose')], ['true', phrase('filters.true')], ['false', phrase('filters.false')]];
    return choice(label, options, row.values[place], (value) => {
      row.values[place] = value;
      apply();
    });
  }
  const node = el('input', 'lk-input');
  const isDay = kind === 'time' && row.operator !== 'starts with' && (!row.values[place] || DAY.test(row.values[place]));
  node.type = isDay ? 'date' : 'text';
  if (kind === 'number') node.inputMode = 'decimal';
  if (row.operator === 'one of') node.placeholder = phrase('filters.commas');
  node.autocomplete = 'off';
  node.spellcheck = false;
  node.value = row.values[place];
  node.setAttribute('aria-label', label);
  if (fieldOf(row.field).values.length && row.operator !== 'one of') node.setAttribute('list', `lk-values-${row.id}`);
  node.addEventListener('input', () => {
    row.values[place] = node.value.trim(); // at once: a redraw must not lose what is being typed
  });
  node.addEventListener('change', apply);
  node.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') apply();
  });
  return node;
};

const inputs = (row, number_) => {
  const node = el('div', 'lk-values');
  const label = (which) => phrase(which, { number: number_ });
  if (row.operator === 'between') node.append(input(row, 0, label('filters.lowest')), el('span', '', phrase('filters.and')), input(row, 1, label('filters.highest')));
  else node.append(input(row, 0, label('filters.value')));
  const values = el('datalist');
  values.id = `lk-values-${row.id}`;
  values.append(...fieldOf(row.field).values.map((value) => new Option(value)));
  node.append(values);
  return node;
};

const drawRow = (row, place) => {
  const node = el('li', 'lk-condition');
  const known = (props.value?.fields || []).map(({ name }) => name);
  const fields = known.includes(row.field) ? known : [...known, row.field];
  const field = choice(phrase('filters.field', { number: place + 1 }), fields.map((name) => [name, name]), row.field, (value) => {
    const before = kindOf(row);
    row.field = value;
    if (kindOf(row) !== before) Object.assign(row, { operator: '=', values: ['', ''] });
    draw(row, 'select');
    apply();
  });
  const operators = operatorsOf(row).map((operator) => [operator, wordOf(operator, kindOf(row))]);
  const operator = choice(phrase('filters.operator', { number: place + 1 }), operators, row.operator, (value) => {
    row.operator = value;
    draw(row, 'select + select');
    apply();
  });
  const remove = iconButton('lk-button bare', phrase('filters.remove', { number: place + 1 }), 'close', () => {
    rows = rows.filter((each) => each !== row);
    draw();
    (list.children[Math.min(place, rows.length - 1)]?.querySelector('select') || add).focus();
    apply();
  });
  node.dataset.row = row.id;
  node.append(field, operator, remove, inputs(row, place + 1));
  return node;
};

const newRow = (field, operator, values) => {
  made += 1;
  return { id: made, field, operator, values };
};

// What stands around them

const sortLabel = el('label', 'lk-labelled', phrase('filters.sort'));
const sort = choice(phrase('filters.sort'), ORDERS, 'score', apply);
sort.removeAttribute('aria-label');
sortLabel.append(sort);

const toggle = button('lk-disclosure', phrase('filters.title'), () => unfold(panel.hidden), 'chevron');
const count = el('b', 'lk-count');
toggle.append(count);
toggle.setAttribute('aria-expanded', 'false');
toggle.setAttribute('aria-controls', 'lk-filters');

const panel = el('div', 'lk-filters');
panel.id = 'lk-filters';
panel.hidden = true;
const matchLabel = el('label', 'lk-labelled', phrase('filters.meet'));
const matches = choice('', [['all', phrase('filters.all')], ['any', phrase('filters.any')]], 'all', (value) => {
  match = value;
  apply();
});
matches.removeAttribute('aria-label');
matchLabel.append(matches);
const list = el('ul', 'lk-conditions');
list.setAttribute('aria-label', phrase('filters.conditions'));
const add = button('lk-button', phrase('filters.add'), () => {
  const [first] = props.value?.fields || [];
  if (!first) return;
  rows.push(newRow(first.name, '=', ['', '']));
  draw(rows.at(-1), 'select');
});
const clear = button('lk-button', phrase('filters.remove_all'), () => {
  rows = [];
  draw();
  add.focus();
  apply();
});
const choices = el('div', 'lk-filter-choices');
choices.append(add, clear);
panel.append(matchLabel, list, choices);
drawn.append(sortLabel, toggle, panel);

const unfold = (open) => {
  panel.hidden = !open;
  toggle.setAttribute('aria-expanded', String(open));
  if (open) {
    trigger('asked', {}); // fields may have come since
    if (!rows.length) add.click();
  }
};

const drawCount = () => {
  const active = rows.filter(isComplete).length;
  count.textContent = active ? String(active) : '';
  count.hidden = !active;
  toggle.setAttribute('aria-label', active ? phrase('filters.active', { count: active }) : phrase('filters.title'));
};

const draw = (focused = null, selector = '') => {
  list.replaceChildren(...rows.map(drawRow));
  matchLabel.hidden = rows.length < 2;
  clear.hidden = rows.length < 2;
  matches.value = match;
  drawCount();
  if (focused) list.querySelector(`[data-row="${focused.id}"] > ${selector}`)?.focus();
};

// The results tell what they were asked with: an address may have brought it, or the way back.
hear('shown', ({ where, match: matched, sort: order }) => {
  const asked = where.map(({ field, operator, value }) => {
    const values = [value].flat().map(String);
    return { field, operator, values: operator === 'one of' ? [values.join(', '), ''] : [...values, ''] };
  });
  const shown = { rows: asked.map((row) => ({ field: row.field, operator: row.operator, value: valueOf(row) })), match: matched, sort: order };
  const mine = current();
  const same = (one, other) => JSON.stringify([one.rows, one.sort]) === JSON.stringify([other.rows, other.sort]);
  sort.value = order;
  if (same(shown, mine) && (matched === match || !where.length)) return;
  match = matched;
  rows = asked.map(({ field, operator, values }) => newRow(field, operator, values));
  sent = JSON.stringify(current());
  draw();
  if (rows.length && panel.hidden) unfold(true);
});

draw();
sent = JSON.stringify(current());
let known = JSON.stringify(props.value?.fields);
watch('value', () => {
  const now = JSON.stringify(props.value?.fields);
  if (now === known) return;
  known = now;
  const held = list.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
  draw();
  if (held) [...list.querySelectorAll('select, input, button')].find((node) => node.getAttribute('aria-label') === held)?.focus();
});
