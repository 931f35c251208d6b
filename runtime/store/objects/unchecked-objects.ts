/** Objects whose content is not what their name says, and need not be. */
import { ownerOf } from '../../../resources/state-format/state-key.ts';
import type { TrailContent } from '../trails/trail.ts';

/** The boot loader or the kernel checks these, or changed them after they were hashed. */
const BOOT_FILES = ['bsp/pantavisor', 'bsp/kernel.img', 'bsp/fit-image.its'] as const;
const VERITY = 'dm-verity';

/** The device of a dm-verity volume is checked block by block while it is read. */
const verityDevices = ({ files }: TrailContent): readonly string[] =>
  files.flatMap(({ path, text }) => {
    // Only an object can be a manifest; a string stands here without its quotes.
    const value: unknown = text.startsWith('{') && text.includes(VERITY) ? JSON.parse(text) : undefined;
    if (typeof value !== 'object' || value === null || !('type' in value) || !('data_device' in value)) return [];
    const { type, data_device: device } = value;
    return typeof type === 'string' && type.startsWith(VERITY) ? [`${ownerOf(path)}/${device}`] : [];
  });

/** Ids that at least one path wants checked: an object may have an exempt name and another one. */
export const checkedIds = (content: TrailContent): ReadonlySet<string> => {
  const devices = new Set(verityDevices(content));
  const isExempt = (path: string): boolean => BOOT_FILES.some((name) => path.startsWith(name)) || devices.has(path);
  return new Set(content.objects.filter(({ path }) => !isExempt(path)).map(({ id }) => id));
};
