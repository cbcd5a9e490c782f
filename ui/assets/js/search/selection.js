// Which pictures are selected, across pages of one answer, and what can be done with them: the bar above the grid.

const FORMATS = [['csv', 'CSV'], ['json', 'JSON'], ['zip', phrase('selection.originals')]];
const SHOWN_BEFORE_DELETING = 6;

const createSelection = ({ body, canDelete, onDiscard, onLeave }) => {
  const chosen = new Map(); // by content ID, with what the answer says of each
  let rows = []; // of the page that is shown
  let query = '';
  let start = null; // where a range begins
  let isOpen = false; // the bar, with nothing selected

  // The bar.

  const bar = el('div', 'lk-selection');
  bar.id = 'lk-selection';
  bar.setAttribute('role', 'region');
  bar.setAttribute('aria-label', phrase('selection.title'));
  const count = el('b');
  count.setAttribute('role', 'status');
  const all = button('lk-clear', phrase('selection.all'), () => chooseAll());
  all.append(el('span', 'lk-wide', phrase('selection.on_this_page')));
  all.setAttribute('aria-label', phrase('selection.all_on_this_page'));
  const clear = button('lk-clear', phrase('common.clear'), () => forget([...chosen.keys()]), 'close');
  clear.setAttribute('aria-label', phrase('selection.clear'));
  const files = el('div', 'lk-files');
  const downloads = FORMATS.map(([kind, name]) => [name, button('lk-button', name, () => download(kind))]);
  files.append(el('span', '', phrase('common.download')), ...downloads.map(([, node]) => node));
  const discard = button('lk-button danger', phrase('selection.delete'), () => ask(), 'trash');
  bar.append(count, all, clear, files, ...(canDelete ? [discard] : []));

  const isRanked = () => rows.some(({ rank }) => rank);

  const elsewhere = () => chosen.size - rows.filter(({ id }) => chosen.has(id)).length;

  const what = () => {
    if (chosen.size) return phrase('selection.selected', { count: chosen.size });
    return phrase(isRanked() ? 'count.results' : 'selection.pictures_here', { count: rows.length });
  };

  const update = () => {
    const held = bar.contains(document.activeElement) ? document.activeElement : null;
    bar.hidden = !chosen.size && !(isOpen && rows.length);
    count.textContent = elsewhere() > 0 ? phrase('selection.elsewhere', { what: what(), count: elsewhere() }) : what();
    downloads.forEach(([name, node]) => node.setAttribute('aria-label', phrase('selection.file_of', { name, what: what() })));
    all.hidden = !rows.length || rows.every(({ id }) => chosen.has(id));
    clear.hidden = discard.hidden = !chosen.size;
    bar.classList.toggle('selecting', chosen.size > 0);
    body.classList.toggle('selecting', chosen.size > 0);
    body.querySelectorAll('.lk-pick').forEach((box) => {
      box.checked = chosen.has(box.value);
      box.closest('.lk-card').classList.toggle('chosen', box.checked);
    });
    opener?.setAttribute('aria-expanded', String(!bar.hidden));
    if (held && !held.getClientRects().length) onLeave();
  };

  let opener = null;

  const makeOpener = () => {
    opener = button('lk-clear', phrase('common.download'), () => {
      isOpen = bar.hidden;
      update();
    }, 'download');
    opener.setAttribute('aria-expanded', String(!bar.hidden));
    opener.setAttribute('aria-controls', bar.id);
    return opener;
  };

  // Selecting.

  const set = (row, isOn) => (isOn ? chosen.set(row.id, row) : chosen.delete(row.id));

  const choose = (place, isOn, isRange) => {
    const from = isRange && start !== null ? Math.min(start, rows.length - 1) : place;
    rows.slice(Math.min(from, place), Math.max(from, place) + 1).forEach((row) => set(row, isOn));
    start = place;
    update();
  };

  const turnOver = (place, isRange) => choose(place, isRange || !chosen.has(rows[place].id), isRange);

  const chooseAll = () => {
    rows.forEach((row) => set(row, true));
    update();
  };

  const forget = (ids) => {
    ids.forEach((id) => chosen.delete(id));
    update();
  };

  const makeBox = (item, place) => {
    const box = el('input', 'lk-pick');
    box.type = 'checkbox';
    box.value = item.id;
    box.title = phrase('selection.key');
    box.setAttribute('aria-label', phrase('selection.select', { name: item.name }));
    box.addEventListener('click', (event) => choose(place, box.checked, event.shiftKey));
    return box;
  };

  body.addEventListener('keydown', (event) => {
    const box = event.target.closest('.lk-card')?.querySelector('.lk-pick');
    if (!box || event.key.toLowerCase() !== 'x' || event.ctrlKey || event.metaKey || event.altKey) return;
    turnOver(rows.findIndex(({ id }) => id === box.value), event.shiftKey);
  });

  // A range of pictures is meant then, not one of words.
  body.addEventListener('mousedown', (event) => {
    if (event.shiftKey && event.target.closest('.lk-card')) event.preventDefault();
  });

  // Taking along: a form, so that the browser writes to the disk what arrives. A refusal is shown in the frame.

  const frame = el('iframe');
  frame.name = 'lk-taking';
  frame.title = phrase('selection.downloads');
  frame.hidden = true;
  const form = el('form');
  form.method = 'post';
  form.target = frame.name;
  form.hidden = true;
  const field = el('input');
  field.type = 'hidden';
  field.name = 'rows';
  form.append(field);
  element.append(frame, form);
  frame.addEventListener('load', () => {
    const page = frame.contentDocument;
    const words = page ? page.body.textContent.slice(0, 300) : phrase('selection.no_answer');
    if (words) say('notice', { text: said(words), bad: true });
  });

  const taken = () => (chosen.size ? [...chosen.values()].sort((one, other) => one.place - other.place) : rows);

  const download = (kind) => {
    const along = taken();
    field.value = JSON.stringify(along.map(({ id, rank, score, relevance }) => ({ id, rank, score, relevance })));
    form.action = apiUrl(`taking/${kind}`);
    form.submit();
    const size = fileSize(along.reduce((sum, { bytes }) => sum + bytes, 0));
    const key = kind === 'zip' ? 'selection.taking_originals' : isRanked() ? 'selection.taking_results' : 'selection.taking_pictures';
    say('notice', { text: phrase(key, { count: along.length, size }) });
  };

  // Deleting.

  const dialog = el('dialog', 'lk-dialog lk-discard');
  element.append(dialog);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });

  const ask = () => {
    const along = taken();
    const question = phrase('selection.question', { count: along.length });
    dialog.setAttribute('aria-label', question);
    const thumbnails = el('div', 'lk-discarded');
    for (const { id } of along.slice(0, SHOWN_BEFORE_DELETING)) {
      const image = el('img');
      image.alt = '';
      image.src = mediaUrl('thumb', id);
      thumbnails.append(image);
    }
    const more = along.length - SHOWN_BEFORE_DELETING;
    if (more > 0) thumbnails.append(el('span', '', phrase('selection.and_more', { count: more })));
    const words = [phrase('selection.files_too', { count: along.length })];
    if (elsewhere() > 0) words.push(phrase('selection.others_too', { count: elsewhere() }));
    words.push(phrase('common.not_undone'));
    const keep = button('lk-button', phrase('selection.keep', { count: along.length }), () => dialog.close());
    const remove = button('lk-button danger filled', phrase('selection.remove', { count: along.length }), () => {
      dialog.close();
      onDiscard(along.map(({ id }) => id));
    }, 'trash');
    const actions = el('div', 'lk-actions');
    actions.append(remove, keep);
    dialog.replaceChildren(el('h2', '', question), thumbnails, el('p', '', words.join(' ')), actions);
    dialog.showModal();
    keep.focus();
  };

  update();

  return {
    bar,
    box: makeBox,
    opener: makeOpener,
    forget,
    // Whether a click on a picture selects it instead of opening it.
    takes(event, place) {
      const isMeant = event.shiftKey || event.ctrlKey || event.metaKey;
      if (isMeant) turnOver(place, event.shiftKey);
      return isMeant;
    },
    // Another question leaves nothing selected; another page of the same answer does.
    follow(answer, items) {
      if (answer.query) {
        const asked = JSON.stringify({ ...answer.query, turn: 0 });
        if (asked !== query) {
          chosen.clear();
          isOpen = false;
        }
        query = asked;
      }
      start = null;
      rows = items.map(({ id, rank, score, relevance, bytes }, place) => ({ id, rank, score, relevance, bytes, place: (answer.offset || 0) + place }));
      rows.filter(({ id }) => chosen.has(id)).forEach((row) => set(row, true));
      update();
    },
  };
};
