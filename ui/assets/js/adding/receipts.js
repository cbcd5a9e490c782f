// Shows the dialog that lists what became of each file of a run.

import { createDialog, dialogHead } from '../shared/dialogs.js';
import { button, el, nameOf, scroller, tableHead } from '../shared/dom.js';
import { number } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { phrase, said, saidInEnglish } from '../shared/language.js';

const FILTERS = {
  all: () => true,
  problems: ({ status, expected }) => status === 'rejected' || (status === 'skipped' && !expected),
  new: ({ status }) => status === 'new',
  updated: ({ status }) => status === 'updated',
  duplicate: ({ status }) => status === 'duplicate',
  near: ({ near }) => near !== '',
};

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
  const body = el('tbody');
  body.append(...receipts.map(row));
  node.append(tableHead([phrase('facts.file'), phrase('run.result'), phrase('run.reason')]), body);
  return node;
};

// A cell that starts like a formula would run as one in a spreadsheet.
const csvCell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

const csv = (receipts) => {
  const rows = receipts.map(({ name, status, reason, id }) => [name, status, saidInEnglish(reason), id]);
  const titles = ['file', 'result', 'reason', 'content_id'];
  return [titles, ...rows].map((cells) => cells.map(csvCell).join(',')).join('\r\n');
};

export class ReceiptDialog {
  #dialog = createDialog('lk-dialog lk-receipts', phrase('run.receipts'));

  /** @param {HTMLElement} element where the dialog goes */
  constructor(element) {
    element.append(this.#dialog);
  }

  open(run) {
    const { receipts, done } = run;
    const files = scroller('lk-table', phrase('run.files'));
    const { tabs, choose } = this.#tabs(receipts, files);
    const parts = [dialogHead(this.#dialog, phrase('run.receipt'), this.#csvLink(receipts)), tabs, files];
    if (done > receipts.length) {
      parts.push(el('p', 'lk-small', phrase('run.first', { shown: receipts.length, all: done })));
    }
    this.#dialog.replaceChildren(...parts);
    choose(receipts.some(FILTERS.problems) ? 'problems' : 'all');
    this.#dialog.showModal();
  }

  #tabs(receipts, files) {
    const tabs = el('div', 'lk-filters');
    const choose = (key) => {
      const chosen = receipts.filter(FILTERS[key]);
      for (const tab of tabs.querySelectorAll('button'))
        tab.setAttribute('aria-pressed', String(tab.dataset.key === key));
      files.replaceChildren(chosen.length ? table(chosen) : el('p', 'lk-small', phrase('run.no_such')));
    };
    for (const [key, test] of Object.entries(FILTERS)) {
      const words = `${phrase(`run.show.${key}`)} ${number(receipts.filter(test).length)}`;
      const tab = button('lk-filter', words, () => choose(key));
      tab.dataset.key = key;
      tabs.append(tab);
    }
    return { tabs, choose };
  }

  #csvLink(receipts) {
    const link = el('a', 'lk-button');
    link.append(icon('download'), el('span', '', 'CSV'));
    link.href = URL.createObjectURL(new Blob([`\ufeff${csv(receipts)}`], { type: 'text/csv' }));
    link.download = 'receipt.csv';
    this.#dialog.addEventListener('close', () => URL.revokeObjectURL(link.href), { once: true });
    return link;
  }
}
