// What is looked for, a chip for each text and picture, with its weight; and what adds more of them.

const MAX_PARTS = 16;
const MORE = 0.5; // an example weighs less than the words that it refines,
const LESS = -0.3; // and what is to be left out takes some of the rest along
const THUMBNAIL = 80; // pixels
const PATIENCE = 200; // milliseconds: whoever moves a slider by keys is not done at the first

const sameParts = (one, other) => JSON.stringify(one.map(withoutWeight)) === JSON.stringify(other.map(withoutWeight));

const withoutWeight = ({ weight, ...rest }) => rest;

const createParts = ({ onAsk, onView, cropper }) => {
  let parts = [];
  let known = {}; // the library's pictures among them, by content ID
  let turn = 0; // numbers what is asked
  let sending = null;
  let rows = []; // the chips, and the parts that they show
  let drawnParts = [];

  const node = el('section', 'lk-parts');
  node.setAttribute('aria-label', phrase('parts.title'));
  const list = el('ul');
  node.append(list);

  const ask = (wanted, patience = 0) => {
    if (wanted.length > MAX_PARTS) {
      say('notice', { text: phrase('parts.too_many', { most: MAX_PARTS }), bad: true });
      return;
    }
    turn += 1;
    parts = wanted;
    sendAfter(patience);
  };

  const sendAfter = (patience) => {
    clearTimeout(sending);
    sending = setTimeout(() => onAsk(parts.length ? { parts, turn } : {}), patience);
  };

  const add = (...more) => ask([...parts, ...more]);

  const changed = (place, news) => parts.map((part, which) => (which === place ? { ...part, ...news } : part));

  const nameOfPart = (part) => part.text || part.image?.name || known[part.content_id]?.name || phrase('parts.a_picture');

  const urlOf = (part) => (part.content_id ? mediaUrl('thumb', part.content_id) : fileUrl(part.image.path));

  // Only what was cut out, filling a square.
  const cropped = (url, [left, top, width, height]) => {
    const canvas = el('canvas');
    canvas.width = canvas.height = THUMBNAIL;
    const image = new Image();
    image.onload = () => {
      const [wide, high] = [width * image.naturalWidth, height * image.naturalHeight];
      const side = Math.min(wide, high);
      const x = left * image.naturalWidth + (wide - side) / 2;
      const y = top * image.naturalHeight + (high - side) / 2;
      canvas.getContext('2d').drawImage(image, x, y, side, side, 0, 0, THUMBNAIL, THUMBNAIL);
    };
    image.src = url;
    return canvas;
  };

  const thumbnailOf = (part) => {
    if (part.content_id && !known[part.content_id]) return icon('picture'); // not in the library, or not yet told of
    if (part.crop) return cropped(urlOf(part), part.crop);
    const image = el('img');
    image.alt = '';
    image.src = urlOf(part);
    image.addEventListener('error', () => image.replaceWith(icon('picture')), { once: true });
    return image;
  };

  const shownPicture = (part) => {
    const record = known[part.content_id];
    const frame = record
      ? button('lk-part-picture', null, () => onView(record, () => frame.focus()))
      : el('span', 'lk-part-picture');
    if (record) frame.setAttribute('aria-label', phrase('results.view', { name: record.name }));
    frame.append(thumbnailOf(part));
    return frame;
  };

  const words = (part) => {
    if (part.text) return nameOf(phrase('parts.quoted', { words: part.text }));
    return nameOf(part.crop ? phrase('parts.part_of', { name: nameOfPart(part) }) : nameOfPart(part));
  };

  const signed = (weight) => `${weight < 0 ? '−' : ''}${Math.abs(weight).toFixed(1)}`;

  const slider = (part, place) => {
    const input = el('input');
    input.type = 'range';
    const reach = Math.max(1, Math.abs(part.weight));
    Object.assign(input, { min: -reach, max: reach, step: 0.1 });
    input.setAttribute('aria-label', phrase('parts.weight', { name: nameOfPart(part) }));
    input.addEventListener('input', () => drawWeight(rows[place], Number(input.value)));
    input.addEventListener('change', () => ask(changed(place, { weight: Number(input.value) }), PATIENCE));
    return input;
  };

  const drawWeight = (row, weight) => {
    row.number.textContent = signed(weight);
    row.node.classList.toggle('negative', weight < 0);
    row.node.classList.toggle('off', weight === 0);
    row.input.setAttribute('aria-valuetext', weight < 0 ? phrase('parts.negative', { weight: signed(weight) }) : signed(weight));
  };

  const chip = (part, place) => {
    const row = { node: el('li', 'lk-part'), input: slider(part, place), number: el('output', 'lk-part-number') };
    if (!part.text) row.node.append(shownPicture(part));
    row.node.append(words(part), row.input, row.number);
    if (!part.text) {
      const label = phrase('parts.crop', { name: nameOfPart(part) });
      row.node.append(iconButton('lk-part-tool', label, 'crop', () => cropPart(part, place)));
    }
    row.node.append(iconButton('lk-part-tool', phrase('parts.take_out', { name: nameOfPart(part) }), 'close', () => remove(place)));
    return row;
  };

  const remove = (place) => ask(parts.filter((_, which) => which !== place));

  const cropPart = (part, place) => {
    const url = part.content_id ? mediaUrl('preview', part.content_id) : fileUrl(part.image.path);
    cropper.open(url, part.crop, (crop) => ask(changed(place, { crop })));
  };

  // More words, more pictures.

  const wordsForm = () => {
    const form = el('form', 'lk-part-words');
    const input = el('input');
    input.type = 'text';
    input.placeholder = phrase('parts.words');
    input.setAttribute('aria-label', phrase('parts.words_label'));
    input.maxLength = 2000;
    input.autocomplete = 'off';
    const submit = iconButton('lk-part-tool', phrase('parts.add_words'), 'plus', () => form.requestSubmit());
    form.append(input, submit);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return input.focus();
      input.value = '';
      add({ text, weight: 1 });
    });
    return form;
  };

  const picker = () => {
    const input = el('input');
    input.type = 'file';
    input.multiple = true;
    input.hidden = true;
    input.accept = 'image/*,.heic,.heif,.avif,.jp2,.tif,.tiff';
    input.setAttribute('aria-label', phrase('parts.pictures'));
    input.addEventListener('change', () => {
      const files = [...input.files];
      input.value = '';
      send(files);
    });
    return input;
  };

  const send = async (files) => {
    const sent = [];
    for (const file of files.slice(0, MAX_PARTS)) {
      try {
        const { path } = await upload(file);
        sent.push({ image: { path, name: file.name }, weight: 1 });
      } catch {
        say('notice', { text: phrase('parts.upload_failed', { name: file.name }), bad: true });
      }
    }
    if (sent.length) add(...sent);
  };

  const files = picker();
  const adding = el('li', 'lk-part-more');
  adding.append(wordsForm(), button('lk-button', phrase('parts.add_picture'), () => files.click(), 'picture'), files);

  node.addEventListener('dragover', (event) => {
    event.preventDefault();
    node.classList.add('over');
  });
  node.addEventListener('dragleave', (event) => {
    if (!node.contains(event.relatedTarget)) node.classList.remove('over');
  });
  node.addEventListener('drop', (event) => {
    event.preventDefault();
    node.classList.remove('over');
    send([...event.dataTransfer.files]);
  });

  list.append(adding);

  // A chip that is in hand stays where it is.
  const draw = () => {
    node.hidden = parts.length === 0;
    if (!sameParts(parts, drawnParts)) {
      rows.forEach((row) => row.node.remove());
      rows = parts.map(chip);
      adding.before(...rows.map((row) => row.node));
    }
    drawnParts = parts;
    parts.forEach(({ weight }, place) => {
      rows[place].input.value = weight;
      drawWeight(rows[place], weight);
    });
  };

  draw();

  return {
    node,
    // Not what an answer says that was overtaken: of what is asked while a search runs, Gradio may forget the last.
    take(query, pictures = []) {
      if (query.turn && query.turn < turn) return sendAfter(PATIENCE);
      clearTimeout(sending);
      const news = pictures.filter((picture) => !known[picture.id]);
      news.forEach((picture) => { known[picture.id] = picture; });
      if (news.length) drawnParts = []; // their names were not known
      parts = query.parts;
      draw();
    },
    more: (item) => add({ content_id: item.id, weight: parts.length ? MORE : 1 }),
    less: (item) => add({ content_id: item.id, weight: LESS }),
    has: (id) => parts.some((part) => part.content_id === id),
  };
};

// The address names texts and pictures of the library, each followed by its weight and crop if it has them.

const PART_KEYS = ['q', 'like', 'w', 'crop'];

const addressOf = (parts) => {
  const url = new URL(location.href);
  PART_KEYS.forEach((key) => url.searchParams.delete(key));
  for (const { text, content_id: id, weight, crop } of parts) {
    if (!text && !id) continue;
    url.searchParams.append(text ? 'q' : 'like', text || id);
    if (weight !== 1) url.searchParams.append('w', weight);
    if (crop) url.searchParams.append('crop', crop.join(','));
  }
  return url;
};
