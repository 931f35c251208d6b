/**
 * Every state that the update machine can come to: breadth first from a device that runs well, over everything that
 * somebody may propose, whether what runs is any good, and what may happen at each write. States are told apart by all
 * that is on the storage, so that each is left only once. How often somebody proposes something is bounded.
 */
import type { Action } from '../../resources/action.ts';
import { defectOf } from './defect.ts';
import {
  type Daemon,
  look,
  perform,
  propose,
  RUN,
  type Run,
  run,
  STATES,
  start,
  WORLDS,
  type Work,
  type World,
} from './machine.ts';
import { bootVariablesIn, digestOf, type Tree, withoutBelow } from './tree.ts';

export interface State {
  readonly id: string;
  readonly tree: Tree;
  /** undefined: none lives. */
  readonly daemon: Daemon | undefined;
  /** How often somebody may still propose something. */
  readonly proposals: number;
}

export interface Step {
  readonly from: string;
  readonly to: string;
  readonly told: string;
  /** Somebody asked for a revision again: what became of it before is forgotten on purpose. */
  readonly asks?: string;
}

export interface Exploration {
  readonly states: ReadonlyMap<string, State>;
  readonly steps: readonly Step[];
  readonly cutPoints: number;
  /** Undisturbed, in a world that stays as it is: where it comes from a state. */
  readonly onward: ReadonlyMap<string, Readonly<Partial<Record<World, string>>>>;
}

/**
 * What decides nothing is not told apart: directories, logs, what is written once and never read, and how much of a
 * trail is installed, as long as it is not all of it; installing completes whatever it finds.
 */
const digestOfState = (tree: Tree): string => {
  const whole = Object.keys(STATES).filter((revision) => defectOf(tree, revision) === undefined);
  const isCounted = (path: string): boolean => /^(boot|run)\/|\/\.pv\/|^trails\/current$|\/\.pvr\/json$/.test(path);
  return `${whole.join(' ')} ${digestOf(tree, isCounted)}`;
};

const stateOf = (tree: Tree, proposals: number, daemon?: State['daemon']): State => {
  const who = daemon === undefined ? 'nobody' : `asked for ${daemon.wanted}, refused ${daemon.refused}`;
  return { id: `${who}, ${proposals} left, ${digestOfState(tree)}`, tree, proposals, daemon };
};

/** The daemon is gone: what it wrote is of another session. */
const abandoned = (tree: Tree): Tree => {
  const path = `${RUN}ledger/update/device.json`;
  const entry = tree.get(path);
  if (entry === undefined || entry === 'directory' || entry.type !== 'file') return tree;
  const content = Buffer.from(entry.content.toString().replace('"session":"live"', '"session":"dead"'));
  return new Map(tree).set(path, { ...entry, content });
};

/** Something that the daemon does: from which state, and what the state is when it is done. */
interface Deed {
  readonly from: State;
  readonly work: Work;
  readonly told: string;
  readonly next: (tree: Tree) => State;
  readonly asks?: string;
  /** What the daemon knows it as, when it is refused. */
  readonly refused?: Action['type'];
}

const lastOf = ({ trees }: Run, { from }: Deed): Tree => trees.at(-1) ?? from.tree;

/**
 * @param proposals how often somebody proposes something.
 * @param isWay whether nothing is cut off before the last proposal, which comes while the one before it is on trial.
 */
