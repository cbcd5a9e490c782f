// Accepts files and folders, chosen or dropped, sends them one by one and hands their names over.

import { button, el, takeDrops } from '../shared/dom.js';
import { subscribe } from '../shared/events.js';
import { filePicker } from '../shared/files.js';
import { icon } from '../shared/icons.js';
import { phrase } from '../shared/language.js';
import { filesOf } from './dropped.js';
import { leftOutAt, suffixOf } from './left_out.js';
import { serverPlaceForm } from './server_place.js';

const INSUFFICIENT_STORAGE = 'HTTP 507'; // as Gradio has it: see ui/guards/full_disk.py
const AT_ONCE = 3;

const folderOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** @param {File[]} files */
const withPaths = (files) => files.map((file) => ({ file, path: file.webkitRelativePath || file.name }));

export class Uploads {
  #host;
  #busy = false;
  #cancelled = false;
  #later = []; // chosen or dropped while others are on their way
  #files = filePicker(phrase('uploads.pictures'), (files) => this.#take(withPaths(files), []));
  #folder = filePicker(phrase('uploads.folder'), (files) => this.#take(withPaths(files), []));
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
    const { chosen, leftOut } = await filesOf(transfer, this.#host.props.system_folders);
    if (chosen.length + leftOut.length > 0) await this.#take(chosen, leftOut);
  }

  async #take(chosen, leftOut) {
    this.#later.push([chosen, leftOut]);
    if (this.#busy) return;
    this.#busy = true;
    this.#cancelled = false;
    try {
      while (this.#later.length > 0) await this.#send(...this.#later.shift());
    } finally {
      this.#busy = false;
      this.#showProgress(0, 0);
    }
  }

  async #send(chosen, leftOut) {
    const wanted = this.#wanted(chosen, leftOut);
    this.#showProgress(0, wanted.length);
    const sent = await this.#sendAll(wanted, leftOut);
    this.#showProgress(0, 0);
    if (this.#cancelled) {
      this.#later = [];
      return;
    }
    this.#host.trigger('arrived', { files: sent, left_out: leftOut });
  }

  /** The files to send; the others, and each folder that is left out, are added to `leftOut`. */
  #wanted(chosen, leftOut) {
    const { props } = this.#host;
    const isPicture = ({ path }) => props.suffixes.includes(suffixOf(path));
    const withPictures = new Set(chosen.filter(isPicture).map(({ path }) => folderOf(path)));
    const besidePictures = { ...props, suffixes: [...props.suffixes, ...props.sidecars] };
    const named = new Set();
    const wanted = [];
    for (const each of chosen) {
      const { file, path } = each;
      const place = leftOutAt(path, withPictures.has(folderOf(path)) ? besidePictures : props);
      if (place === null && file.size <= props.max_bytes) wanted.push(each);
      else if (place === null) leftOut.push({ name: path, reason: 'too_large' });
      else if (!named.has(place)) leftOut.push({ name: place });
      named.add(place);
    }
    return wanted;
  }

  async #sendAll(wanted, leftOut) {
    const sent = Array(wanted.length);
    let done = 0;
    const waiting = [...wanted.entries()];
    const sendNext = async () => {
      while (waiting.length && !this.#cancelled) {
        const [place, { file, path: below }] = waiting.shift();
        try {
          const { path } = await this.#host.upload(file);
          sent[place] = { path, name: file.name, folder: folderOf(below) };
        } catch (error) {
          const reason = String(error).includes(INSUFFICIENT_STORAGE) ? 'disk_full' : 'failed';
          leftOut.push({ name: file.name, reason });
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
