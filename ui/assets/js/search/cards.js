// Draws the pictures of an answer as cards in a grid, or in two grids where two models were searched.

import { button, el, iconButton, nameOf } from '../shared/dom.js';
import { relevanceOf, whyOf } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { phrase } from '../shared/language.js';
import { mediaUrl } from '../shared/urls.js';

/** Pictures that are surely on the first screen. */
const EAGER = 12;
/** The z with which the bar of a result is full; at 0 is what a meaningless query finds on the average. */
const FULL_Z = 6;
const LEAST_BAR = 0.03;

export const skeleton = () => {
  const list = el('ul', 'lk-grid skeleton');
  list.setAttribute('aria-hidden', 'true');
  for (let count = 0; count < EAGER; count += 1) list.append(el('li', 'lk-card'));
  return list;
};

// What is `lazy` browsers fetch several screens ahead, which is all of a page; this is half a screen ahead.
const fetchNear = (image, source) => {
  const watching = new IntersectionObserver(
    (seen) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      watching.disconnect();
      image.src = source;
    },
    { rootMargin: '50%' },
  );
  watching.observe(image);
};

const thumbnail = (item, place) => {
  const image = el('img');
  image.decoding = 'async';
  image.alt = '';
  image.width = 384;
  image.height = 288;
  image.addEventListener('error', () => image.replaceWith(icon('picture')), { once: true });
  const source = mediaUrl('thumb', item.id);
  if (place < EAGER) image.src = source;
  else fetchNear(image, source);
  return image;
};

const mark = (item) => el('span', `lk-mark ${item.relevance.replace(' ', '-')}`, relevanceOf(item));

// One scale for all results of all searches: the z of the confidence where it is known, else the score.
const scoreBar = (item) => {
  const isKnown = item.relevance !== null;
  const share = isKnown ? item.z / FULL_Z : item.score;
  const node = el('div', 'lk-score');
  node.title = isKnown ? phrase('relevance.why', whyOf(item)) : phrase('relevance.unknown');
  const track = el('span', 'lk-track');
  const fill = el('i');
  fill.style.width = `${100 * Math.min(1, Math.max(LEAST_BAR, share))}%`;
  track.append(fill);
  node.append(track, el('span', 'lk-number', item.score.toFixed(3)), ...(isKnown ? [mark(item)] : []));
  return node;
};

const labelOf = (item) => {
  const judged = item.relevance ? `, ${relevanceOf(item)}` : '';
  const match = item.rank && phrase('results.match', { rank: item.rank, score: item.score.toFixed(3) });
  return phrase('results.view', { name: `${match ? `${match}${judged}: ` : ''}${item.name}` });
};

const downloadLink = (item) => {
  const link = el('a', 'lk-tool');
  link.href = mediaUrl('original', item.id);
  link.setAttribute('download', '');
  link.setAttribute('aria-label', phrase('results.download', { name: item.name }));
  link.title = phrase('results.original');
  link.append(icon('download'));
  return link;
};

export class Cards {
  #why;
  #viewer;
  #selection;
  #actions;

  /**
   * @param {import('./viewer.js').Viewer} viewer
   * @param {import('./selection.js').Selection} selection
   * @param {{ onSimilar: Function, onMore: Function, onLess: Function }} actions
   * @param {import('./why.js').Why} why
   */
  constructor(viewer, selection, actions, why) {
    this.#why = why;
    this.#viewer = viewer;
    this.#selection = selection;
    this.#actions = actions;
  }

  /**
   * What a second model found is there to be compared: only the answer itself can be selected.
   * @param {any[]} items
   * @param {any} beside what the second model says, if two were searched
   */
  draw(items, beside) {
    if (!beside) return this.#grid(items, true, new Map());
    const node = el('div', 'lk-beside');
    const ranks = new Map(beside.in_both.map(([id, _, other]) => [id, other]));
    const otherRanks = new Map(beside.in_both.map(([id, own]) => [id, own]));
    const others = beside.items.map((item) => ({ ...item, isBeside: true }));
    node.append(
      this.#column(beside.models[0], items, true, ranks),
      this.#column(beside.models[1], others, false, otherRanks),
    );
    return node;
  }

  #column(name, items, isOwn, alsoAt) {
    const node = el('section');
    node.setAttribute('aria-label', name);
    const found = items.length ? this.#grid(items, isOwn, alsoAt) : el('p', 'lk-subtle', phrase('beside.nothing'));
    node.append(el('h3', '', name), found);
    return node;
  }

  #grid(items, isOwn, alsoAt) {
    const node = el('ul', 'lk-grid');
    for (const [place, item] of items.entries()) {
      const open = this.#opener(items, place, isOwn);
      const caption = this.#caption(item, alsoAt.get(item.id));
      const card = this.#card(item, open, caption, isOwn ? this.#selection.makeBox(item, place) : null);
      card.classList.toggle('in-both', alsoAt.has(item.id));
      node.append(card);
    }
    return node;
  }

  #card(item, open, caption, box) {
    const node = el('li', 'lk-card');
    const picking = el('div', 'lk-picking');
    if (box) picking.append(box);
    node.append(open, this.#tools(item), ...(item.rank ? [this.#refinements(item)] : []), picking, caption);
    return node;
  }

  #opener(items, place, isOwn) {
    const item = items[place];
    const view = (event) => {
      if (isOwn && this.#selection.takes(event, place)) return;
      const openers = /** @type {HTMLElement[]} */ ([...node.closest('.lk-grid').querySelectorAll('.lk-open')]);
      this.#viewer.open(items, place, (last) => openers[last]?.focus());
    };
    const node = button('lk-open', null, view);
    if (isOwn) node.setAttribute('aria-keyshortcuts', 'x');
    node.setAttribute('aria-label', labelOf(item));
    node.append(thumbnail(item, place));
    this.#why.watch(node, item);
    return node;
  }

  /** @param {number | undefined} also where the other model has the picture */
  #caption(item, also) {
    const caption = el('div', 'lk-caption');
    const name = el('div', 'lk-name-line');
    if (item.rank) name.append(el('span', 'lk-rank', String(item.rank)));
    name.append(nameOf(item.name));
    caption.append(name);
    if (item.own) caption.append(el('span', 'lk-own', phrase('demo.yours')));
    if (also) caption.append(el('span', 'lk-both', phrase('beside.also', { rank: also })));
    if (item.rank) caption.append(scoreBar(item));
    return caption;
  }

  #tools(item) {
    const label = phrase('results.similar_to', { name: item.name });
    const similar = iconButton('lk-tool', label, 'similar', () => this.#actions.onSimilar(item.id));
    similar.title = phrase('common.similar');
    const tools = el('div', 'lk-tools');
    tools.append(similar, downloadLink(item));
    return tools;
  }

  #refinements(item) {
    const { onMore, onLess } = this.#actions;
    const { name } = item;
    const more = iconButton('lk-tool', phrase('results.more_like', { name }), 'plus', () => onMore(item));
    const less = iconButton('lk-tool', phrase('results.less_like', { name }), 'minus', () => onLess(item));
    more.title = phrase('common.more');
    less.title = phrase('common.less');
    const node = el('div', 'lk-refine');
    node.append(more, less);
    return node;
  }
}
