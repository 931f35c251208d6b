/** Runs a device that has a lamp, and prints what became of it. */
import { doneText, stepText } from './reconcilers/kinds.ts';
import { whyHopeless } from './reconcilers/trial.ts';
import type { Spec } from './resources/catalog.ts';
import { stall } from './resources/plan.ts';
import type { Ref } from './resources/ref.ts';
import { statusView } from './runtime/api/status.ts';
import { EMPTY_TIMELINE } from './runtime/api/status-timeline.ts';
import { sentenceOf } from './runtime/history/entry-sentence.ts';
import { aRig } from './test/scenarios/rig.ts';
import { settled } from './test/scenarios/settled.ts';
import { aState } from './test/state-builder.ts';

const LAMP = 'lamp/hall' as const;
const rig = await aRig();
await rig.run(aState().container('web'));
const { loop, history } = rig.device;
const run = loop.latest().desired;
const web = run['container/web'] as Spec<'container'>;
const want = (desired: Readonly<Record<Ref, Spec>>): void =>
  loop.tell({ type: 'desired.changed', revision: 'with a lamp', desired });

const waits: string[] = [];
loop.snapshots.subscribe(({ plans }) => {
  for (const ref of ['container/web', LAMP] as const) {
    const plan = plans[ref];
    const text = plan?.outcome === 'waiting' ? `${ref} waits for ${plan.on.join(', ')}: ${plan.reason}` : undefined;
    if (text !== undefined && /lamp/.test(text) && waits.at(-1) !== text) waits.push(text);
  }
});

// The container depends on a lamp that nobody has lit yet.
want({ ...run, 'container/web': { ...web, definition: 'another', dependsOn: [LAMP] } });
await rig.until(() => waits.length > 0);
const dark = rig.statusOf('web');
want({ ...run, [LAMP]: { name: 'hall' }, 'container/web': { ...web, definition: 'another', dependsOn: [LAMP] } });
await rig.until(() => rig.statusOf('web') === 'STARTED' || rig.statusOf('web') === 'READY');
// Somebody puts it out.
let wentDark = false;
const watching = loop.snapshots.subscribe(({ observed }) => {
  wentDark ||= observed[LAMP] === undefined;
});
await settled(rig.host, rig.host.operator.files.remove('/run/pantavisor/lamps/hall'));
await rig.until(() => wentDark && loop.latest().observed[LAMP] !== undefined);
watching.unsubscribe();
await rig.rest();
const lit = loop.latest();
const status = statusView(
  lit,
  EMPTY_TIMELINE,
  { nowMs: 0, wallTime: new Date(0) },
  {
    containerStatusName: () => 'STARTED',
    groupStatusName: () => 'READY',
  },
);
// Nothing is wanted any more.
const { 'container/web': _, [LAMP]: __, ...rest } = lit.desired;
want(rest);
await rig.until(() => loop.latest().observed[LAMP] === undefined);

const told = (await settled(rig.host, history.entries()))
  .filter(({ ref }) => ref === LAMP)
  .map((entry) => sentenceOf(entry, doneText));
const stuck = { ...lit, plans: { ...lit.plans, [LAMP]: stall('it is broken') } };
console.log(
  JSON.stringify({
    waits,
    dark,
    kinds: [...new Set(status.resources.map(({ kind }) => kind))],
    told,
    step: stepText({ type: 'lamp.light', ref: LAMP }),
    hopeless: whyHopeless(stuck, 0)?.detail,
    containerWasThere: rig.phaseOf('web') !== undefined,
    bugs: rig.bugs.map(String),
  }),
);
