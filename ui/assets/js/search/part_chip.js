// Makes a chip for one text or picture of a search: what it is, its weight, and its buttons.

import { button, el, iconButton, nameOf } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { phrase } from '../shared/language.js';
import { fileUrl, mediaUrl } from '../shared/urls.js';

const THUMBNAIL = 80; // pixels

/**
 * @typedef {object} Part a text, a picture of the library, or one that was uploaded
 * @property {string} [text]
 * @property {string} [content_id]
 * @property {{ path: string, name: string }} [image]
 * @property {number[] | null} [crop]
 * @property {number} weight
 */

/**
 * @param {Part} part
 * @param {'thumb' | 'preview'} size
 */
export const urlOf = (part, size) => (part.content_id ? mediaUrl(size, part.content_id) : fileUrl(part.image.path));

// Only what was cut out, filling a square.
const cropped = (url, [left, top, width, height]) => {
  const canvas = el('canvas');
  canvas.width = canvas.height = THUMBNAIL;
  const image = new Image();
  image.onload = () => {
    const [wide, high] = [width * image.naturalWidth, height * image.naturalHeight];
    const side = Math.min(wide, high);
    const x = left * image.naturalWidth + (wide - side) / 2;
    const y = top * image.naturalHeight + (high - side) / 2;
    canvas.getContext('2d').drawImage(image, x, y, side, side, 0, 0, THUMBNAIL, THUMBNAIL);
  };
  image.src = url;
  return canvas;
};

const thumbnailOf = (part, record) => {
  if (part.content_id && !record) return icon('picture'); // not in the library, or not yet told of
  if (part.crop) return cropped(urlOf(part, 'thumb'), part.crop);
  const image = el('img');
  image.alt = '';
  image.src = urlOf(part, 'thumb');
  image.addEventListener('error', () => image.replaceWith(icon('picture')), { once: true });
  return image;
};

const signed = (weight) => `${weight < 0 ? '−' : ''}${Math.abs(weight).toFixed(1)}`;

export class PartChip {
  #part;
  #record;
  #input = el('input');
  #number = el('output', 'lk-part-number');
  node = el('li', 'lk-part');

  /**
   * @param {Part} part
   * @param {{ id: string, name: string } | undefined} record of a picture of the library
   * @param {{ onView: Function, onWeigh: (weight: number) => void, onCrop: () => void, onRemove: () => void }} actions
   */
  constructor(part, record, { onView, onWeigh, onCrop, onRemove }) {
    this.#part = part;
    this.#record = record;
    const name = this.#name();
    this.#makeSlider(name, onWeigh);
    if (!part.text) this.node.append(this.#picture(onView));
    this.node.append(this.#words(), this.#input, this.#number);
    if (!part.text) this.node.append(iconButton('lk-part-tool', phrase('parts.crop', { name }), 'crop', onCrop));
    this.node.append(iconButton('lk-part-tool', phrase('parts.take_out', { name }), 'close', onRemove));
  }

  /** @param {number} weight */
  set weight(weight) {
    this.#input.value = String(weight);
    this.#drawWeight(weight);
  }

  #name() {
    const { text, image } = this.#part;
    return text || image?.name || this.#record?.name || phrase('parts.a_picture');
  }

  #words() {
    const { text, crop } = this.#part;
    if (text) return nameOf(phrase('parts.quoted', { words: text }));
    return nameOf(crop ? phrase('parts.part_of', { name: this.#name() }) : this.#name());
  }

  #picture(onView) {
    const record = this.#record;
    const frame = record
      ? button('lk-part-picture', null, () => onView(record, () => frame.focus()))
      : el('span', 'lk-part-picture');
    if (record) frame.setAttribute('aria-label', phrase('results.view', { name: record.name }));
    frame.append(thumbnailOf(this.#part, record));
    return frame;
  }

  #makeSlider(name, onWeigh) {
    const input = this.#input;
    const reach = Math.max(1, Math.abs(this.#part.weight));
    Object.assign(input, { type: 'range', min: -reach, max: reach, step: 0.1 });
    input.setAttribute('aria-label', phrase('parts.weight', { name }));
    input.addEventListener('input', () => this.#drawWeight(Number(input.value)));
    input.addEventListener('change', () => onWeigh(Number(input.value)));
  }

  #drawWeight(weight) {
    const words = signed(weight);
    this.#number.textContent = words;
    this.node.classList.toggle('negative', weight < 0);
    this.node.classList.toggle('off', weight === 0);
    const told = weight < 0 ? phrase('parts.negative', { weight: words }) : words;
    this.#input.setAttribute('aria-valuetext', told);
  }
}
