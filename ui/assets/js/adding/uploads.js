// Takes in files and folders, chosen or dropped, sends them one by one and hands their names over.

const AT_ONCE = 3;
const MAX_LEFT_OUT = 2000;

let busy = false;
let cancelled = false;

const picker = (label, folder) => {
  const input = el('input');
  input.type = 'file';
  input.multiple = true;
  input.hidden = true;
  input.setAttribute('aria-label', label);
  if (folder) input.webkitdirectory = true;
  else input.accept = ['image/*', ...props.suffixes, ...props.archives].join(',');
  input.addEventListener('change', () => {
    const files = [...input.files];
    input.value = '';
    take(files, folder);
  });
  return input;
};

const files = picker(phrase('uploads.pictures'), false);
const folder = picker(phrase('uploads.folder'), true);
const zone = el('div', 'lk-zone');
const words = el('p', 'lk-zone-words');
const choices = el('div', 'lk-zone-choices');
const progress = el('div', 'lk-progress');
const track = el('div', 'lk-track');
const fill = el('i');
track.append(fill);
const progressWords = el('p');
progressWords.setAttribute('role', 'status');
progress.append(progressWords, track, button('lk-button', phrase('common.cancel'), () => { cancelled = true; }, 'close'));
progress.hidden = true;
words.append(icon('upload'), el('b', '', phrase('uploads.drop')));
choices.append(
  button('lk-button primary', phrase('uploads.choose'), () => files.click()),
  button('lk-button', phrase('uploads.choose_folder'), () => folder.click(), 'folder'),
);
zone.append(words, choices, progress, files, folder);
drawn.append(zone, el('p', 'lk-small', phrase(props.archives.length ? 'uploads.limits_and_archives' : 'uploads.limits', { megabytes: props.max_megabytes })));

const suffixOf = (name) => (name.includes('.') ? name.slice(name.lastIndexOf('.')).toLowerCase() : '');

const whyNot = (file, fromFolder) => {
  if (fromFolder && !props.suffixes.includes(suffixOf(file.name))) return phrase('uploads.no_picture');
  if (file.size > props.max_bytes) return phrase('uploads.too_large', { megabytes: props.max_megabytes });
  return null;
};

const showProgress = (done, total) => {
  progress.hidden = total === 0;
  words.hidden = choices.hidden = total > 0;
  fill.style.width = `${(100 * done) / (total || 1)}%`;
  progressWords.textContent = phrase('uploads.progress', { done, count: total });
};

const sendAll = async (wanted, leftOut) => {
  const sent = Array(wanted.length);
  let done = 0;
  const waiting = [...wanted.entries()];
  const sendNext = async () => {
    while (waiting.length && !cancelled) {
      const [place, file] = waiting.shift();
      try {
        const { path } = await upload(file);
        sent[place] = { path, name: file.name };
      } catch {
        leftOut.push({ name: file.name, reason: phrase('uploads.failed') });
      }
      done += 1;
      showProgress(done, wanted.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext));
  return sent.filter(Boolean);
};

const take = async (chosen, fromFolder) => {
  if (busy || chosen.length === 0) return;
  busy = true;
  cancelled = false;
  const leftOut = [];
  const wanted = chosen.filter((file) => {
    const reason = whyNot(file, fromFolder);
    if (reason) leftOut.push({ name: file.name, reason });
    return !reason;
  });
  showProgress(0, wanted.length);
  const sent = await sendAll(wanted, leftOut);
  showProgress(0, 0);
  busy = false;
  if (!cancelled) trigger('arrived', { files: sent, left_out: leftOut.slice(0, MAX_LEFT_OUT) });
};

// A dropped folder arrives as entries that have to be walked; its listing comes in portions.

const readPortion = (reader) => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));

const fileOf = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

const walk = async (entry, found) => {
  if (entry.isFile) {
    const file = await fileOf(entry);
    if (file) found.push(file);
    return;
  }
  const reader = entry.createReader();
  for (let portion = await readPortion(reader); portion.length; portion = await readPortion(reader)) {
    for (const each of portion) await walk(each, found);
  }
};

const dropped = async (transfer) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return take([...transfer.files], false);
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return take(found, entries.some((entry) => entry.isDirectory));
};

zone.addEventListener('dragover', (event) => {
  event.preventDefault();
  zone.classList.add('over');
});
zone.addEventListener('dragleave', (event) => {
  if (!zone.contains(event.relatedTarget)) zone.classList.remove('over');
});
zone.addEventListener('drop', (event) => {
  event.preventDefault();
  zone.classList.remove('over');
  dropped(event.dataTransfer);
});
hear('choose', () => files.click());

// Places that the server itself reaches.

const choosePlace = () => {
  const form = el('form', 'lk-place');
  const label = el('label', 'lk-place-name', phrase('uploads.place'));
  const place = el('input');
  place.type = 'text';
  place.required = true;
  place.spellcheck = false;
  place.autocomplete = 'off';
  place.value = props.prefixes[0];
  place.setAttribute('list', 'lk-prefixes');
  const prefixes = el('datalist');
  prefixes.id = 'lk-prefixes';
  prefixes.append(...props.prefixes.map((prefix) => new Option(prefix)));
  const column = el('input');
  column.type = 'text';
  column.spellcheck = false;
  column.value = 'filepath';
  const columnName = el('label', 'lk-place-name', phrase('uploads.column'));
  columnName.append(column);
  const isTable = () => props.tables.some((suffix) => place.value.trim().toLowerCase().endsWith(suffix));
  const showColumn = () => { columnName.hidden = !isTable(); };
  place.addEventListener('input', showColumn);
  showColumn();
  const inPlace = el('input');
  inPlace.type = 'checkbox';
  const leave = el('label', 'lk-place-leave');
  leave.append(inPlace, el('span', '', phrase('uploads.in_place')));
  const submit = button('lk-button', phrase('uploads.take_in'), () => form.requestSubmit(), 'folder');
  label.append(place);
  form.append(label, prefixes, columnName, leave, submit);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    trigger('named', { source: place.value, image_column: isTable() ? column.value : '', in_place: inPlace.checked });
  });
  return form;
};

if (props.prefixes.length) drawn.append(choosePlace());
