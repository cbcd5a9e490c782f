// Shows the worst queries of an evaluation, with the pictures that were found.

import { el, nameOf } from '../shared/dom.js';
import { phrase } from '../shared/language.js';

const verdictOf = (isRight) => phrase(isRight ? 'evaluation.right' : 'evaluation.wrong');

const pictureOf = (icons, shown, isRight = null) => {
  const verdict = isRight ? 'right' : 'wrong';
  const node = el('figure', `lk-worst-picture ${isRight === null ? '' : verdict}`);
  const icon = icons[shown.id];
  if (icon) {
    const image = el('img');
    image.src = `data:image/jpeg;base64,${icon}`;
    image.alt = '';
    node.append(image);
  } else node.append(el('span', 'lk-worst-none', shown.name));
  const caption = el('figcaption');
  if (isRight !== null) caption.append(el('b', '', `${verdictOf(isRight)} `));
  caption.append(nameOf(shown.label || shown.name));
  node.append(caption);
  return node;
};

const queryItem = (icons, query) => {
  const item = el('li');
  const asked = el('div', 'lk-worst-asked');
  asked.append(query.picture ? pictureOf(icons, query.picture) : el('strong', '', query.text));
  const first = query.first
    ? phrase('evaluation.first_right', { rank: query.first })
    : phrase('evaluation.nothing_right');
  asked.append(el('span', 'lk-small', `mAP ${query.map.toFixed(3)}, ${first}`));
  const found = el('div', 'lk-worst-found');
  found.append(...query.results.map((result) => pictureOf(icons, result, result.right)));
  item.append(asked, found);
  return item;
};

export const worstQueries = ({ icons }, task, title) => {
  const list = el('ul', 'lk-worst');
  list.append(...task.worst.map((query) => queryItem(icons, query)));
  const details = el('details');
  details.append(el('summary', '', title), list);
  return details;
};
