// Shows a chip for each text and picture of a search, with its weight, and the inputs that add more.

import { button, el, iconButton, takeDrops } from '../shared/dom.js';
import { publish } from '../shared/events.js';
import { filePicker, IMAGE_FILES } from '../shared/files.js';
import { phrase } from '../shared/language.js';
import { PartChip, urlOf } from './part_chip.js';

/** @typedef {import('./part_chip.js').Part} Part */

const MAX_PARTS = 16;
const MORE = 0.5; // an example weighs less than the words that it refines,
const LESS = -0.3; // and what is to be left out takes some of the rest along
const PATIENCE = 200; // milliseconds: whoever moves a slider by keys is not done at the first

/** @param {Part} part */
export const withoutWeight = ({ weight, ...rest }) => rest;

const sameParts = (one, other) => JSON.stringify(one.map(withoutWeight)) === JSON.stringify(other.map(withoutWeight));

const wordsForm = (onWords) => {
  const form = el('form', 'lk-part-words');
  const input = el('input');
  Object.assign(input, { type: 'text', placeholder: phrase('parts.words'), maxLength: 2000, autocomplete: 'off' });
  input.setAttribute('aria-label', phrase('parts.words_label'));
  const submit = iconButton('lk-part-tool', phrase('parts.add_words'), 'plus', () => form.requestSubmit());
  form.append(input, submit);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) {
      input.focus();
      return;
    }
    input.value = '';
    onWords(text);
  });
  return form;
};

export class Parts {
  #onAsk;
  #onView;
  #cropper;
  #upload;
  /** @type {Part[]} */
  #parts = [];
  #known = new Map(); // the library's pictures among them, by content ID
  #turn = 0; // numbers what is asked
  #sending;
  /** @type {PartChip[]} */
  #chips = [];
  /** @type {Part[]} */
  #drawn = []; // what the chips show
  #adding = el('li', 'lk-part-more');
  node = el('section', 'lk-parts');

  /** @param {{ onAsk: Function, onView: Function, cropper: import('./cropper.js').Cropper, upload: Function }} options */
  constructor({ onAsk, onView, cropper, upload }) {
    this.#onAsk = onAsk;
    this.#onView = onView;
    this.#cropper = cropper;
    this.#upload = upload;
    this.node.setAttribute('aria-label', phrase('parts.title'));
    const files = filePicker(phrase('parts.pictures'), (chosen) => this.#send(chosen));
    files.accept = IMAGE_FILES;
    this.#adding.append(
      wordsForm((text) => this.#add({ text, weight: 1 })),
      button('lk-button', phrase('parts.add_picture'), () => files.click(), 'picture'),
      files,
    );
    const list = el('ul');
    list.append(this.#adding);
    this.node.append(list);
    takeDrops(this.node, (transfer) => this.#send([...transfer.files]));
    this.#draw();
  }

  /** Not what an answer says that was overtaken: of what is asked while a search runs, Gradio may forget the last. */
  take(query, pictures = []) {
    if (query.turn && query.turn < this.#turn) {
      this.#sendAfter(PATIENCE);
      return;
    }
    clearTimeout(this.#sending);
    const news = pictures.filter(({ id }) => !this.#known.has(id));
    for (const picture of news) this.#known.set(picture.id, picture);
    if (news.length) this.#drawn = []; // their names were not known
    this.#parts = query.parts;
    this.#draw();
  }

  more(item) {
    this.#add({ content_id: item.id, weight: this.#parts.length ? MORE : 1 });
  }

  less(item) {
    this.#add({ content_id: item.id, weight: LESS });
  }

  has(id) {
    return this.#parts.some((part) => part.content_id === id);
  }

  #add(...more) {
    this.#ask([...this.#parts, ...more]);
  }

  #change(place, news, patience = 0) {
    const changed = this.#parts.map((part, which) => (which === place ? { ...part, ...news } : part));
    this.#ask(changed, patience);
  }

  #ask(wanted, patience = 0) {
    if (wanted.length > MAX_PARTS) {
      publish('notice', { text: phrase('parts.too_many', { most: MAX_PARTS }), bad: true });
      return;
    }
    this.#turn += 1;
    this.#parts = wanted;
    this.#sendAfter(patience);
  }

  #sendAfter(patience) {
    clearTimeout(this.#sending);
    const send = () => this.#onAsk(this.#parts.length ? { parts: this.#parts, turn: this.#turn } : {});
    this.#sending = setTimeout(send, patience);
  }

  async #send(files) {
    const sent = [];
    for (const file of files.slice(0, MAX_PARTS)) {
      try {
        const { path } = await this.#upload(file);
        sent.push({ image: { path, name: file.name }, weight: 1 });
      } catch {
        publish('notice', { text: phrase('parts.upload_failed', { name: file.name }), bad: true });
      }
    }
    if (sent.length) this.#add(...sent);
  }

  /** A chip that is in hand stays where it is. */
  #draw() {
    this.node.hidden = this.#parts.length === 0;
    if (!sameParts(this.#parts, this.#drawn)) {
      for (const chip of this.#chips) chip.node.remove();
      this.#chips = this.#parts.map((part, place) => this.#chip(part, place));
      this.#adding.before(...this.#chips.map((chip) => chip.node));
    }
    this.#drawn = this.#parts;
    for (const [place, { weight }] of this.#parts.entries()) this.#chips[place].weight = weight;
  }

  #chip(part, place) {
    return new PartChip(part, this.#known.get(part.content_id), {
      onView: this.#onView,
      onWeigh: (weight) => this.#change(place, { weight }, PATIENCE),
      onCrop: () => this.#cropper.open(urlOf(part, 'preview'), part.crop, (crop) => this.#change(place, { crop })),
      onRemove: () => this.#ask(this.#parts.filter((_, which) => which !== place)),
    });
  }
}
