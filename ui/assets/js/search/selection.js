// Keeps which pictures are selected, across the pages of one answer, and shows the bar with what can be done with them.

import { button, el } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { fileSize } from '../shared/format.js';
import { phrase } from '../shared/language.js';
import { DeletionDialog } from './deletion.js';
import { Downloads } from './downloads.js';

const FORMATS = { csv: 'CSV', json: 'JSON', zip: phrase('selection.originals') };

/**
 * @typedef {object} Row what the answer says of a picture, and its place in it
 * @property {string} id
 * @property {number | null} rank
 * @property {number | null} score
 * @property {string | null} relevance
 * @property {number} bytes
 * @property {number} place
 */

export class Selection {
  #body;
  #onLeave;
  /** @type {Map<string, Row>} */
  #chosen = new Map();
  /** @type {Row[]} */
  #rows = []; // of the page that is shown
  #query = '';
  #start = null; // where a range begins
  #isOpen = false; // the bar, with nothing selected
  #count = el('b');
  #all = button('lk-clear', phrase('selection.all'), () => this.#chooseAll());
  #clear = button('lk-clear', phrase('common.clear'), () => this.forget([...this.#chosen.keys()]), 'close');
  #downloads = Object.entries(FORMATS).map(([kind, name]) => {
    return { name, node: button('lk-button', name, () => this.#download(kind)) };
  });
  #discard = button('lk-button danger', phrase('selection.delete'), () => this.#askBeforeDeleting(), 'trash');
  #opener = null;
  #files;
  #deletion;
  bar = el('div', 'lk-selection');

  /**
   * @param {HTMLElement} element where dialogs go
   * @param {{ body: HTMLElement, canDelete: boolean, trashDays: number, onDiscard: Function, onLeave: Function }} options
   */
  constructor(element, { body, canDelete, trashDays, onDiscard, onLeave }) {
    this.#body = body;
    this.#onLeave = onLeave;
    this.#files = new Downloads(element);
    this.#deletion = new DeletionDialog(element, trashDays, onDiscard);
    this.#makeBar(canDelete);
    body.addEventListener('keydown', (event) => this.#onKey(event));
    // A range of pictures is meant then, not one of words.
    body.addEventListener('mousedown', (event) => {
      const isOnCard = /** @type {Element} */ (event.target).closest('.lk-card');
      if (event.shiftKey && isOnCard) event.preventDefault();
    });
    this.#update();
  }

  #makeBar(canDelete) {
    const { bar } = this;
    bar.id = 'lk-selection';
    bar.setAttribute('role', 'region');
    bar.setAttribute('aria-label', phrase('selection.title'));
    this.#count.setAttribute('role', 'status');
    this.#all.append(el('span', 'lk-wide', phrase('selection.on_this_page')));
    this.#all.setAttribute('aria-label', phrase('selection.all_on_this_page'));
    this.#clear.setAttribute('aria-label', phrase('selection.clear'));
    const files = el('div', 'lk-files');
    files.append(el('span', '', phrase('common.download')), ...this.#downloads.map(({ node }) => node));
    bar.append(this.#count, this.#all, this.#clear, files, ...(canDelete ? [this.#discard] : []));
  }

  /** What opens the bar before anything is selected. */
  makeOpener() {
    const open = () => {
      this.#isOpen = Boolean(this.bar.hidden);
      this.#update();
    };
    this.#opener = button('lk-clear', phrase('common.download'), open, 'download');
    this.#opener.setAttribute('aria-expanded', String(!this.bar.hidden));
    this.#opener.setAttribute('aria-controls', this.bar.id);
    return this.#opener;
  }

  makeBox(item, place) {
    const box = el('input', 'lk-pick');
    box.type = 'checkbox';
    box.value = item.id;
    box.title = phrase('selection.key');
    box.setAttribute('aria-label', phrase('selection.select', { name: item.name }));
    box.addEventListener('click', (event) => this.#choose(place, box.checked, event.shiftKey));
    return box;
  }

  /** Whether a click on a picture selects it instead of opening it. */
  takes(event, place) {
    const isMeant = event.shiftKey || event.ctrlKey || event.metaKey;
    if (isMeant) this.#turnOver(place, event.shiftKey);
    return isMeant;
  }

  /** Another question leaves nothing selected; another page of the same answer does. */
  follow(answer, items) {
    if (answer.query) {
      const asked = JSON.stringify({ ...answer.query, turn: 0 });
      if (asked !== this.#query) {
        this.#chosen.clear();
        this.#isOpen = false;
      }
      this.#query = asked;
    }
    this.#start = null;
    this.#rows = items.map(({ id, rank, score, relevance, bytes }, index) => {
      return { id, rank, score, relevance, bytes, place: (answer.offset || 0) + index };
    });
    for (const row of this.#rows) if (this.#chosen.has(row.id)) this.#set(row, true);
    this.#update();
  }

  forget(ids) {
    for (const id of ids) this.#chosen.delete(id);
    this.#update();
  }

  #isRanked() {
    return this.#rows.some(({ rank }) => rank);
  }

  /** How many of the selected ones are on other pages. */
  #elsewhere() {
    return this.#chosen.size - this.#rows.filter(({ id }) => this.#chosen.has(id)).length;
  }