export const explore = async (first: Tree, proposals: number, isWay = false): Promise<Exploration> => {
  const states = new Map<string, State>();
  const steps: Step[] = [];
  const onward = new Map<string, Partial<Record<World, string>>>();
  const queue: State[] = [];
  let cutPoints = 0;

  const meet = (state: State): string => {
    if (!states.has(state.id)) queue.push(state);
    if (!states.has(state.id)) states.set(state.id, state);
    return state.id;
  };
  const reach = ({ from, told, asks }: Deed, to: State, how: string): string => {
    steps.push({ from: from.id, to: meet(to), told: told + how, ...(asks === undefined ? {} : { asks }) });
    return to.id;
  };

  /** The daemon dies and the power fails after each write, and before the first. */
  const cut = (deed: Deed, { trees }: Run): void => {
    const left = deed.asks === undefined ? deed.from.proposals : deed.from.proposals - 1;
    for (const [index, tree] of trees.entries()) {
      const where = `after write ${index} of ${trees.length - 1}`;
      reach(deed, stateOf(abandoned(tree), left), `, the daemon dies ${where}`);
      reach(deed, stateOf(withoutBelow(tree, RUN), left), `, the power fails ${where}`);
      cutPoints += 2;
    }
  };
  /** Each write is refused in turn. A daemon that cannot start is started again; one that runs has to live with it. */
  const refuse = async (deed: Deed, writes: number): Promise<void> => {
    const { from } = deed;
    for (let at = 0; at < writes; at += 1) {
      // In turn: nothing here tells one from the other, and every write is met in many states.
      const code = cutPoints % 2 === 0 ? 'ENOSPC' : 'EIO';
      const refused = await run(from.tree, deed.work, { at, code });
      const tree = lastOf(refused, deed);
      const stays = from.daemon === undefined ? abandoned(tree) : tree;
      const daemon = from.daemon && { ...from.daemon, refused: deed.refused };
      const to = refused.end === 'done' ? deed.next(tree) : stateOf(stays, from.proposals, daemon);
      reach(deed, to, `, ${code} at write ${at + 1} of ${writes}`);
      cutPoints += 1;
    }
  };
  /** @returns where it comes undisturbed. */
  const doIt = async (deed: Deed): Promise<string> => {
    const whole = await run(deed.from.tree, deed.work);
    if (!isWay || deed.from.proposals === 0) {
      cut(deed, whole);
      await refuse(deed, whole.trees.length - 1);
    }
    const last = lastOf(whole, deed);
    const booted = stateOf(withoutBelow(last, RUN), deed.from.proposals);
    return reach(deed, whole.end === 'rebooted' ? booted : deed.next(last), '');
  };

  const starting = async (from: State): Promise<void> => {
    const next = (tree: Tree): State => stateOf(tree, from.proposals, { wanted: undefined, refused: undefined });
    const up = await doIt({ from, work: start, told: 'start', next });
    onward.set(from.id, { good: up, bad: up, refusing: up });
  };

  const planned = async (from: State, daemon: Daemon): Promise<void> => {
    const plans = await look(from.tree, daemon);
    const done = new Map<string, string>();
    const ways: Partial<Record<World, string>> = {};
    for (const world of WORLDS) {
      const plan = plans[world];
      if (plan.outcome !== 'acting') continue;
      const key = JSON.stringify(plan.next);
      const next = (tree: Tree): State => stateOf(tree, from.proposals, { ...daemon, refused: undefined });
      const told = `${plan.next.type} (${plan.reason})`;
      const to = done.get(key) ?? (await doIt({ from, work: perform(plan.next), told, next, refused: plan.next.type }));
      done.set(key, to);
      ways[world] = to;
    }
    onward.set(from.id, ways);
  };

  const proposed = async (from: State): Promise<void> => {
    const isLate = isWay && from.proposals === 1 && bootVariablesIn(from.tree)['pv_try'] === undefined;
    for (const revision of isLate ? [] : Object.keys(STATES)) {
      const next = (tree: Tree): State => stateOf(tree, from.proposals - 1, { wanted: revision, refused: undefined });
      await doIt({ from, work: propose(revision), told: `propose ${revision}`, next, asks: revision });
    }
  };

  meet(stateOf(withoutBelow(first, RUN), proposals));
  for (let state = queue.shift(); state !== undefined; state = queue.shift()) {
    if (state.daemon === undefined) await starting(state);
    else {
      await planned(state, state.daemon);
      if (state.proposals > 0) await proposed(state);
    }
  }
  return { states, steps, cutPoints, onward };
};

/** How a state was come to first, in words. */
export const wayTo = ({ steps }: Exploration, id: string): string[] => {
  const firsts = new Map<string, Step>();
  for (const step of steps) if (step.from !== step.to && !firsts.has(step.to)) firsts.set(step.to, step);
  const way: string[] = [];
  const been = new Set<string>();
  for (let step = firsts.get(id); step !== undefined && !been.has(step.to); step = firsts.get(step.from)) {
    been.add(step.to);
    way.unshift(step.told);
  }
  return way;
};
