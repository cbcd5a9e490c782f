// Chooses the words that warn of a deletion: whether it goes to the trash, or is gone at once.

import { phrase } from './language.js';

/** @param {number} days for which the trash keeps what was deleted, 0 where there is none */
export const fate = (days) => (days ? phrase('common.trash_keeps', { count: days }) : phrase('common.not_undone'));

/** @param {number} days */
export const deleteLabel = (days) => phrase(days ? 'common.to_trash' : 'common.delete_for_good');
