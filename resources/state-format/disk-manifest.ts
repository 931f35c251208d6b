/** An element of `disks.json`, `disks_v3.json` or of `device.json`'s disk lists. */
import { z } from 'zod';
import { NameText, OptionText } from '../short-text.ts';
import { LEFT_OUT, type Leniency } from './manifest.ts';
import { isSegment } from './name.ts';

export const DISK_TYPES = [
  'dm-crypt-versatile',
  'dm-crypt-caam',
  'dm-crypt-dcp',
  'swap-disk',
  'volume-disk',
  'dual',
] as const;

/** Absolute paths of the host other than its root: they are handed to mkfs and mount. */
const isHostPath = (path: string): boolean => /^\/(?!.*(?:^|\/)\.\.?(?:\/|$))(?=.*[^/])[^\p{Cc}]*$/su.test(path);

const HOST_PATH = { error: 'an absolute path without "." and ".."' };
const MOUNT_FLAGS = { error: 'a comma separated list of mount flags such as "MS_NOATIME,MS_NODEV"' };
const isFlagList = (text: string): boolean => /^\s*MS_[A-Z0-9]+\s*(?:,\s*MS_[A-Z0-9]+\s*)*$/.test(text);

export const DiskManifest = z
  .looseObject({
    name: z.string().refine(isSegment, { error: 'a name without slashes' }),
    aliases: z
      .array(z.string().min(1, { error: 'a name' }))
      .optional()
      .describe('Further names for volumes to use.'),
    type: z.enum(DISK_TYPES),
    path: OptionText.optional().describe('Device or file; dm-crypt: <image>,<size in MB>,<key name>.'),
    mode: z.enum(['mainline', 'nxp']).optional(),
    format: z.enum(['swap', 'ext4', 'ext3']).optional(),
    provision: NameText.optional().describe('zram, file (swap only), or any other word for a block device.'),
    provision_options: OptionText.optional().describe('zram: attributes such as "disksize=64M"; file: "size=64M".'),
    format_options: OptionText.optional().describe('Options for mkfs or mkswap.'),
    mount_options: OptionText.optional().describe('Options for swapon, or MS_* flags separated by commas.'),
    mount_target: OptionText.refine(isHostPath, HOST_PATH).optional(),
    default: z.enum(['yes', 'no']).optional().describe('"yes": for volumes that name no disk.'),
    uuid: NameText.optional(),
    migrate_keyblob: NameText.optional(),
    disks: z.array(NameText).optional().describe('dual: the disks it is made of.'),
    init_order: z.array(NameText).optional(),
  })
  .superRefine(({ type, path, mount_options: options }, context) => {
    if (type === 'volume-disk' && options !== undefined && !isFlagList(options)) {
      context.addIssue({ code: 'custom', path: ['mount_options'], message: MOUNT_FLAGS.error });
    }
    const isPlain = type === 'volume-disk' || type === 'swap-disk';
    if (isPlain && path !== undefined && !isHostPath(path)) {
      context.addIssue({ code: 'custom', path: ['path'], message: HOST_PATH.error });
    }
  })
  .describe('A place for volumes, or swap.');
export type DiskManifest = z.output<typeof DiskManifest>;

export const DISK_LENIENCIES: readonly Leniency[] = [
  { at: ['format'], instead: () => LEFT_OUT },
  { at: ['mode'], instead: () => LEFT_OUT },
  { at: ['default'], instead: () => 'no' },
];
