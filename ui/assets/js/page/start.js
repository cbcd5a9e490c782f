() => {
  // Things that Gradio's own components leave to the page: names for screen readers, keys, small screens.
  const FIELDS = 'INPUT|TEXTAREA|SELECT';
  const { language, languageOf, phrase } = window.likeness;
  const find = (selector) => document.querySelector(selector);

  const label = (selector, text) => {
    const node = find(selector);
    if (node && node.getAttribute('aria-label') !== text) node.setAttribute('aria-label', text);
  };

  // Gradio says these itself, and in English only.
  const sayAgain = () => {
    const submit = find('#query .submit-button');
    if (submit && submit.textContent.trim() !== phrase('form.search')) submit.textContent = phrase('form.search');
    document.querySelectorAll('#side input[aria-label]').forEach((node) => {
      const [, kind, name] = /^(number input|range slider) for (.*)$/.exec(node.getAttribute('aria-label')) || [];
      if (kind) node.setAttribute('aria-label', phrase(kind === 'number input' ? 'form.number_of' : 'form.slider_of', { name }));
    });
  };

  const nameControls = () => {
    sayAgain();
    label('#query [aria-label="Multimedia input field"]', phrase('form.box'));
    label('#query textarea', phrase('form.describe'));
    label('#query .submit-button', phrase('form.search'));
    label('#accuracy', phrase('form.accuracy'));
    label('#query .upload-button', phrase('form.choose'));
    const input = find('#query input[type=file]');
    if (input) input.accept = 'image/*,.heic,.heif,.avif,.jp2,.tif,.tiff';
    document.querySelectorAll('#side button.label-wrap').forEach((node) => {
      node.setAttribute('aria-expanded', String(node.classList.contains('open')));
      node.querySelector('.icon')?.setAttribute('aria-hidden', 'true');
    });
    // A list that also holds buttons is none to a screen reader.
    find('#query .thumbnails')?.setAttribute('role', 'group');
    document.querySelectorAll('#query .thumbnails [role=listitem]').forEach((node) => node.removeAttribute('role'));
  };

  const closeOnPhones = () => {
    if (window.innerWidth >= 768) return;
    document.querySelectorAll('#side button.label-wrap.open').forEach((node) => node.click());
  };

  // Whoever takes another language in Gradio's settings gets all of the page in it.
  const followSettings = () => {
    const html = document.documentElement;
    html.lang = language;
    new MutationObserver(() => {
      const chosen = languageOf(html.lang);
      if (chosen === language) return;
      const url = new URL(location.href);
      url.searchParams.set('lang', chosen);
      location.assign(url);
    }).observe(html, { attributes: true, attributeFilter: ['lang'] });
  };

  // Between the search box and the pictures lie all the settings.
  const addSkipLink = () => {
    const link = document.createElement('a');
    link.className = 'lk-skip';
    link.href = '#results';
    link.textContent = phrase('form.skip');
    link.addEventListener('click', (event) => {
      event.preventDefault(); // the address belongs to the search
      find('#results .lk-line')?.focus();
    });
    document.body.prepend(link);
  };

  const focusSearch = (event) => {
    const typing = FIELDS.includes(document.activeElement.tagName) || document.activeElement.isContentEditable;
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    if (document.querySelector('dialog[open]')) return;
    event.preventDefault();
    find('#query textarea')?.focus();
  };

  const applyNumber = (event) => {
    if (event.key === 'Enter' && event.target.matches?.('#side input[type=number]')) event.target.blur();
  };

  // Gradio takes a slider for released only when a pointer lets it go,
  const releaseSlider = (event) => {
    if (!/^(Arrow|Page|Home|End)/.test(event.key) || !event.target.matches?.('#side input[type=range]')) return;
    event.target.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
  };

  // and whenever its number is left: a visitor who only passes by asks for no search.
  let entered = null;
  const isNumber = ({ target }) => target.matches?.('#side input[type=number]');
  const enterNumber = (event) => {
    if (isNumber(event)) entered = event.target.value;
  };
  const leaveNumber = (event) => {
    if (isNumber(event) && event.target.value === entered) event.stopImmediatePropagation();
  };

  // A picture of a kind that browsers cannot show, or no picture at all, leaves an empty square.
  const hideUnreadable = ({ target }) => {
    if (target.matches?.('#query img')) target.style.visibility = 'hidden';
  };

  // Where Gradio draws the page in the browser, it repeats our styles below its container, so that they outweigh its own.
  // Where it draws the page on the server, it does not.
  const outweighGradio = () => {
    const own = [...document.styleSheets].find((sheet) => sheet.ownerNode.textContent.includes('--lk-gutter'));
    if (!own || /\.gradio-container-[\d-]+ \.contain/.test(own.ownerNode.textContent)) return;
    const repeated = (rule) => {
      if (rule.media) return `@media ${rule.media.mediaText} {${[...rule.cssRules].map(repeated).join('')}}`;
      if (!rule.selectorText) return '';
      const dark = rule.cssText.startsWith('.dark ') ? '.dark ' : '';
      return `${dark}.gradio-container.gradio-container .contain {${rule.cssText.slice(dark.length)}}`;
    };
    const style = document.createElement('style');
    style.textContent = [...own.cssRules].map(repeated).join('\n');
    document.head.append(style);
  };

  followSettings();
  outweighGradio();
  nameControls();
  addSkipLink();
  closeOnPhones();
  new MutationObserver(nameControls).observe(find('#query'), { childList: true, subtree: true });
  document.addEventListener('click', () => setTimeout(nameControls, 60));
  document.addEventListener('focusin', nameControls);
  document.addEventListener('keydown', focusSearch);
  document.addEventListener('keydown', applyNumber);
  document.addEventListener('error', hideUnreadable, true);
  document.addEventListener('keyup', releaseSlider);
  document.addEventListener('focusin', enterNumber);
  document.addEventListener('blur', leaveNumber, true);
}
