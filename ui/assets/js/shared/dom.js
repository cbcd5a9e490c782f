// Makes the elements that every part of the page consists of. Text from the library only ever becomes textContent.

import { icon } from './icons.js';

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {string | null} text
 */
export const el = (tag, className = '', text = null) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== null) node.textContent = text;
  return node;
};

/**
 * A file's name. It may be written right to left: <bdi> keeps it from reordering what stands around it.
 * @param {string} text
 */
export const nameOf = (text, className = 'lk-name') => {
  const node = el('bdi', className, text);
  node.dir = 'auto';
  node.title = text;
  return node;
};

/**
 * @param {string} className
 * @param {string | null} text
 * @param {(event: MouseEvent) => void} onClick
 * @param {import('./icons.js').IconName | null} iconName
 */
export const button = (className, text, onClick, iconName = null) => {
  const node = el('button', className);
  node.type = 'button';
  if (iconName) node.append(icon(iconName));
  if (text) node.append(el('span', '', text));
  node.addEventListener('click', onClick);
  return node;
};

/**
 * @param {string} className
 * @param {string} label
 * @param {import('./icons.js').IconName} iconName
 * @param {(event: MouseEvent) => void} onClick
 */
export const iconButton = (className, label, iconName, onClick) => {
  const node = button(className, null, onClick, iconName);
  node.setAttribute('aria-label', label);
  node.title = label;
  return node;
};

/**
 * A part of the page that can be scrolled on its own, by keys too.
 * @param {string} className
 * @param {string} label
 * @param {'div' | 'pre'} tag
 */
export const scroller = (className, label, tag = 'div') => {
  const node = el(tag, className);
  node.tabIndex = 0;
  node.setAttribute('role', 'region');
  node.setAttribute('aria-label', label);
  return node;
};

/**
 * The row of a table's titles.
 * @param {string[]} titles
 */
export const tableHead = (titles) => {
  const row = el('tr');
  for (const title of titles) {
    const cell = el('th', '', title);
    cell.scope = 'col';
    row.append(cell);
  }
  const head = el('thead');
  head.append(row);
  return head;
};

/**
 * A bar that shows how far something is.
 * @param {string} label
 */
export const progressBar = (label) => {
  const track = el('div', 'lk-track');
  track.setAttribute('role', 'progressbar');
  track.setAttribute('aria-label', label);
  const fill = el('i');
  track.append(fill);
  return { track, fill };
};

/**
 * What remains of a progress bar's value in words for screen readers; null takes it away.
 * @param {HTMLElement} track
 * @param {number | null} now
 * @param {number | null} most
 */
export const tellProgress = (track, now, most) => {
  for (const [name, amount] of Object.entries({ 'aria-valuemax': most, 'aria-valuenow': now })) {
    if (amount === null) track.removeAttribute(name);
    else track.setAttribute(name, String(amount));
  }
};

/**
 * Lets files be dropped on a node, which is marked while something hangs over it.
 * @param {HTMLElement} node
 * @param {(transfer: DataTransfer) => void} onDrop
 */
export const takeDrops = (node, onDrop) => {
  node.addEventListener('dragover', (event) => {
    event.preventDefault();
    node.classList.add('over');
  });
  node.addEventListener('dragleave', (event) => {
    if (!node.contains(/** @type {Node | null} */ (event.relatedTarget))) node.classList.remove('over');
  });
  node.addEventListener('drop', (event) => {
    event.preventDefault();
    node.classList.remove('over');
    if (event.dataTransfer) onDrop(event.dataTransfer);
  });
};
