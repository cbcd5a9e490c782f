// Asks why pictures matched, and lays the answer over the cards that are in sight.

import { button } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { phrase } from '../shared/language.js';
import { apiUrl } from '../shared/urls.js';
import { heatCanvas, placeOf } from './heat.js';

const KEPT = 200; // answers of one search
const REFUSED = 400; // else the app is gone or busy, which the page says elsewhere
const PATIENCE = 150; // milliseconds that a card has to stay in sight

/**
 * What the app says of one part; `own` is over the picture of the part, which a text has not.
 * @typedef {{ part: number, weight: number, found: import('./heat.js').Heat, own: import('./heat.js').Heat | null }} Found
 */

const pause = (signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, PATIENCE);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

export class Why {
  #on = false;
  #query = /** @type {any} */ ({ parts: [] });
  #pictures = /** @type {any[]} */ ([]);
  #kept = new Map();
  #cards = new Map(); // what each card in the page shows
  #asking = new Map(); // how to leave off asking for a card
  #listeners = /** @type {(() => void)[]} */ ([]);
  #hasFailed = false;
  #inSight = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) this.#begin(target);
      else this.#leaveOff(target);
    }
  });

  get isOn() {
    return this.#on;
  }

  get hasParts() {
    return this.#query.parts.length > 0;
  }

  /** @param {() => void} listener is told when the maps are switched on or off */
  onSwitch(listener) {
    this.#listeners.push(listener);
  }

  /** The parts of the query with their names, as a list beside the maps calls them. */
  get parts() {
    return this.#query.parts.map((part) => {
      const record = this.#pictures.find(({ id }) => id === part.content_id);
      const name = part.text
        ? phrase('parts.quoted', { words: part.text })
        : part.image?.name || record?.name || phrase('parts.a_picture');
      return { ...part, name, record };
    });
  }

  /**
   * Takes what the page shows now; maps of another search are forgotten.
   * @param {any} query
   * @param {any[]} pictures those of the query
   */
  follow(query, pictures = []) {
    const told = JSON.stringify([query?.parts, query?.model, query?.against]);
    const before = JSON.stringify([this.#query.parts, this.#query.model, this.#query.against]);
    if (told !== before) this.#kept.clear();
    this.#query = query?.parts ? query : { parts: [] };
    this.#pictures = pictures;
    for (const card of this.#cards.keys()) this.#leaveOff(card);
    this.#inSight.disconnect();
    this.#cards.clear();
  }

  /** A switch of the maps; there may be several, which agree. */
  makeButton(className) {
    const node = button(`${className} lk-why-switch`, phrase('why.switch'), () => this.toggle(), 'heat');
    node.setAttribute('aria-pressed', String(this.#on));
    return node;
  }

  toggle() {
    this.#on = !this.#on;
    this.#hasFailed = false;
    for (const node of document.querySelectorAll('.lk-why-switch')) node.setAttribute('aria-pressed', String(this.#on));
    for (const card of this.#cards.keys()) this.#switch(card);
    for (const listener of this.#listeners) listener();
  }

  /**
   * Lays maps over a card while it is in sight.
   * @param {HTMLElement} card
   * @param {any} item
   */
  watch(card, item) {
    this.#cards.set(card, item);
    this.#switch(card);
  }

  /**
   * What the app says of a picture.
   * @param {any} item
   * @param {AbortSignal} signal
   * @returns {Promise<Found[]>}
   */
  async of(item, signal) {
    const { parts, model, against } = this.#query;
    const asked = item.isBeside ? against : model;
    const key = `${asked} ${item.id}`;
    if (this.#kept.has(key)) return this.#kept.get(key);
    const kept = this.#kept;
    const body = JSON.stringify({ data: [item.id, '', null, parts, asked || ''] });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(apiUrl('run/why'), { method: 'POST', headers, body, signal });
    if (!answer.ok) throw new Error('no map', { cause: answer.status });
    const [found] = (await answer.json()).data;
    kept.set(key, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    return found;
  }

  /**
   * @param {any} item
   * @param {Found[]} found
   */
  canvas(item, found) {
    const maps = found.map(({ part, weight, found: heat }) => ({ heat, part, taken: weight < 0 }));
    return heatCanvas(item, maps);
  }

  /**
   * What a map says, for those who do not see it.
   * @param {Found} found
   */
  words({ part, weight, found }) {
    const { name } = this.parts[part];
    const called = weight < 0 ? phrase('why.without', { name }) : name;
    return phrase('why.at', { name: called, place: phrase(`why.place.${placeOf(found)}`) });
  }

  #switch(card) {
    if (this.#on && this.hasParts) {
      this.#inSight.observe(card);
      return;
    }
    this.#inSight.unobserve(card);
    this.#leaveOff(card);
    card.querySelector('.lk-heat')?.remove();
    card.removeAttribute('aria-description');
  }

  async #begin(card) {
    if (this.#asking.has(card) || card.querySelector('.lk-heat')) return;
    const item = this.#cards.get(card);
    const controller = new AbortController();
    this.#asking.set(card, controller);
    try {
      await pause(controller.signal);
      const found = await this.of(item, controller.signal);
      if (controller.signal.aborted) return;
      card.append(this.canvas(item, found));
      card.setAttribute('aria-description', found.map((each) => this.words(each)).join(', '));
    } catch (error) {
      if (error.cause === REFUSED) this.#tell();
    }
    if (this.#asking.get(card) === controller) this.#asking.delete(card);
  }

  #leaveOff(card) {
    this.#asking.get(card)?.abort();
    this.#asking.delete(card);
  }

  /** Once is enough: where a model shows no places, it shows none of any picture. */
  #tell() {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    publish('notice', { text: phrase('why.failed'), bad: true });
  }
}
