/** Finds the containers of a state and reads their manifests. */
import { placeOf } from './declarations.ts';
import { type Place, readManifest } from './manifest.ts';
import { containerNameFault } from './name.ts';
import { pathOf, problemAt, type Report } from './problem.ts';
import { RUN_LENIENCIES, RunManifest } from './run-manifest.ts';
import { type Export, SERVICES_FORMS, SERVICES_LENIENCIES } from './services-manifest.ts';
import type { StateDocument } from './state.ts';
import { isSkippedKey } from './state-key.ts';

/** A container's own manifests as read. */
export interface ContainerManifests {
  readonly name: string;
  /** Of its run.json. */
  readonly key: string;
  readonly run: RunManifest;
  /** From its services.json. */
  readonly exports: readonly Export[];
}

/** `<directory>/run.json`, one level deep: other files of that name are just files. */
const RUN_KEY = /^([^/]+)\/run\.json$/;

export const readContainers = (document: StateDocument, report: Report): readonly ContainerManifests[] => {
  const containers: ContainerManifests[] = [];
  const byLowerCase = new Map<string, string>();
  for (const key of document.entries.keys()) {
    const directory = RUN_KEY.exec(key)?.[1];
    if (directory === undefined || directory === 'bsp' || isSkippedKey(key)) continue;
    const place = placeOf(document, key);
    if (isNameless(place.value)) continue;
    checkDirectory(directory, key, byLowerCase, report);
    const run = readManifest(RunManifest, place, RUN_LENIENCIES, report);
    if (run === undefined) continue;
    checkName(run.name, directory, key, report);
    containers.push({ name: directory, key, run, exports: readServices(document, directory, report) });
  }
  return containers;
};

/** `{}`, with a `#spec` or without, declares no container. */
const isNameless = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).every((key) => key === '#spec');

const checkDirectory = (directory: string, key: string, byLowerCase: Map<string, string>, report: Report): void => {
  const fault = containerNameFault(directory);
  if (fault !== undefined) report.problems.push(problemAt(pathOf(key), directory, fault));
  const twin = byLowerCase.get(directory.toLowerCase());
  if (twin === undefined) byLowerCase.set(directory.toLowerCase(), directory);
  else {
    const expected = `a name that differs from ${JSON.stringify(twin)} in more than upper and lower case`;
    report.problems.push(problemAt(pathOf(key), directory, expected));
  }
};

const checkName = (name: string, directory: string, key: string, report: Report): void => {
  if (name === directory) return;
  const expected = `${JSON.stringify(directory)}, the directory of this run.json`;
  report.problems.push(problemAt(pathOf(key, ['name']), name, expected));
};

const readServices = (document: StateDocument, directory: string, report: Report): readonly Export[] => {
  const key = `${directory}/services.json`;
  if (!document.entries.has(key)) return [];
  const place: Place = placeOf(document, key);
  if (Array.isArray(place.value)) {
    return readManifest(SERVICES_FORMS.list, place, SERVICES_LENIENCIES.list, report) ?? [];
  }
  return readManifest(SERVICES_FORMS.object, place, SERVICES_LENIENCIES.object, report)?.services ?? [];
};
