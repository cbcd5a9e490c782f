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

  const inEnglish = (key) => phrase(key, {}, tables.en);

  // Gradio looks for the browser's language among its own by name alone: zh-HK is none to it.
  const agree = () => {
    if (languageOf(html.lang) === language) return;
    const core = performance.getEntriesByType('resource').find(({ name }) => /\/assets\/core-[^/]*\.js$/.test(name));
    if (core) import(core.name).then(({ changeLocale }) => changeLocale(language));
  };

  window.likeness = { language, languageOf, phrase, inEnglish };
  agree();
}
