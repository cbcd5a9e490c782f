// Runs before Gradio's scripts. Its status trackers count time a frame after the other, and the one that shows the start
// never stops: each open page took six per cent of a core for it. For counting, twice a second is often enough.

(() => {
  const request = window.requestAnimationFrame.bind(window);
  const countsTime = /** @param {Function} callback */ (callback) => /performance\.now\(\)\s*-/.test(String(callback));
  window.requestAnimationFrame = (callback) =>
    countsTime(callback) ? window.setTimeout(() => callback(performance.now()), 500) : request(callback);
})();