  #what() {
    if (this.#chosen.size) return phrase('selection.selected', { count: this.#chosen.size });
    return phrase(this.#isRanked() ? 'count.results' : 'selection.pictures_here', { count: this.#rows.length });
  }

  #update() {
    const { bar } = this;
    const held = bar.contains(document.activeElement) ? document.activeElement : null;
    const chosen = this.#chosen;
    bar.hidden = !chosen.size && !(this.#isOpen && this.#rows.length > 0);
    this.#updateWords();
    this.#all.hidden = !this.#rows.length || this.#rows.every(({ id }) => chosen.has(id));
    this.#clear.hidden = this.#discard.hidden = !chosen.size;
    bar.classList.toggle('selecting', chosen.size > 0);
    this.#body.classList.toggle('selecting', chosen.size > 0);
    for (const box of this.#body.querySelectorAll('.lk-pick')) {
      box.checked = chosen.has(box.value);
      box.closest('.lk-card').classList.toggle('chosen', box.checked);
    }
    this.#opener?.setAttribute('aria-expanded', String(!bar.hidden));
    if (held && !held.getClientRects().length) this.#onLeave();
  }

  #updateWords() {
    const what = this.#what();
    const elsewhere = this.#elsewhere();
    this.#count.textContent = elsewhere > 0 ? phrase('selection.elsewhere', { what, count: elsewhere }) : what;
    for (const { name, node } of this.#downloads) {
      node.setAttribute('aria-label', phrase('selection.file_of', { name, what }));
    }
  }

  #set(row, isOn) {
    if (isOn) this.#chosen.set(row.id, row);
    else this.#chosen.delete(row.id);
  }

  #choose(place, isOn, isRange) {
    const start = this.#start;
    const from = isRange && start !== null ? Math.min(start, this.#rows.length - 1) : place;
    const range = this.#rows.slice(Math.min(from, place), Math.max(from, place) + 1);
    for (const row of range) this.#set(row, isOn);
    this.#start = place;
    this.#update();
  }

  #turnOver(place, isRange) {
    this.#choose(place, isRange || !this.#chosen.has(this.#rows[place].id), isRange);
  }

  #chooseAll() {
    for (const row of this.#rows) this.#set(row, true);
    this.#update();
  }

  #onKey(event) {
    const box = event.target.closest('.lk-card')?.querySelector('.lk-pick');
    if (!box || event.key.toLowerCase() !== 'x' || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = this.#rows.findIndex(({ id }) => id === box.value);
    this.#turnOver(place, event.shiftKey);
  }

  /** The rows that an action is about: the selected ones, or all of the page. */
  #taken() {
    if (!this.#chosen.size) return this.#rows;
    return [...this.#chosen.values()].sort((one, other) => one.place - other.place);
  }

  #download(kind) {
    const rows = this.#taken();
    this.#files.request(kind, rows);
    const results = this.#isRanked() ? 'selection.exporting_results' : 'selection.exporting_pictures';
    const size = fileSize(rows.reduce((sum, { bytes }) => sum + bytes, 0));
    const key = kind === 'zip' ? 'selection.exporting_originals' : results;
    publish('notice', { text: phrase(key, { count: rows.length, size }) });
  }

  #askBeforeDeleting() {
    this.#deletion.open(
      this.#taken().map(({ id }) => id),
      this.#elsewhere(),
    );
  }
}
