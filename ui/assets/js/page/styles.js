// Gives the page's styles the weight that they need against Gradio's own.

/** One of the properties that only our styles define. */
const OURS = '--lk-gutter';

/** @param {CSSRule} rule */
const heavier = (rule) => {
  if (rule instanceof CSSMediaRule) {
    return `@media ${rule.media.mediaText} {${[...rule.cssRules].map(heavier).join('')}}`;
  }
  if (!(rule instanceof CSSStyleRule)) return '';
  const dark = rule.cssText.startsWith('.dark ') ? '.dark ' : '';
  return `${dark}.gradio-container.gradio-container .contain {${rule.cssText.slice(dark.length)}}`;
};

/**
 * Repeats our styles below Gradio's container. Where Gradio draws the page in the browser, it does so itself; where it
 * draws the page on the server, it does not.
 */
export const outweighGradio = () => {
  const textOf = (sheet) => sheet.ownerNode?.textContent ?? '';
  const own = [...document.styleSheets].find((sheet) => textOf(sheet).includes(OURS));
  if (!own || /\.gradio-container-[\d-]+ \.contain/.test(textOf(own))) return;
  const style = document.createElement('style');
  style.textContent = [...own.cssRules].map(heavier).join('\n');
  document.head.append(style);
};
