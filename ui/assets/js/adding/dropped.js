// Reads the files behind what was dropped. A folder arrives as entries that have to be walked, listed in portions.

import { isFolderLeftOut } from './left_out.js';

/**
 * @typedef {{ file: File, path: string }} Chosen a file with its path, which begins with the folder it was chosen with
 * @typedef {{ name: string, reason?: string }} LeftOut a file, or a folder whose name ends in a slash
 */

const readPortion = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

const pathOf = (entry) => entry.fullPath.replace(/^\/+/, '');

class Walk {
  /** @type {Chosen[]} */
  chosen = [];
  /** @type {LeftOut[]} */
  leftOut = [];
  #systemFolders;

  constructor(systemFolders) {
    this.#systemFolders = systemFolders;
  }

  async #file(entry) {
    try {
      this.chosen.push({ file: await fileOf(entry), path: pathOf(entry) });
    } catch {
      this.leftOut.push({ name: pathOf(entry), reason: 'unreadable' });
    }
  }

  async #folder(entry) {
    const reader = entry.createReader();
    try {
      for (let portion = await readPortion(reader); portion.length; portion = await readPortion(reader)) {
        for (const each of portion) await this.#below(each);
      }
    } catch {
      this.leftOut.push({ name: `${pathOf(entry)}/`, reason: 'unreadable' });
    }
  }

  async #below(entry) {
    if (entry.isFile) await this.#file(entry);
    else if (isFolderLeftOut(entry.name, this.#systemFolders)) this.leftOut.push({ name: `${pathOf(entry)}/` });
    else await this.#folder(entry);
  }

  /** What was dropped is named outright: only what lies below it can be left out. */
  async add(entry) {
    if (entry.isFile) {
      await this.#file(entry);
      return;
    }
    const before = this.chosen.length + this.leftOut.length;
    await this.#folder(entry);
    const isEmpty = this.chosen.length + this.leftOut.length === before;
    if (isEmpty) this.leftOut.push({ name: `${pathOf(entry)}/`, reason: 'empty' });
  }
}

/**
 * @param {DataTransfer} transfer
 * @param {string[]} systemFolders
 * @returns {Promise<{ chosen: Chosen[], leftOut: LeftOut[] }>}
 */
export const filesOf = async (transfer, systemFolders) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) {
    return { chosen: [...transfer.files].map((file) => ({ file, path: file.name })), leftOut: [] };
  }
  const walk = new Walk(systemFolders);
  for (const entry of entries) await walk.add(entry);
  return walk;
};
