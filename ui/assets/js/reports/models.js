// Shows the models, how many pictures each has encoded, and their collections.

import { isWorking } from '../header/fallback.js';
import { fate } from '../shared/deletion_words.js';
import { button, el } from '../shared/dom.js';
import { dateOf, fileSize } from '../shared/format.js';
import { phrase, said } from '../shared/language.js';
import { jobProgress, problemLine, ReportDialog } from './dialog.js';

const POLL = 1000;

const factsOf = (model, collection, pictures) => {
  const list = el('dl', 'lk-model-facts');
  const fact = (key, text) => text && list.append(el('dt', '', phrase(key)), el('dd', '', text));
  fact('models.memory', model && phrase(`models.state.${model.state.replace(' ', '_')}`));
  fact('models.encoded', phrase('models.rows', { rows: collection?.rows ?? 0, count: pictures ?? 0 }));
  fact('models.dim', String(collection?.dim ?? model?.dim ?? ''));
  if (!collection) return list;
  fact('models.size', fileSize(collection.bytes));
  fact('models.made', collection.created && dateOf(collection.created));
  fact('models.collection', collection.name);
  return list;
};

const outcome = (work) => {
  if (work?.state === 'failed') return said(work.problem);
  return work?.state === 'stopped' ? phrase('fallback.stopped', { done: work.done, count: work.total }) : null;
};

export class Models {
  #trigger;
  #days;
  #report;
  #shown = null;
  #dropping = null; // the collection that is about to be dropped

  /** @param {import('../shared/events.js').Host} host */
  constructor(host) {
    const { drawn, props, trigger, watch } = host;
    this.#trigger = trigger;
    this.#days = props.trash_days;
    this.#report = new ReportDialog(host, phrase('models.title'));
    drawn.append(this.#report.opener(phrase('models.open')));
    watch('value', () => {
      if (props.value?.at) this.#onValue(props.value);
    });
  }

  #onValue(value) {
    this.#shown = value;
    if (!this.#report.isOpen) return; // closed while the answer was on its way
    this.#redraw();
    const loads = value.models.some(({ state }) => state === 'loading');
    if (loads || isWorking(value.reindexing)) this.#report.askLater(POLL);
  }

  #redraw() {
    const { reindexing, problem = null } = this.#shown;
    const words = said(problem) || outcome(reindexing);
    const lost = this.#report.replace(
      el('p', 'lk-subtle', phrase('models.about')),
      ...(words ? [problemLine(words)] : []),
      ...(isWorking(reindexing) ? [this.#progress(reindexing)] : []),
      ...this.#entries(),
    );
    if (lost && lost !== this.#report.dialog) this.#report.focusBody();
  }

  #progress(work) {
    const words =
      work.state === 'encoding'
        ? phrase('models.encoding', { name: work.model, done: work.done, count: work.total })
        : phrase('models.fetching', { name: work.model });
    const job = { ...work, may: this.#shown.may };
    return jobProgress(job, phrase('fallback.encoded'), words, () => this.#trigger('halt', {}));
  }

  #entries() {
    const { models, collections } = this.#shown;
    const collectionOf = (model) => collections.find((each) => each.of === model.name);
    const left = collections.filter((each) => !each.of);
    return [
      ...models.map((model) => this.#entry(model, collectionOf(model))),
      ...left.map((each) => this.#entry(null, each)),
    ];
  }

  #entry(model, collection) {
    const node = el('section', 'lk-model');
    const head = el('h3', '', model?.name || collection.model || collection.name);
    if (model?.answers) head.append(el('span', 'lk-model-answers', phrase('models.answers')));
    node.append(head, factsOf(model, collection, this.#shown.pictures));
    if (model?.problem) node.append(el('p', 'lk-problem', said(model.problem)));
    const isDropping = collection && this.#dropping === collection.name;
    node.append(isDropping ? this.#question(collection) : this.#actions(model, collection));
    return node;
  }

  #question(collection) {
    const { name, rows } = collection;
    const box = el('div', 'lk-model-question');
    const leave = button('lk-button', phrase('common.cancel'), () => {
      this.#dropping = null;
      this.#redraw();
    });
    const dropIt = () => {
      this.#dropping = null;
      this.#trigger('dropped', { collection: name });
    };
    const drop = button('lk-button danger filled', phrase('models.drop'), dropIt, 'trash');
    box.append(el('p', '', `${phrase('models.sure', { name, count: rows })} ${fate(this.#days)}`), drop, leave);
    return box;
  }

  #actions(model, collection) {
    const box = el('div', 'lk-model-actions');
    const { may, reindexing, pictures } = this.#shown;
    if (!may || isWorking(reindexing)) return box;
    const missing = collection ? collection.missing : pictures;
    if (model && missing) {
      const begin = () => this.#trigger('begin', { model: model.name });
      box.append(button('lk-button', phrase('models.encode', { count: missing }), begin));
    }
    if (collection && !collection.answers) box.append(this.#dropButton(collection));
    return box;
  }

  #dropButton({ name }) {
    const drop = button('lk-button', phrase('models.drop_ask'), () => {
      this.#dropping = name;
      this.#redraw();
      const leave = this.#report.body.querySelector('.lk-model-question .lk-button:last-child');
      /** @type {HTMLElement | null} */ (leave)?.focus();
    });
    drop.setAttribute('aria-label', phrase('models.drop_named', { name }));
    return drop;
  }
}
