/**
 * Kernel settings of the configuration: written at the start, and while user metadata names them. What one was before
 * metadata changed it comes back when the key goes.
 */
import type { Entry } from '../config/key-value-entries.ts';
import { inTurn } from '../engine/in-turn.ts';
import { DeviceError } from '../host/host.ts';
import { namesProgram, readSysctl, sysctlPath, writeSysctl } from '../host/linux/kernel/sysctl.ts';

export interface Sysctls {
  /** In this order. A setting that the kernel refuses is told and passed over. */
  apply(entries: readonly Entry[]): Promise<void>;
  /** Of user metadata; undefined: the key is gone. */
  set(key: string, value: string | undefined): Promise<void>;
}

export const openSysctls = (onProblem: (subject: string, message: string) => void, root?: string): Sysctls => {
  /** By metadata key: what there was before it. */
  const before = new Map<string, { readonly path: string; readonly value: string }>();
  const turn = inTurn();
  const unlessRefused = (key: string, work: () => Promise<void>): Promise<void> =>
    turn(async () => {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        onProblem(key, error.message);
      }
    });
  const restore = async (key: string): Promise<void> => {
    const old = before.get(key);
    before.delete(key);
    if (old !== undefined) await writeSysctl(old.path, old.value, root);
  };
  const override = async (key: string, value: string): Promise<void> => {
    const path = await sysctlPath(key, root);
    // Whoever may write metadata is no root yet.
    if (namesProgram(path)) throw new DeviceError('sysctl', path, 'EPERM', 'names a program: not by metadata');
    if (!before.has(key)) before.set(key, { path, value: await readSysctl(path, root) });
    await writeSysctl(path, value, root);
  };
  return {
    apply: async (entries) => {
      for (const { key, value } of entries)
        await unlessRefused(key, async () => writeSysctl(await sysctlPath(key, root), value, root));
    },
    set: (key, value) => unlessRefused(key, () => (value === undefined ? restore(key) : override(key, value))),
  };
};
