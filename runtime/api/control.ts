/** The endpoints of the control socket (ctrl-api.md §5, §6, §9). */
import { parseObject, readBody } from './body.ts';
import { containerList, ownershipRefusal } from './container-list.ts';
import { type ApiDeps, CONTROL_ACTIONS, type ControlAction } from './deps.ts';
import type { ApiRequest, Endpoint } from './endpoint.ts';
import { groupList } from './group-list.ts';
import { accepted, document, failure, type Reply } from './reply.ts';
import type { StatusSource } from './status-source.ts';
import { stepList } from './step-list.ts';

const MAX_CONTROL_BYTES = 1024;
const MAX_SIGNAL_BYTES = 4096;

const isControlAction = (word: unknown): word is ControlAction => CONTROL_ACTIONS.some((action) => action === word);

/** The action a body asks for, or the refusal of the body. */
const actionIn = (body: string | undefined): ControlAction | Reply => {
  if (body === undefined) return failure(507, 'Not enough disk space available');
  if (body === '') return failure(400, 'No data');
  const members = parseObject(body);
  if (members === undefined) return failure(400, 'Invalid JSON');
  if (members['action'] === undefined) return failure(400, "Missing 'action' field");
  return isControlAction(members['action'])
    ? members['action']
    : failure(400, "Invalid action. Use 'start', 'stop', or 'restart'");
};

const putContainer =
  (deps: ApiDeps) =>
  async ({ incoming, segments }: ApiRequest): Promise<Reply> => {
    const name = segments[1] ?? '';
    const notOurs = ownershipRefusal(name, deps.snapshot());
    if (notOurs !== undefined) return failure(notOurs.status, notOurs.message);
    const action = actionIn(await readBody(incoming, MAX_CONTROL_BYTES));
    if (typeof action === 'object') return action;
    const { status, message } = await deps.control(name, action);
    return status === 200 ? accepted() : failure(status, message ?? 'Internal error');
  };

const postSignal =
  (deps: ApiDeps) =>
  async ({ incoming, caller }: ApiRequest): Promise<Reply> => {
    if (deps.snapshot().revision === undefined) return failure(500, 'State not loaded yet');
    const body = await readBody(incoming, MAX_SIGNAL_BYTES);
    const type = parseObject(body ?? '')?.['type'];
    if (typeof type !== 'string') return failure(400, 'Signal has bad format');
    const isExpected = type === 'ready' && caller !== 'host' && (await deps.signalReady(caller.container)) === 'ok';
    return isExpected ? accepted() : failure(500, 'Signal not expected from this platform');
  };

const getProgress =
  (deps: ApiDeps) =>
  async ({ segments }: ApiRequest): Promise<Reply> => {
    const name = segments.slice(1, -1).join('/');
    const revision = name === 'current' ? deps.snapshot().revision : name;
    const progress = revision === undefined ? undefined : await deps.progress(revision);
    return progress === undefined ? failure(404, 'Resource does not exist') : document(progress);
  };

const whenLoaded = (deps: ApiDeps, answer: () => object) => (): Reply =>
  deps.snapshot().revision === undefined ? failure(500, 'State not loaded yet') : document(answer());

const containers = (deps: ApiDeps) => whenLoaded(deps, () => containerList(deps.snapshot(), deps.nowMs(), deps));
const groups = (deps: ApiDeps) => whenLoaded(deps, () => groupList(deps.snapshot(), deps));

/** What may be looked at; the same on the control socket and on the status page's listener. */
export const readOnlyEndpoints = (deps: ApiDeps, status: StatusSource): readonly Endpoint[] => [
  { path: '/status', role: 'mgmt', methods: { GET: () => document(status.view()) } },
  { path: '/status/watch', role: 'mgmt', methods: { GET: status.watch } },
  { path: '/containers', role: 'mgmt', methods: { GET: containers(deps) } },
  { path: '/groups', role: 'mgmt', methods: { GET: groups(deps) } },
  { path: '/steps', role: 'mgmt', methods: { GET: async () => document(stepList(await deps.steps())) } },
  { path: '/steps/{}/progress', role: 'mgmt', methods: { GET: getProgress(deps) } },
  { path: '/steps/locals/{}/progress', role: 'mgmt', methods: { GET: getProgress(deps) } },
];

export const controlEndpoints = (deps: ApiDeps, status: StatusSource): readonly Endpoint[] => [
  ...readOnlyEndpoints(deps, status),
  { path: '/containers/{}', role: 'mgmt', methods: { PUT: putContainer(deps) } },
  { path: '/signal', role: 'any', methods: { POST: postSignal(deps) } },
];
