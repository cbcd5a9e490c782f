// Defines the events by which the parts of the page hear of one another.

const PREFIX = 'likeness:';

/**
 * The events, and who publishes them.
 *
 * - `status`: the header, whenever it is told the status of the library
 * - `shown`: the results, with what they were asked for
 * - `visit`, `again`: whoever wants another search, or the same once more
 * - `removed`: whoever had pictures deleted
 * - `run`, `changed`: the run that this page follows, and that it has ended
 * - `notice`: whoever has a short word for the foot of the page
 * - `choose`: whoever asks for the picker of files
 * @typedef {'status' | 'shown' | 'visit' | 'again' | 'removed' | 'run' | 'changed' | 'notice' | 'choose'} EventName
 */

/**
 * @param {EventName} name
 * @param {object} detail
 */
export const publish = (name, detail = {}) => window.dispatchEvent(new CustomEvent(`${PREFIX}${name}`, { detail }));

/**
 * @param {EventName} name
 * @param {(detail: any) => void} listener
 */
export const subscribe = (name, listener) =>
  window.addEventListener(`${PREFIX}${name}`, (event) => listener(/** @type {CustomEvent} */ (event).detail));

/**
 * What Gradio gives a component to work with.
 * @typedef {object} Host
 * @property {HTMLElement} element the component in the page
 * @property {HTMLElement} drawn where it draws
 * @property {Record<string, any>} props its value, and what else the app says of it
 * @property {(event: string, detail: object) => void} trigger calls the app
 * @property {(name: string, listener: () => void) => void} watch tells when the app has written to a property
 * @property {(file: File) => Promise<{ path: string, url: string }>} upload
 */
