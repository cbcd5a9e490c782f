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
    label('#query .upload-button', 'Choose a picture to search with');
    const input = find('#query input[type=file]');
    if (input) input.accept = 'image/*,.heic,.heif,.avif,.jp2,.tif,.tiff';
    document.querySelectorAll('#side button.label-wrap').forEach((node) => {
      node.setAttribute('aria-expanded', String(node.classList.contains('open')));
    });
  };

  const closeOnPhones = () => {
    if (window.innerWidth >= 768) return;
    document.querySelectorAll('#side button.label-wrap.open').forEach((node) => node.click());
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

  document.documentElement.lang = 'en';
  nameControls();
  closeOnPhones();
  document.addEventListener('click', () => setTimeout(nameControls, 60));
  document.addEventListener('focusin', nameControls);
  document.addEventListener('keydown', focusSearch);
  document.addEventListener('keydown', applyNumber);
}
