// Says when another model answers than the chosen one, or pictures lack their vector, and does something about it.

const bar = el('section', 'lk-standin');
bar.setAttribute('aria-label', 'Model');
bar.hidden = true;
const title = el('b');
title.setAttribute('role', 'status');
const detail = el('span');
const words = el('p');
words.append(title, detail);
const track = el('div', 'lk-track');
track.setAttribute('role', 'progressbar');
track.setAttribute('aria-label', 'Pictures encoded');
const fill = el('i');
track.append(fill);
const action = button('lk-button', 'Try again', () => trigger(action.dataset.event, {}));
bar.append(icon('hourglass'), words, track, action);
drawn.append(bar);

const isWorking = (work) => work?.state === 'loading' || work?.state === 'encoding';

const progressOf = ({ model, reindexing: work }) => ({
  title: work.state === 'loading' ? `Fetching ${model.chosen}` : `Encoding for ${model.chosen}`,
  detail: [
    work.state === 'encoding' && `${number(work.done)} of ${plural(work.total, 'picture')}.`,
    model.stand_in ? `${model.name} answers meanwhile.` : 'Those that are done can be found already.',
  ],
  action: work.stopping ? 'Stopping…' : 'Stop',
  event: 'halt',
});

const outcomeOf = (work) => {
  if (work?.state === 'stopped') return `Stopped at ${number(work.done)} of ${plural(work.total, 'picture')}.`;
  return work?.state === 'failed' ? work.problem : null;
};

const offerOf = ({ model, missing, reindexing: work, may_reindex: allowed }) => {
  const help = allowed
    ? 'The stored pictures are then encoded for it; none has to be uploaded again.'
    : 'Whoever runs this app can end that with: python app.py reindex';
  const reason = model.stand_in ? model.problem : 'They were added while another model answered.';
  return {
    title: model.stand_in
      ? `The model ${model.name} answers for now`
      : `${plural(missing, 'picture')} cannot be found with ${model.chosen}`,
    detail: [outcomeOf(work) || reason, help],
    action: !allowed ? '' : work?.state === 'stopped' ? 'Go on' : model.stand_in ? 'Try again' : 'Encode them',
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
