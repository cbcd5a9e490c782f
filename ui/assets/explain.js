// The dialog that tells where the time of a search went, what was asked, and how to ask it again without this app.

const createExplainer = () => {
  const dialog = el('dialog', 'lk-dialog lk-explain');
  dialog.setAttribute('aria-label', 'This search, explained');
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
      stage('encode', 'The question becomes a vector', timings, 0),
      stage('load', 'The collection is loaded', timings, timings.encode),
      stage('search', 'Milvus searches', timings, timings.encode + timings.load),
    );
    return list;
  };

  const asked = ({ explained, pictures = [], items, total }) => {
    const facts = el('dl', 'lk-facts');
    const fact = (term, value) => facts.append(el('dt', '', term), el('dd', '', value));
    const every = `all ${number(explained.nlist)}`;
    fact('Model', explained.model);
    fact('Collection', explained.collection);
    fact('Rows', number(explained.rows ?? total ?? 0));
    fact('Clusters searched', explained.nprobe ? `${number(explained.nprobe)} of ${number(explained.nlist)}` : every);
    fact('Answer', pictures.length ? `${plural(items.length, 'picture')}, without those that are asked with` : plural(items.length, 'picture'));
    return facts;
  };

  const program = ({ script }) => {
    const part = el('section');
    const head = el('div', 'lk-dialog-head');
    head.append(el('h3', '', 'Ask it again'));
    if (navigator.clipboard) {
      head.append(button('lk-button', 'Copy', () => {
        navigator.clipboard.writeText(script).then(() => say('notice', { text: 'Program copied' }));
      }, 'copy'));
    }
    const code = el('pre', 'lk-code');
    code.tabIndex = 0;
    code.setAttribute('role', 'region');
    code.setAttribute('aria-label', 'Python program');
    code.append(el('code', '', script));
    part.append(head, el('p', 'lk-small', 'A Python program that asks Milvus itself and prints the same pictures with the same scores.'), code);
    return part;
  };

  return {
    open(answer) {
      const head = el('div', 'lk-dialog-head');
      head.append(
        el('h2', '', `This search took ${milliseconds(answer.timings.total)}`),
        iconButton('lk-button bare', 'Close', 'close', () => dialog.close()),
      );
      const content = el('div', 'lk-explained');
      content.append(times(answer), asked(answer), program(answer.explained));
      dialog.replaceChildren(head, content);
      dialog.showModal();
    },
  };
};
