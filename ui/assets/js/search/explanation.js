// Shows the dialog with the times of a search, its query, and a program that repeats it without this app.

import { createDialog, dialogHead } from '../shared/dialogs.js';
import { button, el, scroller } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { milliseconds, number } from '../shared/format.js';
import { phrase } from '../shared/language.js';

const stage = (name, words, timings, before) => {
  const node = el('li');
  const track = el('span', 'lk-when');
  track.setAttribute('aria-hidden', 'true');
  const bar = el('i', `stage-${name}`);
  const total = timings.total || 1;
  bar.style.marginLeft = `${(98 * before) / total}%`;
  bar.style.width = `${Math.max(2, (98 * timings[name]) / total)}%`;
  track.append(bar);
  node.append(el('span', 'lk-what', words), track, el('span', 'lk-number', milliseconds(timings[name])));
  return node;
};

const times = ({ timings }) => {
  const list = el('ol', 'lk-stages');
  list.append(
    stage('encode', phrase('explain.encode'), timings, 0),
    stage('load', phrase('explain.load'), timings, timings.encode),
    stage('search', phrase('explain.search'), timings, timings.encode + timings.load),
  );
  return list;
};

const factsOf = ({ explained, pictures = [], items, total }) => {
  const facts = el('dl', 'lk-facts');
  const fact = (term, value) => facts.append(el('dt', '', term), el('dd', '', value));
  const { nprobe, nlist } = explained;
  const clusters = nprobe ? phrase('explain.some', { nprobe, nlist }) : phrase('explain.all', { nlist });
  const answer = phrase(pictures.length ? 'explain.others' : 'count.pictures', { count: items.length });
  fact(phrase('facts.model'), explained.model);
  fact(phrase('facts.collection'), explained.collection);
  fact(phrase('explain.rows'), number(explained.rows ?? total ?? 0));
  fact(phrase('explain.clusters'), clusters);
  fact(phrase('explain.answer'), answer);
  return facts;
};

const copyButton = (text) => {
  const tell = () => publish('notice', { text: phrase('explain.copied') });
  const copy = () => navigator.clipboard.writeText(text).then(tell);
  return button('lk-button', phrase('common.copy'), copy, 'copy');
};

const program = ({ script }) => {
  const part = el('section');
  const head = el('div', 'lk-dialog-head');
  head.append(el('h3', '', phrase('explain.again')));
  if (navigator.clipboard) head.append(copyButton(script));
  const code = scroller('lk-code', phrase('explain.program'), 'pre');
  code.append(el('code', '', script));
  part.append(head, el('p', 'lk-small', phrase('explain.about')), code);
  return part;
};

export class Explanation {
  #dialog = createDialog('lk-dialog lk-explain', phrase('explain.title'));

  /** @param {HTMLElement} element where the dialog goes */
  constructor(element) {
    element.append(this.#dialog);
  }

  open(answer) {
    const content = el('div', 'lk-explained');
    content.append(times(answer), factsOf(answer), program(answer.explained));
    const title = phrase('explain.took', { time: milliseconds(answer.timings.total) });
    this.#dialog.replaceChildren(dialogHead(this.#dialog, title), content);
    this.#dialog.showModal();
  }
}
