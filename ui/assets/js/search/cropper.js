// The dialog in which a rectangle of a picture is chosen, with the pointer or in numbers.

const SIDES = ['left', 'top', 'width', 'height']; // in the order in which a crop lists them, as fractions
const WHOLE = [0, 0, 1, 1];
const SMALLEST = 0.01;

const createCropper = () => {
  let crop = WHOLE;
  let from = null; // where the pointer went down
  let apply = () => {};

  const dialog = el('dialog', 'lk-dialog lk-crop');
  dialog.setAttribute('aria-label', phrase('crop.title'));
  const image = el('img');
  image.alt = '';
  image.draggable = false;
  const frame = el('div', 'lk-crop-frame');
  const stage = el('div', 'lk-crop-stage');
  const problem = el('p', 'lk-small', phrase('crop.unshown'));
  const canvas = el('div', 'lk-crop-canvas');
  canvas.append(image, frame);
  stage.append(canvas, problem);

  const fields = SIDES.map((side, place) => {
    const label = el('label', '', phrase(`crop.side.${side}`));
    const input = el('input');
    input.type = 'number';
    input.min = 0;
    input.max = 100;
    input.step = 1;
    input.addEventListener('input', () => {
      const share = Number(input.value) / 100;
      if (input.value !== '' && Number.isFinite(share)) take(crop.map((each, which) => (which === place ? share : each)), place);
    });
    label.append(input);
    return { label, input };
  });

  const numbers = el('div', 'lk-crop-fields');
  numbers.append(...fields.map((field) => field.label));
  const actions = el('div', 'lk-actions');
  const use = button('lk-button primary', phrase('crop.use'), () => done(isWhole() ? null : crop));
  actions.append(use, button('lk-button', phrase('crop.whole'), () => done(null)), button('lk-button', phrase('common.cancel'), () => dialog.close()));
  dialog.append(el('h2', '', phrase('crop.head')), stage, numbers, actions);
  element.append(dialog);

  const isWhole = () => crop.every((each, place) => each === WHOLE[place]);

  const done = (chosen) => {
    dialog.close();
    apply(chosen);
  };

  const within = (value, lowest, highest) => Math.min(highest, Math.max(lowest, value));

  // Always inside the picture; a field that is being typed into keeps what is typed.
  const take = ([left, top, width, height], typed = null) => {
    const x = within(left, 0, 1 - SMALLEST);
    const y = within(top, 0, 1 - SMALLEST);
    crop = [x, y, within(width, SMALLEST, 1 - x), within(height, SMALLEST, 1 - y)].map((each) => Math.round(each * 1000) / 1000);
    SIDES.forEach((side, place) => {
      frame.style[side] = `${100 * crop[place]}%`;
      if (place !== typed) fields[place].input.value = String(Math.round(1000 * crop[place]) / 10);
    });
  };

  const pointIn = (event) => {
    const box = image.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width, 0, 1), within((event.clientY - box.top) / box.height, 0, 1)];
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    from = pointIn(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!from) return;
    const [x, y] = pointIn(event);
    take([Math.min(x, from[0]), Math.min(y, from[1]), Math.abs(x - from[0]), Math.abs(y - from[1])]);
  });
  for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { from = null; });
  image.addEventListener('load', () => { canvas.hidden = false; problem.hidden = true; });
  image.addEventListener('error', () => { canvas.hidden = true; problem.hidden = false; });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });

  return {
    open(url, now, onChosen) {
      apply = onChosen;
      problem.hidden = true;
      image.src = url;
      take(now || WHOLE);
      dialog.showModal();
      fields[0].input.focus();
    },
  };
};
