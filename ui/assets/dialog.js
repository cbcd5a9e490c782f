// A dialog with a head that closes it and a body that is drawn anew.
const measuringDialog = (title) => {
  const dialog = el('dialog', 'lk-dialog lk-measuring');
  dialog.setAttribute('aria-label', title);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  const head = el('div', 'lk-dialog-head');
  head.append(el('h2', '', title), iconButton('lk-button bare', 'Close', 'close', () => dialog.close()));
  const body = el('div', 'lk-measuring-body');
  body.tabIndex = 0;
  body.setAttribute('role', 'region');
  body.setAttribute('aria-label', `${title}: figures`);
  dialog.append(head, body);
  element.append(dialog);
  const open = () => {
    if (!body.children.length) body.append(el('p', 'lk-subtle', 'Looking…'));
    dialog.showModal();
    trigger('asked', {});
  };
  return { dialog, body, open };
};
