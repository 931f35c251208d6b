/** Boot variables in one file of `key=value` entries, changed as a whole: what uboot.ts and grub.ts have in common. */
import { inTurn } from '../../engine/in-turn.ts';
import { DeviceError, type Files } from '../../host/host.ts';
import { BOOT_VARIABLES, type Bootloader, type BootValues } from './bootloader.ts';

const MAX_BYTES = 1 << 20;

export interface BootFormat {
  /** undefined: not such a file. */
  readonly parse: (content: Buffer) => Map<string, string> | undefined;
  /** @throws DoesNotFit when the entries do not fit. */
  readonly format: (entries: ReadonlyMap<string, string>) => Buffer;
  /** The empty value unsets. @throws DoesNotFit for a value that the format cannot hold. */
  readonly set: (entries: Map<string, string>, key: string, value: string) => void;
}

/** What others keep in the file leaves no room for ours: the device's state, and none of our bugs. */
export class DoesNotFit extends Error {}

export const bootFile = (files: Files, path: string, { parse, format, set }: BootFormat): Bootloader => {
  const load = async (): Promise<Map<string, string> | undefined> => {
    const content = await files.read(path, MAX_BYTES);
    return content === undefined ? undefined : parse(content);
  };
  // Read-modify-write: two at a time would lose one of the changes.
  const turn = inTurn();

  const change = async (changes: BootValues): Promise<void> => {
    const before = await files.read(path, MAX_BYTES);
    const entries = (before === undefined ? undefined : parse(before)) ?? new Map<string, string>();
    const after = formatted(entries, changes);
    if (before === undefined || !after.equals(before)) await files.write(path, after, 0o644);
  };

  const formatted = (entries: Map<string, string>, changes: BootValues): Buffer => {
    try {
      for (const [key, value] of Object.entries(changes)) set(entries, key, value);
      return format(entries);
    } catch (error) {
      if (error instanceof DoesNotFit) throw new DeviceError('write', path, 'ENOSPC', error.message, { cause: error });
      throw error;
    }
  };

  return {
    read: async () => {
      const entries = await load();
      if (entries === undefined) return undefined;
      const values = BOOT_VARIABLES.map((key) => [key, entries.get(key) ?? ''] as const);
      return Object.fromEntries(values.filter(([, value]) => value !== ''));
    },
    write: (changes) => turn(() => change(changes)),
    replace: (values) => turn(() => files.write(path, formatted(new Map(), values), 0o644)),
  };
};
