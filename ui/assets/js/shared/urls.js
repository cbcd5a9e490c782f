// Makes the addresses of the app, below whatever path a proxy puts it.

/** @param {string} path */
export const apiUrl = (path) => {
  const root = /** @type {any} */ (window).gradio_config?.root;
  const base = root ? new URL(root, location.href).pathname : location.pathname;
  return `${base.replace(/\/$/, '')}/gradio_api/${path}`;
};

/**
 * @param {'thumb' | 'preview' | 'original'} size
 * @param {string} id
 */
export const mediaUrl = (size, id) => apiUrl(`media/${size}/${encodeURIComponent(id)}`);

/**
 * Where a picture lies that this visitor has uploaded.
 * @param {string} path
 */
export const fileUrl = (path) => apiUrl(`file=${path.split('/').map(encodeURIComponent).join('/')}`);
