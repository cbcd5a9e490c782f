// The dialog that shows one picture whole, with all that is known about it.

const ENLARGED = 2.5; // small pictures may grow this much

const createViewer = ({ canDelete, onSimilar, onMore, onLess, onRemove }) => {
  let items = [];
  let current = -1;
  let opener = null;

  const dialog = el('dialog', 'lk-viewer');
  dialog.setAttribute('aria-label', phrase('viewer.title'));
  dialog.tabIndex = -1; // takes the focus, and with it the keys, when the button that had it goes
  const image = el('img', 'lk-large');
  image.decoding = 'async';
  const previous = iconButton('lk-round previous', phrase('viewer.previous'), 'previous', () => step(-1));
  const next = iconButton('lk-round next', phrase('viewer.next'), 'next', () => step(1));
  const stage = el('div', 'lk-stage');
  const problem = el('p', 'lk-away');
  problem.setAttribute('role', 'status');
  stage.append(image, previous, next);
  const title = el('h2', 'lk-title');
  const facts = el('dl', 'lk-facts');
  const actions = el('div', 'lk-actions');
  const aside = el('div', 'lk-about');
  aside.append(title, problem, actions, facts);
  dialog.append(stage, aside, iconButton('lk-round close', phrase('common.close'), 'close', () => dialog.close()));
  element.append(dialog);

  const item = () => items[current];

  const step = (by) => {
    if (current + by >= 0 && current + by < items.length) show(current + by);
  };

  const loadImage = (shown) => {
    image.src = mediaUrl('thumb', shown.id);
    image.alt = shown.name;
    image.style.maxWidth = `${ENLARGED * shown.width}px`;
    image.style.maxHeight = `${ENLARGED * shown.height}px`;
    dialog.classList.add('loading');
    problem.hidden = true;
    const large = new Image();
    large.onload = () => {
      if (item()?.id !== shown.id) return;
      image.src = large.src;
      dialog.classList.remove('loading');
    };
    large.onerror = () => {
      dialog.classList.remove('loading');
      explain(shown);
    };
    large.src = mediaUrl('preview', shown.id);
  };

  // The thumbnail stays; an image that fails does not tell why.
  const explain = async (shown) => {
    const answer = await fetch(mediaUrl('preview', shown.id)).catch(() => null);
    const words = answer && !answer.ok ? await answer.text() : '';
    if (item()?.id !== shown.id || !words) return;
    problem.textContent = said(words);
    if (answer.status === 410) actions.querySelector('a')?.remove();
    problem.hidden = false;
  };

  const fact = (term, value, className = '') => {
    const cell = el('dd', className);
    cell.append(value instanceof Node ? value : document.createTextNode(value));
    facts.append(el('dt', '', term), cell);
  };

  const idLine = (id) => {
    const line = el('span', 'lk-id');
    const copy = iconButton('lk-copy', phrase('viewer.copy_id'), 'copy', () => {
      navigator.clipboard?.writeText(id).then(() => say('notice', { text: phrase('viewer.id_copied') }));
    });
    line.append(el('code', '', id));
    if (navigator.clipboard) line.append(copy);
    return line;
  };

  const drawFacts = (shown) => {
    facts.replaceChildren();
    if (shown.rank) fact(phrase('viewer.match'), phrase('viewer.rank', { rank: shown.rank, all: items.length, score: shown.score.toFixed(4) }));
    if (shown.relevance) fact(phrase('viewer.relevance'), `${relevanceOf(shown)}, ${phrase('viewer.why', { z: shown.z.toFixed(1), percent: Math.floor(shown.percentile) })}`);
    fact(phrase('viewer.size'), `${number(shown.width)} × ${number(shown.height)} px`);
    fact(phrase('facts.file'), `${shown.format}, ${fileSize(shown.bytes)}`);
    fact(phrase('viewer.added'), dateOf(shown.added));
    fact(phrase('viewer.source'), nameOf(shown.source, ''));
    shown.metadata.forEach(([key, value]) => fact(key, nameOf(value, '')));
    fact(phrase('viewer.id'), idLine(shown.id));
  };

  const drawActions = (shown) => {
    const download = el('a', 'lk-button');
    download.href = mediaUrl('original', shown.id);
    download.setAttribute('download', '');
    download.append(icon('download'), el('span', '', phrase('common.download')));
    actions.className = 'lk-actions';
    actions.replaceChildren(
      button('lk-button primary', phrase('common.similar'), () => leaveFor(() => onSimilar(shown.id)), 'similar'),
      ...(shown.rank ? refinements(shown) : []),
      download,
    );
    if (canDelete) actions.append(button('lk-button danger', phrase('viewer.delete'), () => askBeforeDeleting(shown), 'trash'));
  };

  const askBeforeDeleting = (shown) => {
    const keep = button('lk-button', phrase('viewer.keep'), () => {
      drawActions(shown);
      actions.lastElementChild.focus();
    });
    const remove = button('lk-button danger filled', phrase('common.delete_for_good'), () => {
      dialog.close();
      onRemove(shown.id);
    }, 'trash');
    actions.className = 'lk-actions asking';
    actions.replaceChildren(el('p', '', phrase('viewer.question')), remove, keep);
    keep.focus();
  };

  const refinements = (shown) => [
    button('lk-button', phrase('common.more'), () => leaveFor(() => onMore(shown)), 'plus'),
    button('lk-button', phrase('common.less'), () => leaveFor(() => onLess(shown)), 'minus'),
  ];

  const leaveFor = (go) => {
    opener = null;
    dialog.close();
    go();
  };

  const show = (position) => {
    current = position;
    const shown = item();
    title.replaceChildren(nameOf(shown.name));
    loadImage(shown);
    drawFacts(shown);
    drawActions(shown);
    previous.disabled = position === 0;
    next.disabled = position === items.length - 1;
    if (!dialog.open) dialog.showModal();
    if (!dialog.contains(document.activeElement) || document.activeElement.disabled) dialog.focus();
  };

  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') step(-1);
    if (event.key === 'ArrowRight') step(1);
  });
  dialog.addEventListener('close', () => {
    image.removeAttribute('src');
    opener?.(current);
  });

  return {
    open(shownItems, position, onClosed) {
      items = shownItems;
      opener = onClosed;
      show(position);
    },
    close() {
      if (dialog.open) dialog.close();
    },
  };
};
