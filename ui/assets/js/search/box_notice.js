// Says at the search box of the demo who can see a picture to search with: it is sent as soon as it is chosen.

import { el } from '../shared/dom.js';
import { phrase } from '../shared/language.js';

export class BoxNotice {
  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn }) {
    drawn.append(el('p', 'lk-box-notice', phrase('demo.search')));
  }
}
