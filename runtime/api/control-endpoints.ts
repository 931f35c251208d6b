/** The endpoints of the control socket. */
import { DeviceError } from '../host/host.ts';
import { parseObject, readBody } from '../http/body.ts';
import { type ApiRequest, type Endpoint, json, look } from '../http/operation.ts';
import { accepted, document, failure, type Reply } from '../http/reply.ts';
import { buildInfoEndpoint } from './build-info.ts';
import { commandEndpoints } from './command-endpoints.ts';
import { configurationEndpoints } from './configuration-endpoints.ts';
import { containerList, listChangesAtMs, ownershipRefusal } from './container-list.ts';
import { groupList } from './group-list.ts';
import { healthy, readiness } from './health.ts';
import { historyEndpoints } from './history-endpoints.ts';
import { metadataEndpoints } from './metadata-endpoints.ts';
import { objectEndpoints } from './object-endpoints.ts';
import { perSnapshot } from './per-snapshot.ts';
import { planEndpoint } from './plan-endpoints.ts';
import { type ApiDeps, CONTROL_ACTIONS, type ControlAction } from './ports.ts';
import type { StatusSource } from './status-source.ts';
import { stepEndpoints } from './step-endpoints.ts';
import { stepList } from './step-list.ts';
import { storageEndpoints } from './storage-endpoints.ts';
import { absentEndpoints } from './unavailable-endpoints.ts';

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
  async ({ incoming, parameters }: ApiRequest): Promise<Reply> => {
    const name = parameters['container'] ?? '';
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
  (deps: ApiDeps, prefix: '' | 'locals/') =>
  async ({ parameters }: ApiRequest): Promise<Reply> => {
    const name = `${prefix}${parameters['revision']}`;
    const revision = name === 'current' ? deps.snapshot().revision : name;
    const progress = revision === undefined ? undefined : await deps.progress(revision);
    return progress === undefined ? failure(404, 'Resource does not exist') : document(progress);
  };

const containers = (deps: ApiDeps) =>
  perSnapshot(deps, (snapshot, nowMs) => ({
    body: containerList(snapshot, nowMs, deps),
    untilMs: listChangesAtMs(snapshot, nowMs),
  }));

const groups = (deps: ApiDeps) =>
  perSnapshot(deps, (snapshot) => ({ body: groupList(snapshot, deps), untilMs: Number.POSITIVE_INFINITY }));

const steps = (deps: ApiDeps) => async (): Promise<Reply> => {
  try {
    return document(stepList(await deps.steps()));
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    deps.report(error, 'GET /steps');
    return failure(500, "couldn't get device steps");
  }
};

/** What may be looked at; the same on the control socket and on the status page's listener. */
export const readOnlyEndpoints = (deps: ApiDeps, status: StatusSource): readonly Endpoint[] => [
  look('/status', 'What the device is, should be, and why it is not', 'Status', () => document(status.view())),
  {
    path: '/status/watch',
    role: 'mgmt',
    methods: {
      GET: {
        summary: 'The same as server-sent events: `snapshot` with a WatchDocument, then `patch` with a Patch',
        answers: { 200: { type: 'text/event-stream' } },
        handle: status.watch,
      },
    },
  },
  {
    path: '/metrics',
    role: 'mgmt',
    methods: {
      GET: {
        summary: "The device in Prometheus' text format",
        answers: { 200: { type: 'text/plain' } },
        handle: status.metrics,
      },
    },
  },
  {
    path: '/healthz',
    role: 'mgmt',
    methods: {
      GET: { summary: 'Whether the daemon is alive', answers: { 200: { type: 'text/plain' } }, handle: healthy },
    },
  },
  {
    path: '/readyz',
    role: 'mgmt',
    methods: {
      GET: {
        summary: 'Whether a revision is read and the device is as it wants it, else why not',
        answers: { 200: json('Readiness'), 503: json('Readiness') },
        handle: () => readiness(deps.snapshot()),
      },
    },
  },
  look('/containers', 'Containers of the running revision', 'ContainerList', containers(deps)),
  look('/groups', 'Its groups, in starting order', 'GroupList', groups(deps)),
  look('/steps', 'Installed revisions', 'StepList', steps(deps)),
  look('/steps/{revision}/progress', 'How far a revision is', 'Progress', getProgress(deps, '')),
  ...historyEndpoints(deps),
  look('/steps/locals/{revision}/progress', 'How far a local revision is', 'Progress', getProgress(deps, 'locals/')),
];

/** What changes something: on the control socket only. */
const orderEndpoints = (deps: ApiDeps): readonly Endpoint[] => [
  {
    path: '/containers/{container}',
    role: 'mgmt',
    methods: {
      PUT: {
        summary: 'Start, stop or restart a container whose restart policy is "container"',
        body: 'ControlOrder',
        answers: { 200: 'nothing' },
        handle: putContainer(deps),
      },
    },
  },
  {
    path: '/signal',
    role: 'any',
    methods: {
      POST: {
        summary: 'Tell about the container that asks: it is READY',
        body: 'Signal',
        answers: { 200: 'nothing' },
        handle: postSignal(deps),
      },
    },
  },
];

const deviceEndpoints = ({ report, ...deps }: ApiDeps): readonly Endpoint[] => [
  ...objectEndpoints(deps.objects, report),
  ...stepEndpoints(deps.installing, report),
  ...metadataEndpoints('user-meta', deps.userMeta, report),
  ...metadataEndpoints('device-meta', deps.deviceMeta, report),
  ...commandEndpoints(deps.commands),
  ...configurationEndpoints(deps.configuration),
  buildInfoEndpoint(deps.buildInfo),
  ...absentEndpoints,
];

export const controlEndpoints = (deps: ApiDeps, status: StatusSource): readonly Endpoint[] =>
  documented([
    ...readOnlyEndpoints(deps, status),
    planEndpoint(deps),
    ...orderEndpoints(deps),
    ...deviceEndpoints(deps),
    ...storageEndpoints(deps),
  ]);

/** The endpoints, and one that describes them all. */
export const documented = (endpoints: readonly Endpoint[]): readonly Endpoint[] => {
  const all: readonly Endpoint[] = [
    ...endpoints,
    look('/openapi.json', 'This description', 'OpenApi', async () => {
      const { describeControl } = await import('./control-openapi.ts');
      return document(describeControl(all));
    }),
  ];
  return all;
};
