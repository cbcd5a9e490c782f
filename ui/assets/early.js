// Runs before Gradio's scripts. Its status trackers count time a frame after the other, and the one that shows the start
// never stops: each open page took six per cent of a core for it. For counting, twice a second is often enough.

(() => {
  const request = window.requestAnimationFrame.bind(window);
  const countsTime = /** @param {Function} callback */ (callback) => /performance\.now\(\)\s*-/.test(String(callback));
  window.requestAnimationFrame = (callback) =>
    countsTime(callback) ? window.setTimeout(() => callback(performance.now()), 500) : request(callback);
})();

// Gradio's login page says the same of whatever went wrong; the answer to it says what it was.
(() => {
  const request = window.fetch.bind(window);
  const isSignIn = /** @param {RequestInfo | URL} input @param {RequestInit} [options] */ (input, options) =>
    options?.method === 'POST' && new URL(String(input), document.baseURI).pathname.endsWith('/login');
  const tell = /** @param {string} sentence */ (sentence) => {
    const place = document.querySelector('.lk-said');
    if (!place) return;
    place.textContent = sentence;
    document.documentElement.classList.add('lk-told');
  };
  window.fetch = async (input, options) => {
    const answer = await request(input, options);
    if (isSignIn(input, options) && !answer.ok) {
      const told = await answer
        .clone()
        .json()
        .catch(() => ({}));
      tell(told.detail || '');
    }
    return answer;
  };
})();
