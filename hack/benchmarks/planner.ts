/** `node planner.ts KEYS`: times how long a large state takes to be understood and planned; prints JSON. */
import { createHash } from 'node:crypto';
import { reconcilers } from '../../reconcilers/index.ts';
import { refsIn } from '../../reconcilers/relations.ts';
import type { Plan } from '../../resources/plan.ts';
import { kindOf, type Ref } from '../../resources/ref.ts';
import type { Reconciler } from '../../resources/snapshot.ts';
import { EMPTY_SNAPSHOT, resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { canonicalJson } from '../../resources/state-format/canonical-json.ts';
import { revisionOf } from '../../runtime/device/revisions.ts';
import { changedPlans } from '../../runtime/engine/planning.ts';
import { reduce } from '../../runtime/engine/reducer.ts';
import { readHere } from '../../runtime/threads/state-reader.ts';

const KEYS_PER_CONTAINER = 25;
const WARM_CALLS = 20;

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

function stateOf(keys: number, version: number): Buffer {
  const state: Record<string, unknown> = { '#spec': 'pantavisor-service-system@1' };
  for (let index = 0; index < keys / KEYS_PER_CONTAINER; index += 1) {
    const name = `c${index}`;
    state[`${name}/lxc.container.conf`] = sha256(`conf ${name}`);
    state[`${name}/root.squashfs`] = sha256(`root ${name} ${index === 0 ? version : 0}`);
    state[`${name}/run.json`] = {
      '#spec': 'service-manifest-run@1',
      config: 'lxc.container.conf',
      group: 'platform',
      name,
      'root-volume': 'root.squashfs',
      storage: { 'lxc-overlay': { persistence: 'boot' } },
      type: 'lxc',
      volumes: [],
    };
    for (let file = 0; file < KEYS_PER_CONTAINER - 3; file += 1)
      state[`_config/${name}/etc/file${file}`] = sha256(`${name} ${file}`);
  }
  return Buffer.from(canonicalJson(state));
}

const context = {
  paths: {
    storage: '/storage',
    run: '/run/pv',
    logs: '/storage/logs',
    volumes: '/run/pv/volumes',
    config: '/run/pv/configs',
    media: '/run/pv/media',
    watch: '/storage/incoming',
    lxc: '/run/pv/lxc',
  },
  goalsTimeoutSeconds: 120,
  verityHandlers: true,
  appengine: true,
};

const plan = (ref: Ref, snapshot: Snapshot, nowMs: number): Plan => {
  const reconcile = reconcilers[kindOf(ref)] as Reconciler<never>; // the kind says which resources it takes
  return reconcile(resourceIn(snapshot, ref) as never, snapshot, nowMs);
};

const understand = (bytes: Buffer, before: Snapshot): Snapshot => {
  const { revision, desired } = revisionOf(readHere(bytes, { ...context, revision: 'locals/big' }));
  const snapshot = reduce(before, { type: 'desired.changed', revision, desired });
  const plans = changedPlans(refsIn(snapshot), snapshot, 0, plan);
  return reduce(snapshot, { type: 'resource.planned', plans });
};

function timed(bytes: Buffer, before: Snapshot): number {
  const beganAtMs = performance.now();
  understand(bytes, before);
  return performance.now() - beganAtMs;
}

const [old, next] = [stateOf(Number(process.argv[2]), 0), stateOf(Number(process.argv[2]), 1)];
const cold = timed(next, EMPTY_SNAPSHOT);
const running = understand(old, EMPTY_SNAPSHOT);
const warm = Array.from({ length: WARM_CALLS }, () => timed(next, running));
console.log(JSON.stringify({ cold, warm }));
