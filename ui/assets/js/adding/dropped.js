// The files behind what was dropped. A folder arrives as entries that have to be walked; its listing comes in portions.

const readPortion = (reader) => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));

const fileOf = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

const folders = new WeakMap(); // of dropped files, which do not know theirs as chosen ones do

/**
 * The folder in which a file lay, below the one that was chosen or dropped; empty where it was taken by itself.
 * @param {File} file
 * @returns {string}
 */
export const folderOf = (file) => {
  const path = folders.get(file) ?? file.webkitRelativePath ?? '';
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
};

const walk = async (entry, found) => {
  if (entry.isFile) {
    const file = await fileOf(entry);
    if (!file) return;
    folders.set(file, entry.fullPath);
    found.push(file);
    return;
  }
  const reader = entry.createReader();
  for (let portion = await readPortion(reader); portion.length; portion = await readPortion(reader)) {
    for (const each of portion) await walk(each, found);
  }
};

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<{ files: File[], hasFolder: boolean }>}
 */
export const filesOf = async (transfer) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return { files: [...transfer.files], hasFolder: false };
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return { files, hasFolder: entries.some((entry) => entry.isDirectory) };
};
