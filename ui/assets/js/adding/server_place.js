// Shows the form for places that the server itself reaches: folders, buckets, tables.

import { button, el } from '../shared/dom.js';
import { phrase } from '../shared/language.js';

const textField = (text, value) => {
  const label = el('label', 'lk-place-name', text);
  const input = el('input');
  Object.assign(input, { type: 'text', spellcheck: false, value });
  label.append(input);
  return { label, input };
};

const placeField = (prefixes) => {
  const { label, input } = textField(phrase('uploads.place'), prefixes[0]);
  const list = el('datalist');
  list.id = 'lk-prefixes';
  list.append(...prefixes.map((prefix) => new Option(prefix)));
  Object.assign(input, { required: true, autocomplete: 'off' });
  input.setAttribute('list', list.id);
  return { label, input, list };
};

const inPlaceBox = () => {
  const label = el('label', 'lk-place-leave');
  const input = el('input');
  input.type = 'checkbox';
  label.append(input, el('span', '', phrase('uploads.in_place')));
  return { label, input };
};

/**
 * @param {Record<string, any>} props
 * @param {(place: { source: string, image_column: string, in_place: boolean }) => void} onNamed
 */
export const serverPlaceForm = (props, onNamed) => {
  const form = el('form', 'lk-place');
  const place = placeField(props.prefixes);
  const column = textField(phrase('uploads.column'), 'filepath');
  const inPlace = inPlaceBox();
  const submit = button('lk-button', phrase('uploads.import'), () => form.requestSubmit(), 'folder');
  form.append(place.label, place.list, column.label, inPlace.label, submit);

  const isTable = () => {
    const name = place.input.value.trim().toLowerCase();
    return props.tables.some((suffix) => name.endsWith(suffix));
  };
  const showColumn = () => {
    column.label.hidden = !isTable();
  };
  place.input.addEventListener('input', showColumn);
  showColumn();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onNamed({
      source: place.input.value,
      image_column: isTable() ? column.input.value : '',
      in_place: inPlace.input.checked,
    });
  });
  return form;
};
