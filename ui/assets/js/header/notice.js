// A short word at the foot of the page about something that was done, or could not be.

const SHOWN_FOR = 6000;
let hiding = null;

const toast = el('div', 'lk-toast');
toast.setAttribute('role', 'status');
drawn.append(toast);

const show = (className, ...content) => {
  clearTimeout(hiding);
  toast.className = `lk-toast shown ${className}`;
  toast.replaceChildren(...content);
  hiding = setTimeout(() => toast.classList.remove('shown'), SHOWN_FOR);
};

const draw = () => {
  const value = props.value || {};
  if (value.removed) {
    say('removed', { ids: [value.removed] });
    show('', icon('check'), el('span', '', phrase('notice.deleted')), nameOf(value.name));
  } else if (value.removed_all) {
    say('removed', { ids: value.removed_all });
    show('', icon('check'), el('span', '', phrase('notice.deleted_all', { count: value.count })));
  } else if (value.state === 'error') {
    show('bad', icon('warning'), el('b', '', phrase(`error.${value.kind}`)), el('span', '', said(value.detail)));
  }
};

hear('notice', (detail) => show(detail.bad ? 'bad' : '', icon(detail.bad ? 'warning' : 'check'), el('span', '', detail.text)));
watch('value', draw);
