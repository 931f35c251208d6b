/** What this machine lacks for running real containers, in words; undefined: nothing. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PROGRAMS = ['lxc-start', 'mksquashfs', 'losetup', 'mkfs.ext4'];

const onPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false; // absent here; the next directory may have it
    }
  });

export function reasonNoContainersRun(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root (run it with sudo)';
  const missing = PROGRAMS.filter((program) => !onPath(program));
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  if (!existsSync('/dev/loop-control')) return 'this machine has no loop devices (/dev/loop-control is missing)';
  return undefined;
}
