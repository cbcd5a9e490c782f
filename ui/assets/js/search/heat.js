// Draws heat maps smoothly, on a canvas of the picture's shape that is laid over it.

import { el } from '../shared/dom.js';

/**
 * @typedef {object} Heat
 * @property {number[][]} values rows of numbers from 0 to 1
 * @property {[number, number, number, number]} box what of the picture they cover: left, top, width and height as fractions
 */

/** Told apart over any picture, by the colour-blind too. */
const COLOURS = ['#ff8a00', '#00c8ff', '#ff4fd8', '#b4f000', '#ffe04a', '#a58bff'];
const LONG_SIDE = 320; // pixels of a map: it is stretched, and smooth anyway
const STRIPE = 6; // pixels
const VEIL = 'rgb(2 6 23 / 45%)';

/** @param {number} part its place in the search */
export const colourOf = (part) => COLOURS[part % COLOURS.length];

/** A layer of one colour that is as dense as the map says. */
const layerOf = ({ values, box: [left, top, width, height] }, colour, size) => {
  const small = el('canvas');
  small.width = values[0].length;
  small.height = values.length;
  const pen = small.getContext('2d');
  pen.fillStyle = colour;
  for (const [row, line] of values.entries()) {
    for (const [column, value] of line.entries()) {
      pen.globalAlpha = value;
      pen.fillRect(column, row, 1, 1);
    }
  }
  const layer = el('canvas');
  Object.assign(layer, size);
  const smooth = layer.getContext('2d');
  smooth.imageSmoothingQuality = 'high';
  smooth.drawImage(small, left * size.width, top * size.height, width * size.width, height * size.height);
  return layer;
};

/** What is taken away is striped, since a colour alone does not tell. */
const striped = (layer) => {
  const pen = layer.getContext('2d');
  for (let y = 0; y < layer.height; y += 2 * STRIPE) pen.clearRect(0, y, layer.width, STRIPE);
  return layer;
};

/**
 * The picture is veiled but for where something is found, which is tinted with the colour of its part.
 * @param {{ width: number, height: number }} picture
 * @param {{ heat: Heat, part: number, taken: boolean }[]} maps
 */
export const heatCanvas = (picture, maps) => {
  const scale = LONG_SIDE / Math.max(picture.width, picture.height);
  const size = {
    width: Math.max(1, Math.round(scale * picture.width)),
    height: Math.max(1, Math.round(scale * picture.height)),
  };
  const canvas = el('canvas', 'lk-heat');
  Object.assign(canvas, size);
  canvas.setAttribute('aria-hidden', 'true');
  const pen = canvas.getContext('2d');
  pen.fillStyle = VEIL;
  pen.fillRect(0, 0, size.width, size.height);
  const layers = maps.map(({ heat, part, taken }) => ({ layer: layerOf(heat, colourOf(part), size), taken }));
  pen.globalCompositeOperation = 'destination-out';
  for (const { layer } of layers) pen.drawImage(layer, 0, 0);
  pen.globalCompositeOperation = 'source-over';
  pen.globalAlpha = 0.6;
  for (const { layer, taken } of layers) pen.drawImage(taken ? striped(layer) : layer, 0, 0);
  return canvas;
};

const third = (at) => Math.min(2, Math.floor(3 * at));

/**
 * In which ninth of the picture most of a map lies, as the end of a key of words.
 * @param {Heat} heat
 */
export const placeOf = ({ values, box: [left, top, width, height] }) => {
  const sums = { nowhere: 0 };
  for (const [row, line] of values.entries()) {
    const down = ['top', 'middle', 'bottom'][third(top + (height * (row + 0.5)) / values.length)];
    for (const [column, value] of line.entries()) {
      const place = `${down}_${['left', 'centre', 'right'][third(left + (width * (column + 0.5)) / line.length)]}`;
      sums[place] = (sums[place] ?? 0) + value;
    }
  }
  return Object.entries(sums).reduce((most, each) => (each[1] > most[1] ? each : most))[0];
};
