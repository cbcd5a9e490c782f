// Accepts files and folders, chosen or dropped, sends them one by one and hands their names over.

import { button, el, takeDrops } from '../shared/dom.js';
import { subscribe } from '../shared/events.js';
import { filePicker } from '../shared/files.js';
import { icon } from '../shared/icons.js';
import { phrase } from '../shared/language.js';
import { filesOf, folderOf } from './dropped.js';
import { serverPlaceForm } from './server_place.js';

const AT_ONCE = 3;
const MAX_LEFT_OUT = 2000;

const suffixOf = (name) => (name.includes('.') ? name.slice(name.lastIndexOf('.')).toLowerCase() : '');

export class Uploads {
  #host;
  #busy = false;
  #cancelled = false;
  #later = []; // chosen or dropped while others are on their way
  #files = filePicker(phrase('uploads.pictures'), (files) => this.#take(files, false));
  #folder = filePicker(phrase('uploads.folder'), (files) => this.#take(files, true));
  #words = el('p', 'lk-zone-words');
  #choices = el('div', 'lk-zone-choices');
  #progress = el('div', 'lk-progress');
  #progressWords = el('p');
  #fill;

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    this.#host = host;
    const { drawn, props, trigger } = host;
    const limits = phrase(props.archives.length ? 'uploads.limits_and_archives' : 'uploads.limits', {
      megabytes: props.max_megabytes,
    });
    drawn.append(this.#zone(), el('p', 'lk-small', limits));
    if (props.prefixes.length) drawn.append(serverPlaceForm(props, (place) => trigger('named', place)));
    subscribe('choose', () => this.#files.click());
  }

  #zone() {
    const { props } = this.#host;
    const zone = el('div', 'lk-zone');
    this.#files.accept = ['image/*', ...props.suffixes, ...props.archives].join(',');
    this.#folder.webkitdirectory = true;
    this.#words.append(icon('upload'), el('b', '', phrase('uploads.drop')));
    this.#choices.append(
      button('lk-button primary', phrase('uploads.choose'), () => this.#files.click()),
      button('lk-button', phrase('uploads.choose_folder'), () => this.#folder.click(), 'folder'),
    );
    this.#makeProgress();
    zone.append(this.#words, this.#choices, this.#progress, this.#files, this.#folder);
    takeDrops(zone, (transfer) => this.#onDrop(transfer));
    return zone;
  }

  #makeProgress() {
    const track = el('div', 'lk-track');
    this.#fill = el('i');
    track.append(this.#fill);
    this.#progressWords.setAttribute('role', 'status');
    const cancel = () => {
      this.#cancelled = true;
    };
    this.#progress.append(this.#progressWords, track, button('lk-button', phrase('common.cancel'), cancel, 'close'));
    this.#progress.hidden = true;
  }

  async #onDrop(transfer) {
    const { files, hasFolder } = await filesOf(transfer);
    await this.#take(files, hasFolder);
  }

  async #take(chosen, fromFolder) {
    if (chosen.length === 0) return;
    this.#later.push([chosen, fromFolder]);
    if (this.#busy) return;
    this.#busy = true;
    this.#cancelled = false;
    while (this.#later.length > 0) await this.#send(...this.#later.shift());
    this.#busy = false;
  }

  async #send(chosen, fromFolder) {
    const leftOut = [];
    const withPictures = new Set(chosen.filter((file) => this.#isPicture(file)).map(folderOf));
    const wanted = chosen.filter((file) => {
      const mayDescribe = this.#maySayMore(file) && withPictures.has(folderOf(file));
      const reason = this.#whyNot(file, fromFolder && !mayDescribe);
      if (reason) leftOut.push({ name: file.name, reason });
      return !reason;
    });
    this.#showProgress(0, wanted.length);
    const sent = await this.#sendAll(wanted, leftOut);
    this.#showProgress(0, 0);
    if (this.#cancelled) {
      this.#later = [];
      return;
    }
    this.#host.trigger('arrived', { files: sent, left_out: leftOut.slice(0, MAX_LEFT_OUT) });
  }

  #isPicture(file) {
    return this.#host.props.suffixes.includes(suffixOf(file.name));
  }

  #maySayMore(file) {
    return this.#host.props.sidecars.includes(suffixOf(file.name));
  }

  #whyNot(file, onlyPictures) {
    const { props } = this.#host;
    if (onlyPictures && !this.#isPicture(file)) return phrase('uploads.no_picture');
    if (file.size > props.max_bytes) return phrase('uploads.too_large', { megabytes: props.max_megabytes });
    return null;
  }

  async #sendAll(wanted, leftOut) {
    const sent = Array(wanted.length);
    let done = 0;
    const waiting = [...wanted.entries()];
    const sendNext = async () => {
      while (waiting.length && !this.#cancelled) {
        const [place, file] = waiting.shift();
        try {
          const { path } = await this.#host.upload(file);
          sent[place] = { path, name: file.name, folder: folderOf(file) };
        } catch {
          leftOut.push({ name: file.name, reason: phrase('uploads.failed') });
        }
        done += 1;
        this.#showProgress(done, wanted.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendNext));
    return sent.filter(Boolean);
  }

  #showProgress(done, total) {
    this.#progress.hidden = total === 0;
    this.#words.hidden = this.#choices.hidden = total > 0;
    this.#fill.style.width = `${(100 * done) / (total || 1)}%`;
    this.#progressWords.textContent = phrase('uploads.progress', { done, count: total });
  }
}
