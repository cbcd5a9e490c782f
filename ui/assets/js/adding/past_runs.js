// The table of past runs: when, from where, what came of it, and how fast.

const COUNTED = ['new', 'updated', 'duplicate', 'rejected', 'skipped'];
const TITLES = ['when', 'source', 'result', 'time', 'rate'].map((column) => phrase(`runs.column.${column}`));
const ENDED = ['stopped', 'failed']; // those that did not come to their end

const dialog = el('dialog', 'lk-dialog lk-past');
dialog.setAttribute('aria-label', phrase('runs.title'));
element.append(dialog);
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});
drawn.append(button('lk-button', phrase('runs.title'), () => trigger('asked', {})));

const cell = (className, ...nodes) => {
  const node = el('td', className);
  node.append(...nodes);
  return node;
};

const result = (past) => {
  const list = el('ul', 'lk-counts');
  if (ENDED.includes(past.outcome)) list.append(el('li', past.outcome === 'failed' ? 'rejected' : 'skipped', phrase(`runs.outcome.${past.outcome}`)));
  for (const status of COUNTED) {
    if (past.counts[status]) list.append(el('li', status, `${number(past.counts[status])} ${phrase(`status.${status}`)}`));
  }
  return past.problem ? [list, el('p', 'lk-problem', said(past.problem))] : [list];
};

const row = (past) => {
  const node = el('tr');
  node.append(
    cell('', dateOf(past.at)),
    cell('file', nameOf(past.source)),
    cell('', ...result(past)),
    cell('amount', past.seconds < 1 ? phrase('runs.short') : seconds(past.seconds)),
    cell('amount', past.rate < 10 ? past.rate.toFixed(1) : number(Math.round(past.rate))),
  );
  return node;
};

const table = (runs) => {
  const node = el('table');
  const head = el('thead');
  const titles = el('tr');
  for (const title of TITLES) {
    const heading = el('th', '', title);
    heading.scope = 'col';
    titles.append(heading);
  }
  head.append(titles);
  const body = el('tbody');
  body.append(...runs.map(row));
  node.append(head, body);
  return node;
};

watch('value', () => {
  const runs = props.value?.runs;
  if (!runs) return;
  const scroller = el('div', 'lk-table');
  scroller.tabIndex = 0;
  scroller.setAttribute('role', 'region');
  scroller.setAttribute('aria-label', phrase('runs.newest'));
  scroller.append(runs.length ? table(runs) : el('p', 'lk-small', phrase('runs.none')));
  const head = el('div', 'lk-dialog-head');
  head.append(el('h2', '', phrase('runs.title')), iconButton('lk-button bare', phrase('common.close'), 'close', () => dialog.close()));
  dialog.replaceChildren(head, scroller);
  if (!dialog.open) dialog.showModal();
});
