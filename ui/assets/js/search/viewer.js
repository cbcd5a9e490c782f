// Shows the dialog with one picture in full and all that is known about it.

import { deleteLabel, fate } from '../shared/deletion_words.js';
import { createDialog } from '../shared/dialogs.js';
import { button, el, iconButton, nameOf } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { dateOf, fileSize, number, relevanceOf, whyOf } from '../shared/format.js';
import { icon } from '../shared/icons.js';
import { language, phrase } from '../shared/language.js';
import { mediaUrl } from '../shared/urls.js';
import { urlOf } from './part_chip.js';
import { WhyList } from './why_list.js';

const ENLARGED = 2.5; // small pictures may grow this much

const idLine = (id) => {
  const line = el('span', 'lk-id');
  line.append(el('code', '', id));
  if (!navigator.clipboard) return line;
  const tell = () => publish('notice', { text: phrase('viewer.id_copied') });
  const copy = () => navigator.clipboard.writeText(id).then(tell);
  line.append(iconButton('lk-copy', phrase('viewer.copy_id'), 'copy', copy));
  return line;
};

const factsOf = (shown, all) => {
  const facts = [];
  if (shown.rank) {
    facts.push([
      phrase('viewer.match'),
      phrase('viewer.rank', { rank: shown.rank, all, score: shown.score.toFixed(4) }),
    ]);
  }
  if (shown.relevance) {
    const why = phrase('viewer.why', whyOf(shown));
    facts.push([phrase('viewer.relevance'), `${relevanceOf(shown)}, ${why}`]);
  }
  return [
    ...facts,
    [phrase('viewer.size'), `${number(shown.width)} × ${number(shown.height)} px`],
    [phrase('facts.file'), `${shown.format}, ${fileSize(shown.bytes)}`],
    [phrase('viewer.added'), dateOf(shown.added)],
    [phrase('viewer.source'), nameOf(shown.source, '')],
    ...shown.metadata.map(([key, value]) => [key, nameOf(value, '')]),
    [phrase('viewer.id'), idLine(shown.id)],
  ];
};

const downloadLink = (shown) => {
  const link = el('a', 'lk-button');
  link.href = mediaUrl('original', shown.id);
  link.setAttribute('download', '');
  link.append(icon('download'), el('span', '', phrase('common.download')));
  return link;
};

export class Viewer {
  #options;
  #items = [];
  #current = -1;
  #opener = null;
  #dialog = createDialog('lk-viewer', phrase('viewer.title'));
  #image = el('img', 'lk-large');
  #previous = iconButton('lk-round previous', phrase('viewer.previous'), 'previous', () => this.#step(-1));
  #next = iconButton('lk-round next', phrase('viewer.next'), 'next', () => this.#step(1));
  #problem = el('p', 'lk-away');
  #title = el('h2', 'lk-title');
  #facts = el('dl', 'lk-facts');
  #actions = el('div', 'lk-actions');
  #why;
  #whyList;

  /**
   * @param {HTMLElement} element where the dialog goes
   * @param {{ why: import('./why.js').Why, mayDelete: (item: any) => boolean, trashDays: number, onSimilar: Function, onMore: Function, onLess: Function, onRemove: Function }} options
   */
  constructor(element, options) {
    this.#options = options;
    this.#why = options.why;
    this.#whyList = new WhyList(options.why);
    this.#why.onSwitch(() => this.#drawWhy());
    const dialog = this.#dialog;
    dialog.tabIndex = -1; // takes the focus, and with it the keys, when the button that had it goes
    this.#image.decoding = 'async';
    this.#problem.setAttribute('role', 'status');
    const stage = el('div', 'lk-stage');
    stage.append(this.#image, this.#previous, this.#next);
    const aside = el('div', 'lk-about');
    aside.append(this.#title, this.#problem, this.#actions, this.#whyList.node, this.#facts);
    const close = iconButton('lk-round close', phrase('common.close'), 'close', () => dialog.close());
    dialog.append(stage, aside, close);
    element.append(dialog);
    dialog.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowLeft') this.#step(-1);
      if (event.key === 'ArrowRight') this.#step(1);
      if (event.key === 'w' && !event.ctrlKey && !event.metaKey && this.#hasWhy) this.#why.toggle();
    });
    dialog.addEventListener('close', () => {
      this.#clearWhy();
      this.#image.removeAttribute('src');
      this.#opener?.(this.#current);
    });
  }

  /**
   * @param {any[]} items
   * @param {number} position
   * @param {(last: number) => void} onClosed is told which picture was shown last
   */
  open(items, position, onClosed) {
    this.#items = items;
    this.#opener = onClosed;
    this.#show(position);
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  get #item() {
    return this.#items[this.#current];
  }

  get #hasWhy() {
    return Boolean(this.#item?.rank) && this.#why.hasParts;
  }

  #step(by) {
    if (this.#items[this.#current + by]) this.#show(this.#current + by);
  }

  #show(position) {
    this.#current = position;
    const shown = this.#item;
    const dialog = this.#dialog;
    this.#title.replaceChildren(nameOf(shown.name));
    this.#loadImage(shown);
    this.#drawFacts(shown);
    this.#drawActions(shown);
    this.#previous.disabled = position === 0;
    this.#next.disabled = position === this.#items.length - 1;
    if (!dialog.open) dialog.showModal();
    this.#drawWhy();
    const focused = /** @type {HTMLButtonElement} */ (document.activeElement);
    if (!dialog.contains(focused) || focused.disabled) dialog.focus();
  }

