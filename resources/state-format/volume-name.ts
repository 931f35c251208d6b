/** `[<handler>:]<file>.<extension>`: an image, file or tree of the revision as a volume. */
import { z } from 'zod';
import { isRelativePath } from './state-key.ts';

export interface VolumeName {
  /** `dm`: dm-verity. */
  readonly handler?: string;
  /** Relative to the owner's directory; also the volume's name. */
  readonly file: string;
  /** File system of the image, or `bind` or `data`. */
  readonly extension: string;
}

const NAME = /^(?:(?<handler>[A-Za-z0-9_-]+):)?(?<file>[^:]+\.(?<extension>[A-Za-z0-9_]+))$/;

const MAX_LENGTH = 255;

/** undefined: no volume name. */
export const parseVolumeName = (text: string): VolumeName | undefined => {
  const { handler, file, extension } = NAME.exec(text)?.groups ?? {};
  if (file === undefined || extension === undefined || file.length > MAX_LENGTH || !isRelativePath(file))
    return undefined;
  return handler === undefined ? { file, extension } : { handler, file, extension };
};

const EXPECTED =
  'a file of the container whose extension names the file system, such as "root.squashfs" or "dm:root.squashfs"';

export const VolumeNameText = z
  .string()
  .regex(NAME, { error: EXPECTED, abort: true })
  .refine((text) => parseVolumeName(text) !== undefined, { error: EXPECTED });
