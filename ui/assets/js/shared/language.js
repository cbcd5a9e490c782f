// The language of the page, chosen before anything is drawn, and its words.

(tables) => {
  const html = document.documentElement;

  const partsOf = (tag) => {
    try {
      const { language, script } = new Intl.Locale(tag).maximize();
      return `${language} ${script}`;
    } catch {
      return ''; // some browsers name none that there is
    }
  };

  // By language and script: Hong Kong reads the Chinese of Taiwan, and not that of Beijing.
  const languageOf = (tag) => Object.keys(tables).find((each) => partsOf(each) === partsOf(tag)) || 'en';

  const language = languageOf(new URLSearchParams(location.search).get('lang') || navigator.language);
  const plurals = new Intl.PluralRules(language);

  const written = (value) => (typeof value === 'number' ? value.toLocaleString(language) : value);

  // `count` decides between the forms of a key, where it has several.
  const phrase = (key, values = {}, table = tables[language]) => {
    const text = table[key] ?? table[`${key}.${plurals.select(values.count)}`] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => written(values[name] ?? whole));
  };

  // The library says in English what went wrong; what the tables know of that is said again.
  const SAID = 'said.';
  const patternOf = (text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, '(?<$1>.+?)');
  const sentences = Object.entries(tables.en)
    .filter(([key]) => key.startsWith(SAID) && language !== 'en')
    .sort(([, one], [, other]) => other.length - one.length) // the shorter one can be the beginning of the longer
    .map(([key, text]) => [key, new RegExp(`^${patternOf(text)}$`, 's')]);

  const said = (english) => {
    for (const [key, sentence] of sentences) {
      const found = sentence.exec(english);
      if (found) return phrase(key, Object.fromEntries(Object.entries(found.groups || {}).map(([name, value]) => [name, said(value)])));
    }
    return english;
  };

  const inEnglish = (key) => phrase(key, {}, tables.en);

  // Gradio looks for the browser's language among its own by name alone: zh-HK is none to it.
  const agree = () => {
    if (languageOf(html.lang) === language) return;
    const core = performance.getEntriesByType('resource').find(({ name }) => /\/assets\/core-[^/]*\.js$/.test(name));
    if (core) import(core.name).then(({ changeLocale }) => changeLocale(language));
  };

  window.likeness = { language, languageOf, phrase, said, inEnglish };
  agree();
}