  #loadImage(shown) {
    const image = this.#image;
    image.src = mediaUrl('thumb', shown.id);
    image.alt = shown.name;
    image.style.maxWidth = `${ENLARGED * shown.width}px`;
    image.style.maxHeight = `${ENLARGED * shown.height}px`;
    this.#dialog.classList.add('loading');
    this.#problem.hidden = true;
    const large = new Image();
    large.onload = () => {
      if (this.#item?.id !== shown.id) return;
      image.src = large.src;
      this.#dialog.classList.remove('loading');
    };
    large.onerror = () => {
      this.#dialog.classList.remove('loading');
      this.#explain(shown);
    };
    large.src = mediaUrl('preview', shown.id);
  }

  /** The thumbnail stays; an image that fails does not tell why. */
  async #explain(shown) {
    const answer = await fetch(`${mediaUrl('preview', shown.id)}?lang=${language}`).catch(() => null);
    const words = answer && !answer.ok ? await answer.text() : '';
    if (this.#item?.id !== shown.id || !words) return;
    this.#problem.textContent = words;
    if (answer.status === 410) this.#actions.querySelector('a')?.remove();
    this.#problem.hidden = false;
  }

  #drawWhy() {
    this.#clearWhy();
    if (!this.#dialog.open || !this.#why.isOn || !this.#hasWhy) return;
    const { maxWidth, maxHeight } = this.#image.style;
    const lay = (canvas) => {
      canvas.classList.add('lk-large');
      Object.assign(canvas.style, { maxWidth, maxHeight });
      this.#image.after(canvas);
    };
    this.#whyList.show(this.#item, lay, (part) => urlOf(part, 'thumb'));
  }

  #clearWhy() {
    this.#whyList.clear();
    this.#dialog.querySelector('.lk-stage .lk-heat')?.remove();
  }

  #drawFacts(shown) {
    this.#facts.replaceChildren();
    for (const [term, value] of factsOf(shown, this.#items.length)) {
      const cell = el('dd');
      cell.append(value);
      this.#facts.append(el('dt', '', term), cell);
    }
  }

  #drawActions(shown) {
    const { mayDelete, onSimilar } = this.#options;
    const similar = () => this.#leaveFor(() => onSimilar(shown.id));
    this.#actions.className = 'lk-actions';
    this.#actions.replaceChildren(
      button('lk-button primary', phrase('common.similar'), similar, 'similar'),
      ...(shown.rank ? this.#refinements(shown) : []),
      ...(this.#hasWhy ? [this.#why.makeButton('lk-button')] : []),
      downloadLink(shown),
    );
    if (!mayDelete(shown)) return;
    const ask = () => this.#askBeforeDeleting(shown);
    this.#actions.append(button('lk-button danger', phrase('viewer.delete'), ask, 'trash'));
  }

  #refinements(shown) {
    const { onMore, onLess } = this.#options;
    return [
      button('lk-button', phrase('common.more'), () => this.#leaveFor(() => onMore(shown)), 'plus'),
      button('lk-button', phrase('common.less'), () => this.#leaveFor(() => onLess(shown)), 'minus'),
    ];
  }

  #askBeforeDeleting(shown) {
    const keep = button('lk-button', phrase('viewer.keep'), () => {
      this.#drawActions(shown);
      /** @type {HTMLElement} */ (this.#actions.lastElementChild).focus();
    });
    const removeIt = () => {
      this.#dialog.close();
      this.#options.onRemove(shown.id);
    };
    const { trashDays } = this.#options;
    const remove = button('lk-button danger filled', deleteLabel(trashDays), removeIt, 'trash');
    const question = `${phrase('viewer.question')} ${fate(trashDays)}`;
    this.#actions.className = 'lk-actions asking';
    this.#actions.replaceChildren(el('p', '', question), remove, keep);
    keep.focus();
  }

  #leaveFor(go) {
    this.#opener = null;
    this.#dialog.close();
    go();
  }
}
