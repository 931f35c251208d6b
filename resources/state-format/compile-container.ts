/** One container: its manifests, its group and its volumes become the container that is wanted. */

import type { ContainerSpec } from '../kinds/container.ts';
import type { StatusGoal } from '../kinds/goal.ts';
import type { GroupSpec } from '../kinds/group.ts';
import { loggersOf, MAX_LOGGERS } from '../kinds/logger.ts';
import { trailPath } from '../paths.ts';
import { refOf } from '../ref.ts';
import type { CompileContext } from './compile-context.ts';
import type { CompiledVolume } from './compile-volumes.ts';
import type { ContainerManifests } from './container-manifests.ts';
import type { NetworkManifest } from './network-manifest.ts';
import { listOf, problemAt, type Report } from './problem.ts';
import { recoveryOf } from './recovery-manifest.ts';
import { serviceNameOf } from './services-manifest.ts';
import type { StateDocument } from './state.ts';

export interface ContainerInput {
  readonly document: StateDocument;
  readonly context: CompileContext;
  /** Names of all services that anybody offers. */
  readonly services: ReadonlySet<string>;
  readonly pools: ReadonlySet<string>;
  /** Canonical text of the entries that belong to each container. */
  readonly definitions: ReadonlyMap<string, string>;
  readonly report: Report;
}

export interface ContainerPlace {
  readonly order: number;
  readonly group: GroupSpec;
  readonly volumes: readonly CompiledVolume[];
}

export const compileContainer = (
  container: ContainerManifests,
  { order, group, volumes }: ContainerPlace,
  input: ContainerInput,
): ContainerSpec => {
  const { name, run } = container;
  const { context } = input;
  const trail = trailPath(context.paths, context.revision);
  const statusGoal = run.status_goal ?? group.statusGoal;
  const autoRecovery = recoveryOf(run.auto_recovery) ?? group.autoRecovery;
  const devLog = run['dev-log'] ?? context.devLogDefault;
  const reasons = reasonsAgainst(container, statusGoal, input);
  checkConfig(container, statusGoal, input);
  checkLogs(container, input);
  return {
    name,
    order,
    revision: context.revision,
    definition: context.sha256(input.definitions.get(name) ?? ''),
    group: refOf('group', group.name),
    statusGoal,
    restartPolicy: run.restart_policy ?? group.restartPolicy,
    roles: run.roles === undefined || run.roles.includes('mgmt') ? ['mgmt'] : [],
    volumes: volumes.map(({ ref }) => ref),
    directory: `${trail}/${name}`,
    loggers: loggersOf(run.logs),
    bindModulesAndFirmware: run.automodfw !== 'no',
    stopped: false,
    generation: 0,
    ...(autoRecovery === undefined ? {} : { autoRecovery }),
    ...(run.config === undefined ? {} : { configFile: `${trail}/${name}/${run.config}` }),
    ...(input.document.directories.has(`_config/${name}`) ? { configOverlay: `${trail}/_config/${name}` } : {}),
    ...(devLog === undefined ? {} : { devLog }),
    ...(reasons.length === 0 ? {} : { unsupported: reasons.join('; ') }),
  };
};

/** Why the container can never run as declared, each with what to do about it. */
const reasonsAgainst = (container: ContainerManifests, goal: StatusGoal, input: ContainerInput): readonly string[] => [
  ...(goal === 'MOUNTED' ? [] : [...lxcReasons(container), ...networkReasons(container.run.network, input.pools)]),
  ...serviceReasons(container, input.services),
];

const lxcReasons = ({ key, run: { type, config } }: ContainerManifests): readonly string[] => {
  const mounted = 'or give it "status_goal": "MOUNTED"';
  const reasons: string[] = [];
  if (type === undefined) reasons.push(`${key} has no type: add "type": "lxc", ${mounted}`);
  else if (type !== 'lxc') reasons.push(`${key} has type ${JSON.stringify(type)}: only "lxc" can be started`);
  if (config === undefined) {
    reasons.push(`${key} names no LXC configuration: add "config": "lxc.container.conf" and that file, ${mounted}`);
  }
  return reasons;
};

/** `pool` alone implies mode pool; mode pool without a pool configures nothing. */
const networkReasons = (network: NetworkManifest | undefined, pools: ReadonlySet<string>): readonly string[] => {
  const pool = network?.pool;
  if (pool === undefined) return [];
  if (!pools.has(pool)) return [`network pool ${pool} is unknown: declare it in device.json, network.pools`];
  return [`network pool ${pool}: not supported yet, use the host's network or a bridge in the LXC configuration`];
};

const serviceReasons = ({ key, run }: ContainerManifests, services: ReadonlySet<string>): readonly string[] => {
  const missing = (run.services?.required ?? []).map(serviceNameOf).filter((name) => !services.has(name));
  if (missing.length === 0) return [];
  const advice = 'add a container whose services.json does, or make it optional';
  return [`${key} requires service ${listOf(missing)}, which no container exports: ${advice}`];
};

const checkLogs = ({ key, run: { logs = [] } }: ContainerManifests, { report }: ContainerInput): void => {
  if (logs.length <= MAX_LOGGERS) return;
  const expected = `at most ${MAX_LOGGERS} files to follow; those after them are not`;
  report.warnings.push(problemAt(`${key}.logs`, `${logs.length} entries`, expected));
};

const checkConfig = ({ key, name, run }: ContainerManifests, goal: StatusGoal, input: ContainerInput): void => {
  if (run.config === undefined || input.document.entries.has(`${name}/${run.config}`)) return;
  const expected = `a file of the state, but it has no key ${JSON.stringify(`${name}/${run.config}`)}`;
  const fault = problemAt(`${key}.config`, run.config, expected);
  // Nobody reads the file of a container that is only mounted.
  (goal === 'MOUNTED' ? input.report.warnings : input.report.problems).push(fault);
};
