/** Groups, and which container is in which. */

import type { GroupSpec } from '../kinds/group.ts';
import { type Ref, refOf } from '../ref.ts';
import type { ContainerManifests } from './container-manifests.ts';
import type { Declarations } from './declarations.ts';
import type { GroupManifest } from './group-manifest.ts';
import { listOf, problemAt, type Report } from './problem.ts';
import { recoveryOf } from './recovery-manifest.ts';

/** Group by container; a container that is in none was reported. */
export type Membership = ReadonlyMap<ContainerManifests, GroupSpec>;

export const compileGroups = (
  { groups }: Declarations,
  revision: string,
  goalsTimeoutSeconds: number,
): readonly GroupSpec[] =>
  groups.map(({ manifest }, order) => groupSpec(manifest, order, revision, goalsTimeoutSeconds));

const groupSpec = (manifest: GroupManifest, order: number, revision: string, timeoutSeconds: number): GroupSpec => {
  const autoRecovery = recoveryOf(manifest.auto_recovery);
  return {
    name: manifest.name,
    order,
    revision,
    statusGoal: manifest.status_goal ?? 'STARTED',
    restartPolicy: manifest.restart_policy ?? 'container',
    timeoutSeconds: manifest.timeout ?? timeoutSeconds,
    ...(autoRecovery === undefined ? {} : { autoRecovery }),
    members: [],
  };
};

export const assignGroups = (
  containers: readonly ContainerManifests[],
  groups: readonly GroupSpec[],
  isRunlevelMode: boolean,
  report: Report,
): Membership => {
  const byName = new Map(groups.map((group) => [group.name, group]));
  const membership = new Map<ContainerManifests, GroupSpec>();
  const ungrouped = containers.filter((container) => !assignDeclared(container, byName, membership, report));
  if (ungrouped.length === 0 || groups.length === 0) return membership;
  if (isRunlevelMode) assignByRunlevel(ungrouped, byName, membership, report);
  else {
    for (const container of ungrouped) put(container, groups.at(-1), membership, report, 'the last group');
  }
  return membership;
};

/** True when the container names a group, even a wrong one. */
const assignDeclared = (
  container: ContainerManifests,
  groups: ReadonlyMap<string, GroupSpec>,
  membership: Map<ContainerManifests, GroupSpec>,
  report: Report,
): boolean => {
  const { group, runlevel } = container.run;
  const name = group ?? runlevel;
  if (name === undefined) return false;
  const key = group === undefined ? 'runlevel' : 'group';
  if (group !== undefined && runlevel !== undefined && group !== runlevel) {
    // Counting for two groups would let the earlier one wait for a member that the later one holds back.
    report.warnings.push(
      problemAt(`${container.key}.runlevel`, runlevel, 'no runlevel beside a group', 'it is ignored'),
    );
  }
  const spec = groups.get(name);
  if (spec !== undefined) membership.set(container, spec);
  else if (groups.size > 0) {
    report.problems.push(problemAt(`${container.key}.${key}`, name, `one of the groups ${listOf(groups.keys())}`));
  }
  return true;
};

const assignByRunlevel = (
  ungrouped: readonly ContainerManifests[],
  groups: ReadonlyMap<string, GroupSpec>,
  membership: Map<ContainerManifests, GroupSpec>,
  report: Report,
): void => {
  const hasRoot = [...membership.values()].some(({ name }) => name === 'root');
  const [first, ...rest] = ungrouped;
  if (first === undefined) return;
  if (hasRoot) put(first, groups.get('platform'), membership, report);
  else put(first, groups.get('root'), membership, report, 'no container is in the group root, so this one');
  for (const container of rest) put(container, groups.get('platform'), membership, report);
};

/** `surprise`: said in a warning, because the author may have expected something else. */
const put = (
  container: ContainerManifests,
  group: GroupSpec | undefined,
  membership: Map<ContainerManifests, GroupSpec>,
  report: Report,
  surprise?: string,
): void => {
  const path = `${container.key}.group`;
  if (group === undefined) {
    report.problems.push(problemAt(path, undefined, 'a group, because the default groups lack root or platform'));
    return;
  }
  membership.set(container, group);
  if (surprise !== undefined) {
    report.warnings.push(problemAt(path, undefined, 'the name of a group', `it goes to ${group.name}: ${surprise}`));
  }
};

/** The groups with their members, both in order. */
export const withMembers = (
  groups: readonly GroupSpec[],
  containers: readonly ContainerManifests[],
  membership: Membership,
): readonly GroupSpec[] => {
  const members = new Map<string, Ref<'container'>[]>(groups.map(({ name }) => [name, []]));
  for (const container of containers) {
    members.get(membership.get(container)?.name ?? '')?.push(refOf('container', container.name));
  }
  return groups.map((group) => ({ ...group, members: members.get(group.name) ?? [] }));
};
