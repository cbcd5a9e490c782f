// An upload at work: how far it is, a way to stop it, and in the end a receipt for every file.

const STATUSES = ['new', 'updated', 'duplicate', 'rejected', 'skipped'];
const FILTERS = [
  ['all', () => true],
  ['problems', (receipt) => receipt.status === 'rejected' || receipt.status === 'skipped'],
  ['new', (receipt) => receipt.status === 'new'],
  ['updated', (receipt) => receipt.status === 'updated'],
  ['duplicate', (receipt) => receipt.status === 'duplicate'],
  ['near', (receipt) => receipt.near !== ''],
];
const active = (value) => value.state === 'waiting' || value.state === 'running';

let dismissed = null;
let finished = null; // the run whose end was announced

const box = el('section', 'lk-run');
box.setAttribute('aria-label', phrase('run.adding'));
box.hidden = true;
const dialog = el('dialog', 'lk-dialog lk-receipts');
dialog.setAttribute('aria-label', phrase('run.receipts'));
drawn.append(box);
element.append(dialog);
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});

const counts = (value) => {
  const list = el('ul', 'lk-counts');
  for (const status of STATUSES) {
    const count = value.counts[status];
    if (!count) continue;
    const entry = el('li', status);
    entry.append(el('b', '', number(count)), el('span', '', ` ${phrase(`status.${status}`)}`));
    list.append(entry);
  }
  return list;
};

const actions = (...nodes) => {
  const group = el('div', 'lk-run-actions');
  group.append(...nodes);
  return group;
};

const dismiss = (onDismiss) => iconButton('lk-button bare', phrase('run.dismiss'), 'close', onDismiss);

const headline = (value) => {
  if (value.state === 'waiting') return phrase('run.in_line');
  if (document.documentElement.dataset.model === 'loading') return phrase('waiting.title');
  return phrase('run.adding');
};

// Built once and then kept up to date: a button that is replaced every second cannot keep the focus.
const work = (() => {
  const head = el('div', 'lk-run-head');
  const title = el('h2');
  const words = el('span', 'lk-subtle');
  const found = el('div');
  const stop = button('lk-button', phrase('common.stop'), () => trigger('halt', {}));
  head.append(title, words, actions(stop), found);
  const track = el('div', 'lk-track');
  track.setAttribute('role', 'progressbar');
  track.setAttribute('aria-label', phrase('run.added'));
  const fill = el('i');
  track.append(fill);
  return { nodes: [head, track], title, words, found, stop, track, fill };
})();

const drawWork = (value) => {
  work.title.textContent = headline(value);
  work.words.textContent = value.total === null
    ? phrase('run.so_far', { count: value.done })
    : phrase('run.progress', { done: value.done, count: value.total });
  work.found.replaceChildren(counts(value));
  work.stop.textContent = phrase(value.stopping ? 'common.stopping' : 'common.stop');
  work.stop.disabled = value.stopping || props.edits === 'none';
  const known = value.total !== null && value.done > 0;
  for (const [name, amount] of [['aria-valuemax', value.total], ['aria-valuenow', value.done]]) {
    if (known) work.track.setAttribute(name, amount);
    else work.track.removeAttribute(name);
  }
  work.fill.className = known ? '' : 'unknown';
  work.fill.style.width = `${(100 * value.done) / (value.total || 1)}%`;
  if (work.nodes[0].parentNode !== box) box.replaceChildren(...work.nodes);
};

const over = (value) => {
  const head = el('div', 'lk-run-head');
  const took = value.seconds ? phrase('run.took', { time: seconds(value.seconds) }) : '';
  const leave = dismiss(() => {
    dismissed = value.id;
    box.hidden = true;
  });
  const group = actions(leave);
  if (value.receipts.length) group.prepend(button('lk-button', phrase('run.details'), () => openReceipts(value)));
  head.append(el('h2', '', phrase(`run.ended.${value.state}`)), el('span', 'lk-subtle', took), group, counts(value));
  return value.problem ? [head, el('p', 'lk-problem', said(value.problem))] : [head];
};

