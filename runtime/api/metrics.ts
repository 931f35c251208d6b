/**
 * `GET /metrics`: the device in Prometheus' text format; docs/metrics.md lists every name.
 * All values are read off the snapshot at the scrape: between scrapes there is nothing to keep, and no timer.
 * Loaded by the first scrape.
 */
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import { isOfKind, nameOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { LogCount } from '../logging/queues.ts';
import type { ActionCount } from './action-tally.ts';
import { refsOf } from './conditions.ts';
import type { ApiDeps } from './ports.ts';
import { PHASES, type StatusView } from './status.ts';

export interface Scrape {
  readonly snapshot: Snapshot;
  readonly view: StatusView;
  readonly actions: readonly Readonly<ActionCount>[];
  readonly logs: readonly LogCount[];
  readonly nowMs: number;
  readonly wallTime: Date;
}

/** A page of metrics after each scrape. */
export const metricsPage = (names: Pick<ApiDeps, 'containerStatusName'>): ((scrape: Scrape) => Promise<string>) => {
  const registry = new Registry();
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });

  const resources = gauge('pantavisor_resources', 'Resources by kind and outcome.', ['kind', 'outcome']);
  const conditions = gauge('pantavisor_condition', 'Conditions: 1 true, 0 false, -1 unknown.', ['type']);
  const phase = gauge('pantavisor_update_phase', '1 for the phase that the update is in.', ['phase']);
  const failed = gauge('pantavisor_failed_revisions', 'Revisions that were given up and are still stored.');
  const status = gauge('pantavisor_container_status', '1 for the status of each container.', [
    'container',
    'group',
    'status',
  ]);
  const retries = gauge('pantavisor_container_retries', 'Automatic restarts in a row.', ['container']);
  const started = gauge('pantavisor_container_start_time_seconds', 'Start of the running container, Unix time.', [
    'container',
  ]);
  const actions = counter('pantavisor_actions_total', 'Actions by result: done, or the code of the refusal.', [
    'action',
    'result',
  ]);
  const seconds = counter('pantavisor_action_seconds_total', 'Time that actions took.', ['action', 'result']);
  const logged = counter('pantavisor_log_records_total', 'Log records that came in.', ['platform']);
  const lost = counter('pantavisor_log_records_lost_total', 'Log records that came faster than they can be written.', [
    'platform',
  ]);
  const utilization = gauge(
    'pantavisor_event_loop_utilization',
    'Share of time the event loop was busy since the last scrape.',
  );
  const resident = gauge('process_resident_memory_bytes', 'Resident memory.');
  const heap = gauge('pantavisor_heap_used_bytes', 'JavaScript heap in use.');
  const cpu = counter('process_cpu_seconds_total', 'User and system CPU time.');
  const begun = gauge('process_start_time_seconds', 'Start of the daemon, Unix time.');

  let utilized = performance.eventLoopUtilization();
  const ofDevice = ({ view }: Scrape): void => {
    for (const metric of [resources, conditions, phase, status, retries, started]) metric.reset();
    for (const { kind, outcome } of view.resources) resources.inc({ kind, outcome });
    for (const { type, status: holds } of view.conditions) {
      conditions.set({ type }, holds === 'True' ? 1 : holds === 'False' ? 0 : -1);
    }
    for (const one of PHASES) phase.set({ phase: one }, one === view.phase ? 1 : 0);
    failed.set(view.failed.length);
  };
  const ofContainers = ({ snapshot, nowMs, wallTime }: Scrape): void => {
    for (const ref of refsOf(snapshot)) {
      if (!isOfKind('container', ref)) continue;
      const { spec, status: observed } = resourceIn(snapshot, ref);
      const container = nameOf(ref);
      const group = spec === undefined ? '' : nameOf(spec.group);
      status.set({ container, group, status: names.containerStatusName(ref, snapshot) }, 1);
      if (observed === undefined) continue;
      retries.set({ container }, observed.retries);
      if (observed.phase !== 'running') continue;
      started.set({ container }, (wallTime.getTime() - (nowMs - observed.run.startedAtMs)) / 1000);
    }
  };
  const ofProcess = ({ wallTime }: Scrape): void => {
    const since = performance.eventLoopUtilization(utilized);
    utilized = performance.eventLoopUtilization();
    utilization.set(since.utilization);
    const { rss, heapUsed } = process.memoryUsage();
    resident.set(rss);
    heap.set(heapUsed);
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    begun.set(Math.round(wallTime.getTime() / 1000 - process.uptime()));
  };
  const ofActions = ({ actions: counts }: Scrape): void => {
    actions.reset();
    seconds.reset();
    for (const { action, result, count, seconds: taken } of counts) {
      actions.inc({ action, result }, count);
      seconds.inc({ action, result }, Math.max(0, taken));
    }
  };
  const ofLogs = ({ logs }: Scrape): void => {
    logged.reset();
    lost.reset();
    for (const { platform, received, lost: gone } of logs) {
      logged.inc({ platform }, received);
      lost.inc({ platform }, gone);
    }
  };

  return (scrape) => {
    ofDevice(scrape);
    ofContainers(scrape);
    ofProcess(scrape);
    ofActions(scrape);
    ofLogs(scrape);
    return registry.metrics();
  };
};
