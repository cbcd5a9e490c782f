// Holds what Gradio's hooks call: each draws one component, and the last one starts the parts of the whole page.

import { Demo } from './adding/demo.js';
import { PastRuns } from './adding/past_runs.js';
import { Run } from './adding/run.js';
import { Uploads } from './adding/uploads.js';
import { FallbackBanner } from './header/fallback.js';
import { Header } from './header/header.js';
import { Notice } from './header/notice.js';
import { Doctor } from './reports/doctor.js';
import { Duplicates } from './reports/duplicates.js';
import { Evaluations } from './reports/evaluation.js';
import { ModelPickers } from './reports/model_pickers.js';
import { Models } from './reports/models.js';
import { Trash } from './reports/trash.js';
import { Tuning } from './reports/tuning.js';
import { BoxNotice } from './search/box_notice.js';
import { Filters } from './search/filters.js';
import { Results } from './search/results.js';
import { agreeWithGradio } from './shared/language.js';

export { startPage } from './page/start.js';

const COMPONENTS = {
  header: Header,
  fallback: FallbackBanner,
  box_notice: BoxNotice,
  notice: Notice,
  results: Results,
  filters: Filters,
  demo: Demo,
  uploads: Uploads,
  run: Run,
  past_runs: PastRuns,
  tuning: Tuning,
  evaluation: Evaluations,
  models: Models,
  model_pickers: ModelPickers,
  duplicates: Duplicates,
  trash: Trash,
  doctor: Doctor,
};

/**
 * @param {keyof typeof COMPONENTS} name
 * @param {string[]} events those of which the app has been told
 * @param {Omit<import('./shared/events.js').Host, 'drawn'>} hooks
 */
export const mount = (name, events, hooks) => {
  const drawn = /** @type {HTMLElement} */ (hooks.element.querySelector('.drawn') || hooks.element);
  const trigger = (event, detail) => {
    if (!events.includes(event)) throw new Error(`${name} declares no event ${event}`);
    hooks.trigger(event, detail);
  };
  return new COMPONENTS[name]({ ...hooks, drawn, trigger });
};

agreeWithGradio();
