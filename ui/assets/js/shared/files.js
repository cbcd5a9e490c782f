// Opens the browser's dialog to choose files.

import { el } from './dom.js';

/** What the app reads, as pickers understand it. */
export const IMAGE_FILES = 'image/*,.heic,.heif,.avif,.jp2,.tif,.tiff';

/**
 * A hidden input whose click opens the browser's picker.
 * @param {string} label
 * @param {(files: File[]) => void} onFiles
 */
export const filePicker = (label, onFiles) => {
  const input = el('input');
  Object.assign(input, { type: 'file', multiple: true, hidden: true });
  input.setAttribute('aria-label', label);
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = '';
    onFiles(files);
  });
  return input;
};
