// Opens the menu of what is done with the library as a whole: its models, measures, copies, check and trash.

import { button } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { phrase } from '../shared/language.js';

const entries = () => /** @type {HTMLElement} */ (document.querySelector('#library'));

export class LibraryMenu {
  button = button('lk-button lk-library', phrase('library.menu'), () => this.#toggle(), 'folder');

  constructor() {
    this.button.setAttribute('aria-label', phrase('library.menu'));
    this.button.setAttribute('aria-expanded', 'false');
    this.button.append(icon('chevron'));
    document.addEventListener('click', (event) => this.#choose(event), true);
    document.addEventListener('focusin', (event) => this.#leave(event));
    document.addEventListener('keydown', (event) => this.#escape(event));
  }

  get #isOpen() {
    return this.button.getAttribute('aria-expanded') === 'true';
  }

  #toggle(open = !this.#isOpen) {
    this.button.setAttribute('aria-expanded', String(open));
    entries().classList.toggle('open', open);
    entries().setAttribute('role', 'group');
    entries().setAttribute('aria-label', phrase('library.menu'));
  }

  // Before the entry hears of the click: its dialog gives the focus back to what had it then.
  #choose({ target }) {
    if (!this.#isOpen || this.button.contains(target)) return;
    if (entries().contains(target)) this.button.focus();
    this.#toggle(false);
  }

  #leave({ target }) {
    if (this.#isOpen && !this.button.contains(target) && !entries().contains(target)) this.#toggle(false);
  }

  #escape({ key }) {
    if (key !== 'Escape' || !this.#isOpen) return;
    this.#toggle(false);
    this.button.focus();
  }
}
