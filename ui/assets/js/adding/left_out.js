// Decides which files of a folder are not sent. The app has the same rule, and gives the reason for each path.

export const suffixOf = (name) => (name.includes('.') ? name.slice(name.lastIndexOf('.')).toLowerCase() : '');

/**
 * @param {string} name
 * @param {string[]} systemFolders
 */
export const isFolderLeftOut = (name, systemFolders) =>
  name.startsWith('.') || systemFolders.includes(name.toLowerCase());

/**
 * The path that is left out: that of the file, or that of the outermost folder with a slash; null where it is wanted.
 * @param {string} path begins with the folder that was chosen; without one, the file itself was
 * @param {{ suffixes: string[], system_folders: string[] }} rule
 */
export const leftOutAt = (path, { suffixes, system_folders: systemFolders }) => {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  if (parts.length === 0) return null;
  const at = parts.findIndex((part, place) => place > 0 && isFolderLeftOut(part, systemFolders));
  if (at > 0) return `${parts.slice(0, at + 1).join('/')}/`;
  return name.startsWith('.') || !suffixes.includes(suffixOf(name)) ? path : null;
};
