// Writes numbers, times and sizes as people of the page's language do.

import { language, phrase } from './language.js';

/** @param {number | string} value */
export const number = (value) => Number(value).toLocaleString(language);

/** @param {string | number} at */
export const dateOf = (at) =>
  new Date(at).toLocaleString(language === 'en' ? 'en-GB' : language, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {{ relevance: string }} hit */
export const relevanceOf = ({ relevance }) => phrase(`relevance.${relevance.replace(' ', '_')}`);

/** @param {{ z: number, percentile: number }} hit */
export const whyOf = ({ z, percentile }) => ({ z: z.toFixed(1), percent: Math.floor(percentile) });

/** @param {number} value */
export const milliseconds = (value) => (value < 10 ? `${value.toFixed(1)} ms` : `${number(Math.round(value))} ms`);

/** @param {number} bytes */
export const fileSize = (bytes) => {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999500) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
};

/** @param {number} value */
export const seconds = (value) => {
  if (value < 1) return phrase('unit.moment');
  if (value < 90) return phrase('unit.seconds', { count: Math.round(value) });
  return phrase('unit.minutes', { count: Math.round(value / 60) });
};
