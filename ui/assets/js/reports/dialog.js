// A dialog with a head that closes it and a body that is drawn anew.
const measuringDialog = (title) => {
  const dialog = el('dialog', 'lk-dialog lk-measuring');
  dialog.setAttribute('aria-label', title);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  const head = el('div', 'lk-dialog-head');
  head.append(el('h2', '', title), iconButton('lk-button bare', phrase('common.close'), 'close', () => dialog.close()));
  const body = el('div', 'lk-measuring-body');
  body.tabIndex = 0;
  body.setAttribute('role', 'region');
  body.setAttribute('aria-label', phrase('dialog.figures', { title }));
  dialog.append(head, body);
  element.append(dialog);
  const open = () => {
    if (!body.children.length) body.append(el('p', 'lk-subtle', phrase('dialog.looking')));
    dialog.showModal();
    trigger('asked', {});
  };
  return { dialog, body, open };
};

// How far a job in the background is, and what stops it.
const progressOf = (value, label, said) => {
  const box = el('div', 'lk-meter-progress');
  const share = value.total ? value.done / value.total : 0;
  const track = el('span', 'lk-track');
  track.setAttribute('role', 'progressbar');
  track.setAttribute('aria-label', label);
  track.setAttribute('aria-valuemin', '0');
  track.setAttribute('aria-valuemax', '100');
  track.setAttribute('aria-valuenow', String(Math.round(100 * share)));
  const bar = el('i');
  bar.style.width = `${100 * share}%`;
  track.append(bar);
  box.append(track, el('span', 'lk-subtle', value.stopping ? phrase('common.stopping') : said));
  if (value.may && !value.stopping) box.append(button('lk-button', phrase('common.stop'), () => trigger('halt', {})));
  return box;
};