const failure = (value) => {
  const head = el('div', 'lk-run-head');
  const leave = dismiss(() => {
    box.hidden = true;
  });
  head.append(el('h2', '', phrase(`error.${value.kind}`)), actions(leave));
  return [head, el('p', 'lk-problem', said(value.detail))];
};

// The receipt.

const row = (receipt) => {
  const node = el('tr');
  const file = el('td', 'file');
  file.append(nameOf(receipt.name));
  const status = el('td');
  status.append(el('span', `lk-tag ${receipt.status}`, phrase(`status.${receipt.status}`)));
  const reason = el('td', 'reason');
  reason.append(nameOf(said(receipt.reason), ''));
  node.append(file, status, reason);
  return node;
};

const table = (receipts) => {
  const node = el('table');
  const head = el('thead');
  const titles = el('tr');
  for (const title of [phrase('facts.file'), phrase('run.result'), phrase('run.reason')]) {
    const cell = el('th', '', title);
    cell.scope = 'col';
    titles.append(cell);
  }
  head.append(titles);
  const body = el('tbody');
  body.append(...receipts.map(row));
  node.append(head, body);
  return node;
};

// A cell that starts like a formula would run as one in a spreadsheet.
const csvCell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

const csv = (receipts) => {
  const rows = receipts.map(({ name, status, reason, id }) => [name, status, reason, id]);
  return [['file', 'result', 'reason', 'content_id'], ...rows].map((cells) => cells.map(csvCell).join(',')).join('\r\n');
};

const csvLink = (receipts) => {
  const link = el('a', 'lk-button');
  link.append(icon('download'), el('span', '', 'CSV'));
  link.href = URL.createObjectURL(new Blob([`\ufeff${csv(receipts)}`], { type: 'text/csv' }));
  link.download = 'receipt.csv';
  dialog.addEventListener('close', () => URL.revokeObjectURL(link.href), { once: true });
  return link;
};

const openReceipts = (value) => {
  const scroller = el('div', 'lk-table');
  scroller.tabIndex = 0;
  scroller.setAttribute('role', 'region');
  scroller.setAttribute('aria-label', phrase('run.files'));
  const tabs = el('div', 'lk-filters');
  const choose = (key) => {
    const [, test] = FILTERS.find(([each]) => each === key);
    const chosen = value.receipts.filter(test);
    tabs.querySelectorAll('button').forEach((tab) => tab.setAttribute('aria-pressed', String(tab.dataset.key === key)));
    scroller.replaceChildren(chosen.length ? table(chosen) : el('p', 'lk-small', phrase('run.no_such')));
  };
  for (const [key, test] of FILTERS) {
    const count = value.receipts.filter(test).length;
    const tab = button('lk-filter', `${phrase(`run.show.${key}`)} ${number(count)}`, () => choose(key));
    tab.dataset.key = key;
    tabs.append(tab);
  }
  const head = el('div', 'lk-dialog-head');
  head.append(el('h2', '', phrase('run.receipt')), csvLink(value.receipts), iconButton('lk-button bare', phrase('common.close'), 'close', () => dialog.close()));
  const parts = [head, tabs, scroller];
  if (value.done > value.receipts.length) {
    parts.push(el('p', 'lk-small', phrase('run.first', { shown: value.receipts.length, all: value.done })));
  }
  dialog.replaceChildren(...parts);
  choose(value.receipts.some(FILTERS[1][1]) ? 'problems' : 'all');
  dialog.showModal();
};

const announce = (value) => {
  say('run', { active: active(value), added: value.counts.new });
  if (active(value) || finished === value.id) return;
  finished = value.id;
  say('changed');
};

const draw = () => {
  const value = props.value || {};
  box.hidden = !value.state || value.state === 'none' || (dismissed !== null && value.id === dismissed);
  if (box.hidden) return;
  box.dataset.state = value.state;
  if (value.state === 'error') return box.replaceChildren(...failure(value));
  if (active(value)) drawWork(value);
  else box.replaceChildren(...over(value));
  announce(value);
};

draw();
watch('value', draw);
hear('status', () => {
  if (active(props.value || {})) work.title.textContent = headline(props.value);
});
