/**
 * Boot loaders with two images, made of memory in their exact formats, and the firmware that
 * boots them. They are here to prove that the port fits them: appengine mode has no partitions to write images to.
 */
import type { Bootloader, BootValues } from '../../../runtime/store/boot/bootloader.ts';

export interface Board {
  readonly bootloader: Bootloader;
  /** A reset: what the firmware makes of what is there. @returns the revision whose image runs. */
  boot(): string;
  /** In order, what was written. */
  readonly writes: readonly string[];
}

const EMPTY = '\0'.repeat(512);
const entriesIn = (text: string): Map<string, string> =>
  new Map(text.split('\0').flatMap((entry) => (entry.includes('=') ? [entry.split('=', 2) as [string, string]] : [])));

/** Raspberry Pi: `rpiab.txt`, `autoboot.txt` of the boot selection partition, an image and `pv_rev.txt` on 2 and 3. */
export const rpiBoard = (revision: string): Board => {
  let rpiab = EMPTY;
  let autoboot = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n';
  const images = new Map([['2', revision]]);
  const revisions = new Map([['2', revision]]);
  let armed = false;
  let tried = false;
  let booted = '2';
  const writes: string[] = [];

  const partitions = (): readonly [usual: string, other: string] => {
    const [usual = '2', other = '3'] = [...autoboot.matchAll(/boot_partition=(\d)/g)].map(([, number]) =>
      String(number),
    );
    return [usual, other];
  };
  const store = (values: ReadonlyMap<string, string>): void => {
    rpiab = [...values]
      .map(([key, value]) => `${key}=${value}\0`)
      .join('')
      .padEnd(512, '\0');
    writes.push('rpiab.txt');
  };

  const write = async (changes: BootValues): Promise<void> => {
    const [, other] = partitions();
    const values = entriesIn(rpiab);
    const isCommit = changes.pv_rev !== undefined && changes.pv_rev !== values.get('pv_rev');
    const isTry = (changes.pv_try ?? '') !== '' && (changes.pv_trying ?? '') === '';
    if (isTry) {
      images.set(other, String(changes.pv_try));
      revisions.set(other, String(changes.pv_try));
      writes.push(`image ${other}`);
    }
    if (isCommit && tried) {
      // The decisive write: from now on it is what boots.
      autoboot = autoboot.replace(/\d(?=\n\[tryboot\])/, booted).replace(/\d\n$/, `${partitions()[0]}\n`);
      writes.push('autoboot.txt');
    } else if (isCommit) {
      // Without a boot: the image is the old one still, which goes with either.
      revisions.set(booted, `${revisions.get(booted)},${changes.pv_rev}`);
    }
    store(new Map([...values, ...Object.entries(changes)]));
    if (isTry) {
      armed = true;
      writes.push('tryboot');
    }
  };

  return {
    writes,
    bootloader: {
      read: async () => {
        const values = [...entriesIn(rpiab)].filter(([, value]) => value !== '');
        if (values.length === 0) return undefined;
        const { pv_try, ...rest } = Object.fromEntries(values);
        if (pv_try === undefined) return rest;
        // Early rollback: the firmware did not boot it. Armed: it is still to do so.
        return armed || tried ? { ...rest, pv_try } : { ...rest, pv_try, pv_trying: pv_try };
      },
      write,
    },
    boot: () => {
      const [usual, other] = partitions();
      [tried, armed] = [armed, false];
      booted = tried ? other : usual;
      return images.get(booted) ?? 'nothing';
    },
  };
};

const HEADER_BYTES = 4096;
const headerOf = (revision: string): Buffer =>
  Buffer.concat([Buffer.from(`fit_rev=${revision}\0`), Buffer.alloc(HEADER_BYTES)], HEADER_BYTES);
const revisionIn = (partition: Buffer): string =>
  /^fit_rev=([^\0]*)/.exec(partition.toString('latin1', 0, HEADER_BYTES))?.[1] ?? '';

/** U-Boot with a FIT in each of two MTD partitions behind a header, and an environment that `fw_setenv -s` changes at once. */
export const ubootAbBoard = (revision: string): Board => {
  const fitOf = (name: string): Buffer => Buffer.from(`FIT of ${name}`);
  const partitions = [Buffer.concat([headerOf(revision), fitOf(revision)]), Buffer.alloc(HEADER_BYTES)];
  const environment = new Map([['pv_rev', revision]]);
  const writes: string[] = [];
  const indexOf = (name: string | undefined): number => partitions.findIndex((one) => revisionIn(one) === name);

  const write = async (changes: BootValues): Promise<void> => {
    const isTry = (changes.pv_try ?? '') !== '' && (changes.pv_trying ?? '') === '';
    if (isTry) {
      const active = Math.max(0, indexOf(environment.get('pv_rev')));
      const name = String(changes.pv_try);
      partitions[1 - active] = Buffer.concat([headerOf(name), fitOf(name)]);
      writes.push(`image ${'AB'[1 - active]}`);
    }
    for (const [key, value] of Object.entries(changes)) environment.set(key, value);
    writes.push('environment');
  };

  return {
    writes,
    bootloader: {
      read: async () => Object.fromEntries([...environment].filter(([, value]) => value !== '')),
      write,
    },
    // The script of §6.1 marks the try itself before it boots it.
    boot: () => {
      const [trying, tried, usual] = ['pv_try', 'pv_trying', 'pv_rev'].map((key) => environment.get(key) ?? '');
      const isTry = trying !== '' && tried !== trying;
      const found = partitions[indexOf(isTry ? trying : usual)] ?? partitions[0];
      return found?.toString('latin1', HEADER_BYTES).replace('FIT of ', '') ?? 'nothing';
    },
  };
};
