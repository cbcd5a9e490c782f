// The dialog that tells where the time of a search went, what was asked, and how to ask it again without this app.

const createExplainer = () => {
  const dialog = el('dialog', 'lk-dialog lk-explain');
  dialog.setAttribute('aria-label', phrase('explain.title'));
  element.append(dialog);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });

  const stage = (name, words, timings, before) => {
    const node = el('li');
    const track = el('span', 'lk-when');
    track.setAttribute('aria-hidden', 'true');
    const bar = el('i', `stage-${name}`);
    const total = timings.total || 1;
    bar.style.marginLeft = `${(98 * before) / total}%`;
    bar.style.width = `${Math.max(2, (98 * timings[name]) / total)}%`;
    track.append(bar);
    node.append(el('span', 'lk-what', words), track, el('span', 'lk-number', milliseconds(timings[name])));
    return node;
  };

  const times = ({ timings }) => {
    const list = el('ol', 'lk-stages');
    list.append(
      stage('encode', phrase('explain.encode'), timings, 0),
      stage('load', phrase('explain.load'), timings, timings.encode),
      stage('search', phrase('explain.search'), timings, timings.encode + timings.load),
    );
    return list;
  };

  const asked = ({ explained, pictures = [], items, total }) => {
    const facts = el('dl', 'lk-facts');
    const fact = (term, value) => facts.append(el('dt', '', term), el('dd', '', value));
    const { nprobe, nlist } = explained;
    fact(phrase('facts.model'), explained.model);
    fact(phrase('facts.collection'), explained.collection);
    fact(phrase('explain.rows'), number(explained.rows ?? total ?? 0));
    fact(phrase('explain.clusters'), nprobe ? phrase('explain.some', { nprobe, nlist }) : phrase('explain.all', { nlist }));
    fact(phrase('explain.answer'), phrase(pictures.length ? 'explain.others' : 'count.pictures', { count: items.length }));
    return facts;
  };

  const program = ({ script }) => {
    const part = el('section');
    const head = el('div', 'lk-dialog-head');
    head.append(el('h3', '', phrase('explain.again')));
    if (navigator.clipboard) {
      head.append(button('lk-button', phrase('common.copy'), () => {
        navigator.clipboard.writeText(script).then(() => say('notice', { text: phrase('explain.copied') }));
      }, 'copy'));
    }
    const code = el('pre', 'lk-code');
    code.tabIndex = 0;
    code.setAttribute('role', 'region');
    code.setAttribute('aria-label', phrase('explain.program'));
    code.append(el('code', '', script));
    part.append(head, el('p', 'lk-small', phrase('explain.about')), code);
    return part;
  };

  return {
    open(answer) {
      const head = el('div', 'lk-dialog-head');
      head.append(
        el('h2', '', phrase('explain.took', { time: milliseconds(answer.timings.total) })),
        iconButton('lk-button bare', phrase('common.close'), 'close', () => dialog.close()),
      );
      const content = el('div', 'lk-explained');
      content.append(times(answer), asked(answer), program(answer.explained));
      dialog.replaceChildren(head, content);
      dialog.showModal();
    },
  };
};
