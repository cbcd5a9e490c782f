// Keeps the address bar like the results, so that a search can be sent to someone and gone back to.

import { withoutWeight } from './parts.js';

const PART_KEYS = ['q', 'like', 'w', 'crop'];
const SETTING_KEYS = ['limit', 'nprobe', 'min_score', 'exact', 'offset']; // read once: the controls hold them then

/** Texts and pictures of the library, each followed by its weight and crop if it has them. */
const setParts = (params, parts) => {
  for (const key of PART_KEYS) params.delete(key);
  for (const { text, content_id: id, weight, crop } of parts) {
    if (!text && !id) continue;
    params.append(text ? 'q' : 'like', text || id);
    if (weight !== 1) params.append('w', weight);
    if (crop) params.append('crop', crop.join(','));
  }
};

const addressOf = ({ parts, where = [], match = 'all', sort = 'score', model = '', against = '' }) => {
  const url = new URL(location.href);
  setParts(url.searchParams, parts);
  for (const key of SETTING_KEYS) url.searchParams.delete(key);
  const others = {
    where: where.length ? JSON.stringify(where) : '',
    match: match === 'any' ? match : '',
    sort: sort === 'score' ? '' : sort,
    model,
    against,
  };
  for (const [key, value] of Object.entries(others)) {
    if (value) url.searchParams.set(key, value);
    else url.searchParams.delete(key);
  }
  return url;
};

export class AddressBar {
  #position = null; // as this page last wrote or read it
  #question = ''; // what it asks, weights apart

  /** @param {(address: string) => void} onBack is told where the visitor went back to */
  constructor(onBack) {
    window.addEventListener('popstate', () => {
      if (location.search === this.#position) return;
      this.#position = location.search;
      onBack(location.search);
    });
  }

  follow(query) {
    const url = addressOf(query);
    const unchanged = url.search === location.search;
    const question = JSON.stringify({ ...query, parts: query.parts.map(withoutWeight), turn: 0 });
    const onlyTuned = question === this.#question; // weights change often: going back is to leave them all
    this.#question = question;
    if (this.#position !== null && !unchanged) history[onlyTuned ? 'replaceState' : 'pushState'](null, '', url);
    this.#position = url.search;
  }
}
