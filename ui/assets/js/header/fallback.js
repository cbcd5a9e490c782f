// Shows a banner with a button where a model other than the chosen one is in use, or pictures lack their vector.

import { button, el, progressBar, tellProgress } from '../shared/dom.js';
import { subscribe } from '../shared/events.js';
import { icon } from '../shared/icons.js';
import { phrase, said } from '../shared/language.js';

export const isWorking = (work) => work?.state === 'loading' || work?.state === 'encoding';

const progressOf = ({ model, reindexing: work }) => ({
  title: phrase(work.state === 'loading' ? 'fallback.fetching' : 'fallback.encoding', {
    model: work.model || model.chosen,
  }),
  detail: [
    work.state === 'encoding' && phrase('fallback.progress', { done: work.done, count: work.total }),
    model.fallback || work.model ? phrase('fallback.meanwhile', { model: model.name }) : phrase('fallback.already'),
  ],
  action: phrase(work.stopping ? 'common.stopping' : 'common.stop'),
  event: 'halt',
});

const outcomeOf = (work) => {
  if (work?.state === 'stopped') return phrase('fallback.stopped', { done: work.done, count: work.total });
  return work?.state === 'failed' ? said(work.problem) : null;
};

const actionOf = ({ model, reindexing: work }) => {
  if (work?.state === 'stopped') return phrase('fallback.go_on');
  return phrase(model.fallback ? 'common.try_again' : 'fallback.encode');
};

const offerOf = (status) => {
  const { model, missing, reindexing: work, may_reindex: allowed } = status;
  const help = allowed ? phrase('fallback.help') : phrase('fallback.others', { command: 'python app.py reindex' });
  const reason = model.fallback ? said(model.problem) : phrase('fallback.reason');
  return {
    title: model.fallback
      ? phrase('fallback.answers', { model: model.name })
      : phrase('fallback.missing', { count: missing, model: model.chosen }),
    detail: [outcomeOf(work) || reason, help],
    action: allowed ? actionOf(status) : '',
    event: 'begin',
  };
};

const elsewhereOf = ({ elsewhere }) => ({
  title: phrase('fallback.elsewhere', { count: elsewhere }),
  detail: [phrase('fallback.where')],
  action: '',
  event: '',
});

const messageOf = (status) => {
  if (isWorking(status.reindexing)) return progressOf(status);
  if (status.model.fallback || status.missing) return offerOf(status);
  return status.elsewhere ? elsewhereOf(status) : null;
};

const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

export class FallbackBanner {
  #bar = el('section', 'lk-fallback');
  #title = el('b');
  #detail = el('span');
  #progress = progressBar(phrase('fallback.encoded'));
  #action;

  /** @param {import('../shared/events.js').Host} host */
  constructor({ drawn, trigger }) {
    this.#bar.setAttribute('aria-label', phrase('facts.model'));
    this.#bar.hidden = true;
    this.#title.setAttribute('role', 'status');
    const words = el('p');
    words.append(this.#title, this.#detail);
    this.#action = button('lk-button', phrase('common.try_again'), () => {
      this.#action.disabled = true; // until the status tells what came of it: a second press would be lost
      trigger(this.#action.dataset.event, {});
    });
    this.#bar.append(icon('hourglass'), words, this.#progress.track, this.#action);
    drawn.append(this.#bar);
    subscribe('status', (status) => this.#draw(status));
  }

  #draw(status) {
    const message = messageOf(status);
    this.#bar.hidden = !message;
    if (!message) return;
    write(this.#title, message.title);
    write(this.#detail, message.detail.filter(Boolean).join(' '));
    this.#drawProgress(status.reindexing);
    const action = this.#action;
    write(action.firstElementChild, message.action);
    action.dataset.event = message.event;
    action.hidden = !message.action;
    action.disabled = Boolean(status.reindexing?.stopping) && isWorking(status.reindexing);
  }

  #drawProgress(work) {
    const { track, fill } = this.#progress;
    track.hidden = work?.state !== 'encoding';
    if (track.hidden) return;
    tellProgress(track, work.done, work.total);
    fill.style.width = `${(100 * work.done) / (work.total || 1)}%`;
  }
}
