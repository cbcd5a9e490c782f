() => {
  // Things that Gradio's own components leave to the page: names for screen readers, keys, small screens.
  const FIELDS = 'INPUT|TEXTAREA|SELECT';
  const find = (selector) => document.querySelector(selector);

  const label = (selector, text) => {
    const node = find(selector);
    if (node && node.getAttribute('aria-label') !== text) node.setAttribute('aria-label', text);
  };

  const nameControls = () => {
    label('#query textarea', 'Describe a picture');
    label('#query .submit-button', 'Search');
    label('#accuracy', 'Accuracy');
    label('#query .upload-button', 'Choose a picture to search with');
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

  // Between the search box and the pictures lie all the settings.
  const addSkipLink = () => {
    const link = document.createElement('a');
    link.className = 'lk-skip';
    link.href = '#results';
    link.textContent = 'Skip to the pictures';
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

  document.documentElement.lang = 'en';
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
