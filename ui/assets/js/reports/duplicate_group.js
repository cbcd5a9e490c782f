// Shows one group of near-duplicates: its pictures side by side, and the decisions about them.

import { deleteLabel, fate } from '../shared/deletion_words.js';
import { button, el, nameOf } from '../shared/dom.js';
import { fileSize, number } from '../shared/format.js';
import { phrase } from '../shared/language.js';
import { mediaUrl } from '../shared/urls.js';

const pictureLink = (picture) => {
  const link = el('a', 'lk-alike-picture');
  link.href = mediaUrl('preview', picture.id);
  link.target = '_blank';
  link.rel = 'noopener';
  link.setAttribute('aria-label', phrase('duplicates.larger', { name: picture.name }));
  const image = el('img');
  image.src = mediaUrl('thumb', picture.id);
  image.alt = '';
  image.loading = 'lazy';
  link.append(image);
  return link;
};

/** What speaks for a picture and against it; the best figure of the group is marked, unless all are alike. */
const factsOf = (picture, pictures) => {
  const facts = el('dl', 'lk-alike-facts');
  const isMost = (amount) => {
    const others = pictures.map(amount);
    const own = amount(picture);
    return others.every((each) => each <= own) && others.some((each) => each < own);
  };
  const fact = (term, text, isBest = false) => facts.append(el('dt', '', term), el('dd', isBest ? 'best' : '', text));
  const pixels = `${number(picture.width)} × ${number(picture.height)}`;
  fact(
    phrase('duplicates.pixels'),
    pixels,
    isMost((each) => (each.enlarged_from ? 0 : each.width * each.height)),
  );
  fact(
    phrase('facts.file'),
    `${picture.format}, ${fileSize(picture.bytes)}`,
    isMost((each) => each.bytes),
  );
  if (picture.detail !== null) {
    const share = `${number(Math.round(1000 * picture.detail) / 10)} %`;
    fact(
      phrase('duplicates.detail'),
      share,
      isMost((each) => each.detail ?? 0),
    );
  }
  if (picture.enlarged_from) {
    fact(phrase('duplicates.enlarged_from'), picture.enlarged_from.map((side) => number(side)).join(' × '));
  }
  fact(phrase('duplicates.similarity'), picture.score.toFixed(3));
  return facts;
};

const preselected = (group) => (group.reason === 'unsure' ? undefined : group.pictures[0]);

/**
 * @typedef {object} Options
 * @property {string | undefined} kept the picture that the visitor has chosen to keep
 * @property {boolean} isAsking whether the others are about to be deleted
 * @property {boolean} mayDecide
 * @property {number} trashDays for which the trash keeps what was deleted
 * @property {(id: string) => void} onKeep
 * @property {(isAsking: boolean) => void} onAsk
 * @property {(decision: 'keep' | 'all' | 'apart', id?: string) => void} onDecide
 */

export class DuplicateGroup {
  #group;
  #options;
  #kept;
  node = el('section', 'lk-alikes');

  /**
   * @param {any} group
   * @param {Options} options
   */
  constructor(group, options) {
    this.#group = group;
    this.#options = options;
    this.#kept = group.pictures.find((each) => each.id === options.kept) || preselected(group);
    this.node.dataset.key = group.key;
    const heading = el('h3', '', phrase('count.pictures', { count: group.count }));
    heading.tabIndex = -1;
    const row = el('div', 'lk-alikes-pictures');
    row.append(...group.pictures.map((picture) => this.#figure(picture)));
    this.node.append(heading, row);
    if (group.count > group.pictures.length) {
      const words = phrase('duplicates.best', { shown: group.pictures.length, all: group.count });
      this.node.append(el('p', 'lk-small', words));
    }
    if (options.mayDecide) this.node.append(el('p', 'lk-small', phrase(`duplicates.because.${group.reason}`)));
    if (options.mayDecide) this.node.append(options.isAsking ? this.#question() : this.#actions());
  }

  #figure(picture) {
    const { mayDecide } = this.#options;
    const node = el('figure', `lk-alike${mayDecide && picture === this.#kept ? ' kept' : ''}`);
    node.dataset.id = picture.id;
    const caption = el('figcaption');
    caption.append(nameOf(picture.name), factsOf(picture, this.#group.pictures));
    if (mayDecide) caption.append(this.#choices(picture));
    node.append(pictureLink(picture), caption);
    return node;
  }

  #choices(picture) {
    const row = el('div', 'lk-alike-row');
    row.append(this.#radio(picture));
    if (this.#group.count > 2) {
      const takeOut = () => this.#options.onDecide('apart', picture.id);
      const apart = button('lk-button', phrase('duplicates.apart'), takeOut);
      apart.setAttribute('aria-label', phrase('duplicates.apart_named', { name: picture.name }));
      row.append(apart);
    }
    return row;
  }

  #radio(picture) {
    const label = el('label', 'lk-alike-choice');
    const radio = el('input');
    radio.type = 'radio';
    radio.name = `keep ${this.#group.key}`;
    radio.checked = picture === this.#kept;
    radio.setAttribute('aria-label', phrase('duplicates.keep_named', { name: picture.name }));
    radio.addEventListener('change', () => {
      this.#kept = picture;
      this.node.querySelector('.lk-keep')?.removeAttribute('disabled');
      this.#options.onKeep(picture.id);
    });
    label.append(radio, el('span', '', phrase('duplicates.keep')));
    return label;
  }

  #question() {
    const { onDecide, onAsk, trashDays } = this.#options;
    const box = el('div', 'lk-alikes-actions');
    const words = phrase('duplicates.question', { name: this.#kept.name, count: this.#group.count - 1 });
    const question = el('p', '', `${words} ${fate(trashDays)}`);
    question.dir = 'auto';
    const removeOthers = () => onDecide('keep', this.#kept.id);
    const remove = button('lk-button danger filled', deleteLabel(trashDays), removeOthers, 'trash');
    box.append(
      question,
      remove,
      button('lk-button', phrase('common.cancel'), () => onAsk(false)),
    );
    return box;
  }

  #actions() {
    const { onDecide, onAsk } = this.#options;
    const box = el('div', 'lk-alikes-actions');
    const all = phrase(this.#group.count === 2 ? 'duplicates.keep_both' : 'duplicates.keep_all');
    const keep = button('lk-button primary lk-keep', phrase('duplicates.keep_this'), () => onAsk(true));
    keep.toggleAttribute('disabled', !this.#kept);
    const keepAll = button('lk-button', all, () => onDecide('all'));
    box.append(keep, keepAll);
    return box;
  }
}
