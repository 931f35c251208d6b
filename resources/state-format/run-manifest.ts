/** `<container>/run.json`: how a container is run. */
import { z } from 'zod';
import { NameText, OptionText } from '../short-text.ts';
import { RestartPolicyText, StatusGoalText } from './group-manifest.ts';
import { LogManifest } from './log-manifest.ts';
import { ANY, LEFT_OUT, type Leniency, REFUSED } from './manifest.ts';
import { NETWORK_LENIENCIES, NetworkManifest } from './network-manifest.ts';
import { RecoveryManifest, recoveryLeniencies } from './recovery-manifest.ts';
import { RequirementsManifest } from './services-manifest.ts';
import { isRelativePath } from './state-key.ts';
import { StorageManifest, storageLeniencies } from './storage-manifest.ts';
import { VolumeNameText } from './volume-name.ts';

const aliases = (description: string) => z.array(z.string()).optional().describe(description);

export const RunManifest = z.looseObject({
  '#spec': z.unknown().optional(),
  name: NameText.describe('Name of the container: the same as its directory.'),
  type: NameText.optional().describe('lxc; may be absent when the goal is MOUNTED.'),
  runlevel: z
    .enum(['data', 'root', 'platform', 'app'])
    .optional()
    .describe('Deprecated: joins the group of that name.'),
  automodfw: z.enum(['yes', 'no']).optional().describe('no: /lib/firmware and /lib/modules are not bound.'),
  group: NameText.optional(),
  restart_policy: RestartPolicyText.optional(),
  status_goal: StatusGoalText.optional(),
  roles: z
    .array(z.enum(['mgmt', 'nobody']))
    .optional()
    .describe('Absent: mgmt.'),
  auto_recovery: RecoveryManifest.optional(),
  network: NetworkManifest.optional(),
  config: OptionText.refine(isRelativePath, { error: 'a path relative to the directory of the container' })
    .optional()
    .describe('LXC configuration file.'),
  share: z.unknown().optional(),
  'root-volume': VolumeNameText.optional(),
  volumes: z.array(VolumeNameText).optional(),
  logs: z.array(LogManifest).optional(),
  storage: StorageManifest.optional(),
  drivers: z
    .looseObject({
      required: aliases('Loaded before the start, which fails without them.'),
      optional: aliases('Loaded before the start.'),
      manual: aliases('Loaded on request.'),
    })
    .optional(),
  services: RequirementsManifest.optional(),
  exports: z.array(z.string()).optional().describe('Paths offered to other containers below /exports.'),
  'dev-log': z.boolean().optional().describe('Whether /dev/log leads to the log server; default PV_LOG_AUTO_DEVLOG.'),
});
export type RunManifest = z.output<typeof RunManifest>;

export const RUN_LENIENCIES: readonly Leniency[] = [
  { at: ['runlevel'], instead: (value) => (typeof value === 'string' ? LEFT_OUT : REFUSED) },
  { at: ['automodfw'], instead: (value) => (typeof value === 'string' ? 'yes' : REFUSED) },
  { at: ['roles', ANY], instead: () => LEFT_OUT },
  { at: ['dev-log'], instead: () => LEFT_OUT },
  ...recoveryLeniencies(),
  ...NETWORK_LENIENCIES,
  ...storageLeniencies('storage'),
];
