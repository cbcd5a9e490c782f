// Chooses the language of the page before anything is drawn, and looks up its words.

/** @typedef {Record<string, string>} Table the words of one language, by key */

/** The page tells where the words of each language lie: see ui/scripts.py. */
const WORDS = 'likeness-words';

const html = document.documentElement;

/** @type {Record<string, string>} */
const addresses = JSON.parse(document.getElementById(WORDS)?.textContent ?? '{"en": "data:,{}"}');

/** @param {string} tag */
const partsOf = (tag) => {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return `${language} ${script}`;
  } catch {
    return ''; // some browsers name none that there is
  }
};

/**
 * The language of the page that readers of `tag` get.
 * By language and script: Hong Kong reads the Chinese of Taiwan, and not that of Beijing.
 * @param {string} tag
 */
export const languageOf = (tag) => Object.keys(addresses).find((each) => partsOf(each) === partsOf(tag)) || 'en';

export const language = languageOf(new URLSearchParams(location.search).get('lang') || navigator.language);

/**
 * @param {string} each
 * @returns {Promise<Table>}
 */
const tableOf = async (each) => (await fetch(new URL(addresses[each], document.baseURI))).json();

const [english, own] = await Promise.all([tableOf('en'), language === 'en' ? null : tableOf(language)]);

const plurals = new Intl.PluralRules(language);

/** @param {unknown} value */
const written = (value) => (typeof value === 'number' ? value.toLocaleString(language) : String(value));

/**
 * The words of a key with its values filled in. `count` decides between the forms of a key, where it has several.
 * @param {string} key
 * @param {Record<string, any>} values
 * @param {Table} table
 */
export const phrase = (key, values = {}, table = own ?? english) => {
  const text = table[key] ?? table[`${key}.${plurals.select(values.count)}`] ?? key;
  return text.replace(/(\{(\w+)\})([.。]?)/g, (_, whole, name, stop) => {
    const value = written(values[name] ?? whole);
    return /[.。!?…]$/.test(value) ? value : value + stop; // one full stop, where a value brings its own
  });
};

/**
 * One line that lists the values.
 * @param {string[]} values
 */
export const listed = (values) => values.join(phrase('common.list_separator'));

/** @param {string} key */
export const inEnglish = (key) => phrase(key, {}, english);

/**
 * @typedef {{ code: string, values: Record<string, any>, text?: string }} Message
 *   what the library says: the code of a sentence and what fills it, and the same in English
 */

/**
 * What the library says, in the language of the page; as it is where no table has its sentence.
 * @param {Message | string | null | undefined} message
 * @returns {string}
 */
export const said = (message) => {
  if (!message) return '';
  if (typeof message === 'string') return message;
  const values = Object.entries(message.values).map(([name, value]) => [
    name,
    typeof value === 'object' ? said(value) : value,
  ]);
  const key = `said.${message.code}`;
  const sentence = phrase(key, Object.fromEntries(values));
  return sentence === key ? (message.text ?? message.code) : sentence;
};

/**
 * The same in English, for files that programs read.
 * @param {Message | string} message
 */
export const saidInEnglish = (message) => (typeof message === 'string' ? message : (message.text ?? message.code));

/** Gradio looks for the browser's language among its own by name alone: zh-HK is none to it. */
export const agreeWithGradio = () => {
  if (languageOf(html.lang) === language) return;
  const core = performance.getEntriesByType('resource').find(({ name }) => /\/assets\/core-[^/]*\.js$/.test(name));
  if (core) import(core.name).then(({ changeLocale }) => changeLocale(language));
};

/** Whoever takes another language in Gradio's settings gets all of the page in it. */
export const followSettings = () => {
  html.lang = language;
  new MutationObserver(() => {
    const chosen = languageOf(html.lang);
    if (chosen === language) return;
    const url = new URL(location.href);
    url.searchParams.set('lang', chosen);
    location.assign(url);
  }).observe(html, { attributes: true, attributeFilter: ['lang'] });
};
