/** The status page's script: draws the document of each event. It writes text only, never markup. */
import { KIND_NAMES } from '../../resources/catalog.ts';

export const STATUS_SCRIPT = `
const make = (tag, text, className) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};
const at = (id) => document.getElementById(id);
const elapsed = (from, to) => {
  const seconds = Math.max(0, Math.round((to - Date.parse(from)) / 1000));
  if (seconds < 60) return seconds + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min ' + (seconds % 60) + ' s';
  if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ' + Math.floor((seconds % 3600) / 60) + ' min';
  return Math.floor(seconds / 86400) + ' d ' + Math.floor((seconds % 86400) / 3600) + ' h';
};
const tone = (resource) => {
  if (resource.attempts > 0 || resource.outcome === 'stalled' || resource.state === 'RECOVERING') return 'bad';
  if (resource.outcome === 'converged') return resource.state === 'STOPPED' ? 'calm' : 'good';
  return 'busy';
};
const since = (time) => {
  const cell = make('td', undefined, 'since');
  cell.dataset.since = time;
  return cell;
};
const state = (resource) => {
  const cell = make('td');
  cell.append(make('span', resource.state, 'state ' + tone(resource)));
  return cell;
};
const conditionTone = ({ type, status }) => {
  if (status === 'Unknown') return 'calm';
  if (type === 'Converged') return status === 'True' ? 'good' : 'busy';
  if (type === 'Degraded') return status === 'True' ? 'bad' : 'good';
  return status === 'True' ? 'busy' : 'calm';
};
const condition = (one) => {
  const card = make('div', undefined, 'condition ' + conditionTone(one));
  card.append(make('b', one.type + ': ' + one.status), make('span', one.reason, 'word'), make('p', one.message));
  return card;
};
const containerRow = (one, isFirst) => {
  const row = make('tr', undefined, isFirst ? 'first' : '');
  row.append(make('td', isFirst ? one.group || 'no group' : '', 'group'), make('td', one.name, 'name'), state(one),
    make('td', one.goal || '', 'goal'), since(one.since), make('td', one.reason, 'reason'));
  return row;
};
const otherRow = (one) => {
  const row = make('tr');
  const action = one.lastAction ? one.lastAction.type + ' (' + one.lastAction.result + ')' : '';
  row.append(make('td', one.ref, 'name'), state(one), since(one.since), make('td', action, 'goal'), make('td', one.reason, 'reason'));
  return row;
};
let offset = 0;
const tick = () => {
  const now = Date.now() + offset;
  for (const cell of document.querySelectorAll('[data-since]')) cell.textContent = elapsed(cell.dataset.since, now);
};
const draw = (view) => {
  offset = Date.parse(view.time) - Date.now();
  at('revision').textContent = view.revision ?? 'no revision yet';
  at('phase').textContent = view.phase + (view.trial ? ', else back to ' + view.trial.fallback : '');
  at('count').textContent = view.progress.converged + ' of ' + view.progress.total + ' as desired';
  at('bar').max = Math.max(1, view.progress.total);
  at('bar').value = view.progress.converged;
  at('conditions').replaceChildren(...view.conditions.map(condition));
  const kinds = ${JSON.stringify(KIND_NAMES)};
  const place = (one) => one.order ?? Number.MAX_SAFE_INTEGER;
  const resources = Object.values(view.resources).sort((a, b) =>
    kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || place(a) - place(b) || (a.ref < b.ref ? -1 : 1));
  const order = resources.filter((one) => one.kind === 'group').map((one) => one.name);
  const rank = (one) => { const found = order.indexOf(one.group); return found < 0 ? order.length : found; };
  const containers = resources.filter((one) => one.kind === 'container').sort((a, b) => rank(a) - rank(b));
  at('containers').replaceChildren(...containers.map((one, index) => containerRow(one, one.group !== containers[index - 1]?.group)));
  at('empty').hidden = containers.length > 0;
  at('others').replaceChildren(...resources.filter((one) => one.kind !== 'container').map(otherRow));
  at('failed').replaceChildren(...Object.values(view.failed).map((one) => make('li', one.revision + ': ' + one.message + '. ' + one.detail)));
  at('history').hidden = Object.keys(view.failed).length === 0;
  document.title = (view.revision ?? 'pantavisor') + ' · ' + view.phase;
  tick();
};
let view;
const step = (pointer) => pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
const apply = ({ op, path, value }) => {
  const parts = step(path);
  const last = parts.pop();
  if (last === undefined) { view = value; return; }
  const parent = parts.reduce((node, part) => node[part], view);
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (op === 'replace') parent[index] = value;
    else parent.splice(index, op === 'remove' ? 1 : 0, ...(op === 'add' ? [value] : []));
  } else if (op === 'remove') delete parent[last];
  else parent[last] = value;
};
const events = new EventSource('status/watch');
events.addEventListener('snapshot', ({ data }) => { view = JSON.parse(data); draw(view); });
events.addEventListener('patch', ({ data }) => { JSON.parse(data).forEach(apply); draw(view); });
events.onopen = () => { document.body.classList.remove('lost'); };
events.onerror = () => { document.body.classList.add('lost'); };
setInterval(tick, 1000);
`;
