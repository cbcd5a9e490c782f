// Makes tables of figures.

import { el, scroller, tableHead } from '../shared/dom.js';

/**
 * @typedef {string | Node} Content
 * @typedef {{ cells: (Content | Content[])[], className?: string }} Row the first cell names it
 */

const rowOf = ({ cells, className = '' }) => {
  const row = el('tr', className);
  for (const [index, content] of cells.entries()) {
    const cell = el(index ? 'td' : 'th');
    if (cell instanceof HTMLTableCellElement && !index) cell.scope = 'row';
    cell.append(...[content].flat());
    row.append(cell);
  }
  return row;
};

/**
 * @param {string} label
 * @param {string[]} titles
 * @param {Row[]} rows
 */
export const figuresTable = (label, titles, rows, className = '') => {
  const region = scroller(`lk-table lk-figures ${className}`, label);
  const table = el('table');
  const body = el('tbody');
  body.append(...rows.map(rowOf));
  table.append(tableHead(titles), body);
  region.append(table);
  return region;
};
