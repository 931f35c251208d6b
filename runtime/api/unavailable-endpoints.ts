/** Endpoints of features that this device has not got: they answer as on a Pantavisor without them. */
import { type ApiRequest, type Endpoint, json, look, type Operation } from '../http/operation.ts';
import { accepted, document, failure, type Reply } from '../http/reply.ts';

const put = (path: string, summary: string, handle: Operation['handle'], body?: Operation['body']): Endpoint => ({
  path,
  role: 'mgmt',
  methods: { PUT: { summary, ...(body === undefined ? {} : { body }), answers: { 200: 'nothing' }, handle } },
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
  look('/drivers', 'Managed drivers of the container that asks: none', 'Drivers', () => document({})),
  put('/drivers/load', 'Load them', accepted),
  put('/drivers/unload', 'Unload them', accepted),
  put('/drivers/{driver}/load', 'Load one of them', oneDriver),
  put('/drivers/{driver}/unload', 'Unload one of them', oneDriver),
  look('/daemons', 'Helper daemons: none', 'Daemons', () => document([])),
  put('/daemons/{daemon}', 'Start or stop a helper daemon', () => failure(404, 'Daemon not found'), 'DaemonOrder'),
  {
    path: '/xconnect-graph',
    role: 'mgmt',
    methods: {
      GET: {
        summary: 'Services between containers: not there',
        answers: { 404: json('Error') },
        handle: () => failure(404, 'xconnect not enabled at build time'),
      },
    },
  },
  look('/wakelocks', 'What keeps the device awake: nothing', 'Wakelocks', () => document(WAKELOCKS)),
];
