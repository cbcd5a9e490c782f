// Says when another model answers than the chosen one, or pictures lack their vector, and does something about it.

const bar = el('section', 'lk-standin');
bar.setAttribute('aria-label', phrase('facts.model'));
bar.hidden = true;
const title = el('b');
title.setAttribute('role', 'status');
const detail = el('span');
const words = el('p');
words.append(title, detail);
const track = el('div', 'lk-track');
track.setAttribute('role', 'progressbar');
track.setAttribute('aria-label', phrase('standin.encoded'));
const fill = el('i');
track.append(fill);
const action = button('lk-button', phrase('common.try_again'), () => trigger(action.dataset.event, {}));
bar.append(icon('hourglass'), words, track, action);
drawn.append(bar);

const isWorking = (work) => work?.state === 'loading' || work?.state === 'encoding';

const progressOf = ({ model, reindexing: work }) => ({
  title: phrase(work.state === 'loading' ? 'standin.fetching' : 'standin.encoding', { model: work.model || model.chosen }),
  detail: [
    work.state === 'encoding' && phrase('standin.progress', { done: work.done, count: work.total }),
    model.stand_in || work.model ? phrase('standin.meanwhile', { model: model.name }) : phrase('standin.already'),
  ],
  action: phrase(work.stopping ? 'common.stopping' : 'common.stop'),
  event: 'halt',
});

const outcomeOf = (work) => {
  if (work?.state === 'stopped') return phrase('standin.stopped', { done: work.done, count: work.total });
  return work?.state === 'failed' ? said(work.problem) : null;
};

const offerOf = ({ model, missing, reindexing: work, may_reindex: allowed }) => {
  const help = allowed ? phrase('standin.help') : phrase('standin.others', { command: 'python app.py reindex' });
  const reason = model.stand_in ? said(model.problem) : phrase('standin.reason');
  return {
    title: model.stand_in
      ? phrase('standin.answers', { model: model.name })
      : phrase('standin.missing', { count: missing, model: model.chosen }),
    detail: [outcomeOf(work) || reason, help],
    action: allowed ? phrase(work?.state === 'stopped' ? 'standin.go_on' : model.stand_in ? 'common.try_again' : 'standin.encode') : '',
    event: 'begin',
  };
};

const messageOf = (status) => {
  if (isWorking(status.reindexing)) return progressOf(status);
  return status.model.stand_in || status.missing ? offerOf(status) : null;
};

const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

const drawProgress = (work) => {
  track.hidden = work?.state !== 'encoding';
  if (track.hidden) return;
  track.setAttribute('aria-valuemax', work.total);
  track.setAttribute('aria-valuenow', work.done);
  fill.style.width = `${(100 * work.done) / (work.total || 1)}%`;
};

hear('status', (status) => {
  const message = messageOf(status);
  bar.hidden = !message;
  if (!message) return;
  write(title, message.title);
  write(detail, message.detail.filter(Boolean).join(' '));
  drawProgress(status.reindexing);
  write(action.firstElementChild, message.action);
  action.dataset.event = message.event;
  action.hidden = !message.action;
  action.disabled = Boolean(status.reindexing?.stopping) && isWorking(status.reindexing);
});
