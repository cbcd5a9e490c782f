// Draws icons as lines on a square of 24 by 24.

const SVG = 'http://www.w3.org/2000/svg';

const ICONS = {
  similar: 'M4 9c3-4 5-4 8-1s5 3 8-1 M4 17c3-4 5-4 8-1s5 3 8-1',
  download: 'M12 4v11 M7 11l5 5 5-5 M5 20h14',
  trash: 'M5 7h14 M10 7V4h4v3 M7 7l1 13h8l1-13 M10.5 11v5 M13.5 11v5',
  close: 'M6 6l12 12 M18 6L6 18',
  previous: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  upload: 'M12 16V5 M7 9l5-5 5 5 M4 15v4h16v-4',
  folder: 'M3 7v12h18V9h-9L9.5 6H3z',
  copy: 'M9 9h11v11H9z M5 15H4V4h11v1',
  picture: 'M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M15.5 9.5h.01',
  again: 'M20 11a8 8 0 1 0-2.3 6.3 M20 5v6h-6',
  chevron: 'M7 10l5 5 5-5',
  warning: 'M12 4L2.5 20h19z M12 10v4.5 M12 17.2v.1',
  hourglass: 'M7 3h10 M7 21h10 M8 3c0 5 3 6 4 9 1-3 4-4 4-9 M8 21c0-5 3-6 4-9 1 3 4 4 4 9',
  explain: 'M4 19h16 M7 15v-4 M12 15V6 M17 15v-6',
  unsure: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z M9.5 9.5a2.5 2.5 0 1 1 3.4 2.3c-.7.3-.9.8-.9 1.7 M12 16.6v.1',
  check: 'M5 12.5l4.5 4.5L19 7',
  plus: 'M12 5v14 M5 12h14',
  minus: 'M5 12h14',
  crop: 'M7 2v15h15 M2 7h15v15',
  heat: 'M12 3c1 4 5 5.5 5 10a5 5 0 0 1-10 0c0-2 1-3 2-4 .5 1.5 1 2 2 2.5C11.5 9 10.5 6 12 3z',
  lock: 'M6 11h12v9H6z M8.5 11V8a3.5 3.5 0 0 1 7 0v3',
};

/**
 * An element of a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string | null} text
 */
export const svg = (tag, attributes = {}, text = null) => {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  if (text !== null) node.textContent = text;
  return node;
};

/** @typedef {keyof typeof ICONS} IconName */

/** @param {IconName} name */
export const icon = (name) => {
  const node = svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true', class: 'lk-icon' });
  node.append(svg('path', { d: ICONS[name] }));
  return node;
};
