// Shows the table of past runs: when, from where, with what result, and how fast.

import { createDialog, dialogHead } from '../shared/dialogs.js';
import { button, el, nameOf, scroller, tableHead } from '../shared/dom.js';
import { dateOf, number, seconds } from '../shared/format.js';
import { phrase, said } from '../shared/language.js';

const COUNTED = ['new', 'updated', 'duplicate', 'rejected', 'skipped'];
const TITLES = ['when', 'source', 'result', 'time', 'rate'];

/** Those that did not come to their end, by what marks them. */
const ENDED = { stopped: 'skipped', failed: 'rejected' };

const cell = (className, ...nodes) => {
  const node = el('td', className);
  node.append(...nodes);
  return node;
};

const result = (past) => {
  const list = el('ul', 'lk-counts');
  const ended = ENDED[past.outcome];
  if (ended) list.append(el('li', ended, phrase(`runs.outcome.${past.outcome}`)));
  for (const status of COUNTED) {
    const count = past.counts[status];
    if (count) list.append(el('li', status, `${number(count)} ${phrase(`status.${status}`)}`));
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
  const body = el('tbody');
  body.append(...runs.map(row));
  node.append(tableHead(TITLES.map((column) => phrase(`runs.column.${column}`))), body);
  return node;
};

export class PastRuns {
  #dialog = createDialog('lk-dialog lk-past', phrase('runs.title'));

  /** @param {import('../shared/events.js').Host} host */
  constructor({ element, drawn, props, trigger, watch }) {
    element.append(this.#dialog);
    drawn.append(button('lk-button', phrase('runs.title'), () => trigger('asked', {})));
    watch('value', () => {
      if (props.value?.runs) this.#show(props.value.runs);
    });
  }

  #show(runs) {
    const dialog = this.#dialog;
    const list = scroller('lk-table', phrase('runs.newest'));
    list.append(runs.length ? table(runs) : el('p', 'lk-small', phrase('runs.none')));
    dialog.replaceChildren(dialogHead(dialog, phrase('runs.title')), list);
    if (!dialog.open) dialog.showModal();
  }
}
