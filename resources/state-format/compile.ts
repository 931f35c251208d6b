/**
 * From a state document to what is wanted on the device.
 *
 * Comes in: a document (state.ts) and where things are on this device. Goes out: one spec per disk, volume, group and
 * container, the files of the revision, and everything of the manifests that later stages need; or the list of all
 * problems. Pantavisor's defaults are applied here, once, so that reconcilers see complete
 * specs. Pure: no file is read, so what a state refers to is looked up in the state itself.
 */
import type { Spec } from '../catalog.ts';
import type { ContainerSpec } from '../kinds/container.ts';
import type { GroupSpec } from '../kinds/group.ts';
import { type Ref, refOf } from '../ref.ts';
import { type CompiledBsp, compileBsp } from './compile-bsp.ts';
import { compileContainer } from './compile-container.ts';
import type { CompileContext } from './compile-context.ts';
import { compileDisks, type DiskCatalog } from './compile-disks.ts';
import { assignGroups, compileGroups, withMembers } from './compile-groups.ts';
import { type CompiledVolume, compileVolumes } from './compile-volumes.ts';
import { type ContainerManifests, readContainers } from './container-manifests.ts';
import { type Declarations, readDeclarations } from './declarations.ts';
import { capped, newReport, type Problem, type Report } from './problem.ts';
import type { StateDocument } from './state.ts';
import { definitionsOf, filesOf, type InlineFile, objectsOf, type TrailObject } from './trail.ts';

export type { CompileContext } from './compile-context.ts';

export interface CompiledState extends CompiledBsp {
  readonly revision: string;
  /** Of the document; see StateDocument. */
  readonly hash: string;
  /** Every disk, volume, group and container. Has no prototype. */
  readonly resources: Readonly<Record<Ref, Spec>>;
  /** Linked into the trail. Those whose path ends in `.bind` are copied, because containers write to them. */
  readonly objects: readonly TrailObject[];
  /** Inline JSON, written to the trail verbatim. */
  readonly files: readonly InlineFile[];
  readonly containers: readonly ContainerSpec[];
  readonly groups: readonly GroupSpec[];
  /** What was read, by container. Has no prototype. */
  readonly manifests: Readonly<Record<string, ContainerManifests>>;
  readonly device: Pick<Declarations, 'pools' | 'volumes'>;
}

export type Compiled =
  | { readonly ok: true; readonly state: CompiledState; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const compileState = (document: StateDocument, context: CompileContext): Compiled => {
  const report = newReport();
  const state = compile(document, context, report);
  return report.problems.length > 0
    ? { ok: false, problems: capped(report.problems) }
    : { ok: true, state, warnings: capped(report.warnings) };
};

/** The state as far as it could be compiled; `report` says whether it may be used. */
export const compile = (document: StateDocument, context: CompileContext, report: Report): CompiledState => {
  const declarations = readDeclarations(document, context.defaultGroups, report);
  const disks = compileDisks(declarations.disks, context.paths, report);
  const manifests = readContainers(document, report);
  const { containers, volumes, groups } = compileContainers(
    document,
    { declarations, disks, manifests },
    context,
    report,
  );
  return {
    revision: context.revision,
    hash: document.hash,
    resources: resourcesOf(usedDisks(disks, volumes), volumes, groups, containers),
    objects: objectsOf(document),
    files: filesOf(document),
    containers,
    groups,
    manifests: withoutPrototype(manifests.map((manifest) => [manifest.name, manifest])),
    device: { pools: declarations.pools, volumes: declarations.volumes },
    ...compileBsp(document, context.appengine, report),
  };
};

interface Parts {
  readonly declarations: Declarations;
  readonly disks: DiskCatalog;
  readonly manifests: readonly ContainerManifests[];
}

const compileContainers = (
  document: StateDocument,
  { declarations, disks, manifests }: Parts,
  context: CompileContext,
  report: Report,
): Pick<CompiledState, 'containers' | 'groups'> & { readonly volumes: readonly CompiledVolume[] } => {
  const groups = compileGroups(declarations, context.revision, context.goalsTimeoutSeconds);
  const membership = assignGroups(manifests, groups, declarations.isRunlevelMode, report);
  const services = new Set(context.hostedServices);
  for (const { name, owns } of manifests.flatMap(({ exports }) => exports)) services.add(name ?? owns ?? '');
  const pools = new Set(declarations.pools.keys());
  const input = {
    document,
    context,
    services,
    pools,
    definitions: definitionsOf(document),
    disks,
    report,
  };
  const containers: ContainerSpec[] = [];
  const volumes: CompiledVolume[] = [];
  for (const [order, manifest] of manifests.entries()) {
    const own = compileVolumes(manifest, input);
    const group = membership.get(manifest);
    volumes.push(...own);
    // A container without a group was reported.
    if (group !== undefined) containers.push(compileContainer(manifest, { order, group, volumes: own }, input));
  }
  return { containers, volumes, groups: withMembers(groups, manifests, membership) };
};

/** A disk that nobody needs is left alone, as Pantavisor does; one that cannot be had here is told all the same. */
const usedDisks = (
  { byName, always }: DiskCatalog,
  volumes: readonly CompiledVolume[],
): readonly (readonly [Ref, Spec])[] => {
  const used = new Set(volumes.map(({ spec }) => spec.disk));
  return [...new Set(byName.values())]
    .map((spec) => [refOf('disk', spec.name), spec] as const)
    .filter(([ref, spec]) => always.has(spec) || used.has(ref) || spec.unsupported !== undefined);
};

const resourcesOf = (
  disks: readonly (readonly [Ref, Spec])[],
  volumes: readonly CompiledVolume[],
  groups: readonly GroupSpec[],
  containers: readonly ContainerSpec[],
): Readonly<Record<Ref, Spec>> =>
  withoutPrototype<Spec, Ref>([
    ...disks,
    ...volumes.map(({ ref, spec }) => [ref, spec] as const),
    ...groups.map((spec) => [refOf('group', spec.name), spec] as const),
    ...containers.map((spec) => [refOf('container', spec.name), spec] as const),
  ]);

/** Names that people choose are keys here, `__proto__` among them. */
const withoutPrototype = <V, K extends string = string>(entries: Iterable<readonly [K, V]>): Readonly<Record<K, V>> => {
  const record: Record<string, V> = Object.create(null);
  for (const [key, value] of entries) record[key] = value;
  return record as Record<K, V>; // holds exactly the given keys
};
