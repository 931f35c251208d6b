/** Endpoints of features that this device has not got: they answer as on a Pantavisor without them (ctrl-api.md §11). */
import type { ApiRequest, Endpoint, Operation } from './operation.ts';
import { accepted, document, failure, type Reply } from './reply.ts';

const get = (path: string, summary: string, answer: () => Reply): Endpoint => ({
  path,
  role: 'mgmt',
  methods: { GET: { summary, answers: { 200: { type: 'application/json' } }, handle: answer } },
});

const put = (path: string, summary: string, handle: Operation['handle']): Endpoint => ({
  path,
  role: 'mgmt',
  methods: { PUT: { summary, answers: { 200: 'nothing' }, handle } },
});

/** Of nobody all drivers are loaded; one by its name is not known. The host has none, and is told nothing. */
const oneDriver = ({ caller }: ApiRequest): Reply =>
  caller === 'host' ? accepted() : failure(400, 'Error loading driver');

/** As Pantavisor shows a kernel that cannot be kept awake. */
const WAKELOCKS = {
  mode: 'locks',
  count: 0,
  degraded: true,
  autosleep: false,
  settling: false,
  polling: false,
  run_window: false,
  held: {
    boot: false,
    update: false,
    update_check: false,
    devmeta: false,
    usrmeta: false,
    shutdown: false,
    debug_shell: false,
    poll: false,
  },
};

export const absentEndpoints: readonly Endpoint[] = [
  // An object, sic, for a caller without drivers.
  get('/drivers', 'Managed drivers of the container that asks: none', () => document({})),
  put('/drivers/load', 'Load them', accepted),
  put('/drivers/unload', 'Unload them', accepted),
  put('/drivers/{driver}/load', 'Load one of them', oneDriver),
  put('/drivers/{driver}/unload', 'Unload one of them', oneDriver),
  get('/daemons', 'Helper daemons: none', () => document([])),
  put('/daemons/{daemon}', 'Start or stop a helper daemon', () => failure(404, 'Daemon not found')),
  get('/xconnect-graph', 'Services between containers', () => failure(404, 'xconnect not enabled at build time')),
  get('/wakelocks', 'What keeps the device awake: nothing', () => document(WAKELOCKS)),
];
