// Draws the right-hand side of the page: the query, a line about the search, and pictures or a message.

import { el } from '../shared/dom.js';
import { publish, subscribe } from '../shared/events.js';
import { AddressBar } from './address.js';
import { Cards, skeleton } from './cards.js';
import { Cropper } from './cropper.js';
import { Explanation } from './explanation.js';
import { emptyLibrary, examples, failure, noMatch, readOnlyLibrary, unsure, waiting } from './messages.js';
import { libraryPager, resultPager } from './pager.js';
import { Parts } from './parts.js';
import { placeInLine } from './place_in_line.js';
import { Selection } from './selection.js';
import { StatusLine } from './status_line.js';
import { Viewer } from './viewer.js';
import { Why } from './why.js';

const isSameView = (one, other) =>
  JSON.stringify([one.query, one.offset]) === JSON.stringify([other.query, other.offset]);

/** The pictures with a mark at those that are the visitor's own; copies, since the value is Gradio's. */
const markedOwn = (items, own = []) => {
  const ids = new Set(own);
  return ids.size ? items.map((item) => ({ ...item, own: ids.has(item.id) })) : items;
};

const labelOf = (node) => node.getAttribute('aria-label') || node.textContent;

export class Results {
  /** @type {import('../shared/events.js').Host} */
  #host;
  #shown = /** @type {any} */ ({ state: 'starting' });
  #items = [];
  #readsAll = false; // whether the model reads more than English
  #running = false; // whether pictures are being added
  #body = el('div', 'lk-body');
  #address = new AddressBar((address) => {
    this.#viewer.close();
    this.#visit({ address });
  });
  #why = new Why();
  #viewer;
  #explanation;
  #parts;
  #selection;
  #line;
  #cards;

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    this.#host = host;
    const { element, drawn, watch } = host;
    this.#makePieces(element);
    drawn.append(this.#parts.node, placeInLine(element), this.#line.node);
    drawn.append(this.#selection.bar, this.#line.notes, this.#body);
    this.#listen();
    this.#draw();
    watch('value', () => this.#draw());
  }

  #makePieces(element) {
    const { props, trigger, upload } = this.#host;
    const canDelete = props.edits === 'all';
    const mayDelete = (item) => canDelete || (props.edits === 'own' && item.own);
    const refine = {
      onSimilar: (id) => this.#visit({ like: id }),
      onMore: (item) => this.#parts.more(item),
      onLess: (item) => this.#parts.less(item),
    };
    this.#viewer = new Viewer(element, {
      ...refine,
      why: this.#why,
      mayDelete,
      trashDays: props.trash_days,
      onRemove: (id) => trigger('remove', { id }),
    });
    this.#explanation = new Explanation(element);
    this.#parts = new Parts({
      onAsk: (place) => this.#visit(place),
      onView: (item, onClosed) => this.#viewer.open([item], 0, onClosed),
      cropper: new Cropper(element),
      upload,
    });
    this.#selection = new Selection(element, {
      body: this.#body,
      canDelete,
      trashDays: props.trash_days,
      onDiscard: (ids) => trigger('discard', { ids }),
      onLeave: () => this.#line.node.focus({ preventScroll: true }),
    });
    this.#line = new StatusLine({
      onClear: () => this.#visit({}),
      onUnfilter: () => this.#unfilter(),
      onExplain: () => this.#explanation.open(this.#shown),
      makeOpener: () => this.#selection.makeOpener(),
      makeWhy: () => this.#why.makeButton('lk-clear'),
    });
    this.#cards = new Cards(this.#viewer, this.#selection, refine, this.#why);
  }

  #listen() {
    subscribe('visit', (place) => this.#visit(place));
    subscribe('again', () => this.#again());
    subscribe('removed', ({ ids }) => this.#forget(ids));
    subscribe('status', (status) => this.#onStatus(status));
    subscribe('run', (run) => this.#onRun(run));
    subscribe('changed', () => {
      if (this.#shown.state === 'browse' || this.#shown.state === 'empty') this.#again();
    });
  }

  /** Filters and the order stay until they are changed, as the other settings do. */
  get #kept() {
    const { where = [], match = 'all', sort = 'score', model = '', against = '' } = this.#shown.query || {};
    return { where, match, sort, model, against };
  }

  get #isFiltered() {
    return this.#kept.where.length > 0;
  }

  #visit(place) {
    this.#host.trigger('visit', { ...this.#kept, ...place });
  }

  #again() {
    this.#host.trigger('again', {});
  }

  #unfilter() {
    const { parts = [], turn = 0 } = this.#shown.query || {};
    this.#visit({ ...(parts.length ? { parts, turn } : {}), where: [] });
  }

  #draw() {
    const { props, element } = this.#host;
    const shown = props.value || {};
    if (shown.refreshes && this.#shown.query && !isSameView(shown, this.#shown)) return; // a search was answered meanwhile
    this.#shown = shown;
    this.#items = markedOwn(shown.items || [], shown.own);
    element.dataset.state = shown.state;
    this.#redraw();
    if (shown.query && shown.state !== 'starting') this.#address.follow(shown.query);
    if (shown.query && !['starting', 'error'].includes(shown.state)) publish('shown', this.#kept);
    const isAbove = this.#body.getBoundingClientRect().top < 0;
    if (shown.state !== 'starting' && isAbove) window.scrollTo({ top: 0 });
  }

  /** The focus stays where it was, or goes to the line when nothing of that name is left. */
  #redraw() {
    const { drawn } = this.#host;
    const held = drawn.contains(document.activeElement) ? labelOf(document.activeElement) : null;
    const shown = this.#shown;
    if (shown.query) this.#parts.take(shown.query, shown.pictures);
    this.#why.follow(shown.query, shown.pictures);
    this.#line.draw(shown, this.#items, this.#kept);
    this.#drawBody();
    this.#selection.follow(shown, this.#items);
    if (held === null || drawn.contains(document.activeElement)) return;
    const same = [...drawn.querySelectorAll('button, a')].find((node) => labelOf(node) === held);
    (same || this.#line.node).focus({ preventScroll: true });
  }

  #drawBody() {
    this.#body.replaceChildren(...this.#content());
  }

  #content() {
    const shown = this.#shown;
    const items = this.#items;
    const unfilter = this.#isFiltered ? () => this.#unfilter() : null;
    switch (shown.state) {
      case 'empty':
        return [this.#emptyLibrary()];
      case 'waiting':
        return [waiting(() => this.#visit({}))];
      case 'none':
        return [noMatch(shown, unfilter)];
      case 'error':
        return [failure(shown, () => this.#again(), unfilter)];
      case 'browse':
        return [
          ...(shown.offset || unfilter ? [] : [this.#examples()]),
          this.#cards.draw(items, null),
          libraryPager(shown, items, (offset) => this.#visit({ offset })),
        ];
      case 'results':
        return [
          ...(shown.confident === false ? [unsure()] : []),
          this.#cards.draw(items, shown.beside),
          resultPager(shown, items, (offset) => this.#host.trigger('turn', { offset })),
        ];
      default:
        return [skeleton()];
    }
  }

  #emptyLibrary() {
    const { edits } = this.#host.props;
    if (this.#running || edits === 'own') return skeleton(); // in the demo the samples are on their way
    if (edits === 'none') return readOnlyLibrary();
    return emptyLibrary(() => this.#host.trigger('samples', {}));
  }

  #examples() {
    return examples(this.#readsAll, (text) => this.#visit({ q: text }));
  }

  #onStatus({ model, models = [], pictures }) {
    if (model.multilingual !== this.#readsAll) {
      this.#readsAll = model.multilingual;
      this.#body.querySelector('.lk-examples')?.replaceWith(this.#examples());
    }
    const { state } = this.#shown;
    const loads = [model, ...models].some((each) => each.state === 'loading');
    if (state === 'waiting' && !loads) this.#again();
    if (state === 'empty' && pictures && !this.#running) this.#again(); // a run that this tab did not follow
  }

  #onRun({ active, added }) {
    const changed = this.#running !== active;
    this.#running = active;
    if (this.#shown.state !== 'empty') return;
    if (added) this.#again();
    else if (changed) this.#drawBody();
  }

  /** Takes what was deleted out of the answer. */
  #forget(ids) {
    this.#selection.forget(ids);
    if (ids.some((id) => this.#parts.has(id))) {
      this.#visit({});
      return;
    }
    if (this.#shown.state === 'browse') {
      this.#again();
      return;
    }
    const isLeft = (item) => !ids.includes(item.id);
    const { beside, total } = this.#shown;
    if ([...this.#items, ...(beside?.items || [])].every(isLeft)) return;
    this.#items = this.#items.filter(isLeft);
    // A copy: the value is Gradio's.
    this.#shown = {
      ...this.#shown,
      beside: beside && { ...beside, items: beside.items.filter(isLeft) },
      state: this.#items.length ? this.#shown.state : 'none',
      total: total ? total - ids.length : total,
    };
    this.#redraw();
  }
}
