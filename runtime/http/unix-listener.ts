/** The control socket's file: who may connect, and what to do with the one a killed daemon left. */
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Files } from '../host/host.ts';

/** Only root and its group may connect: a process of the host that can is taken for Pantavisor itself. */
const UMASK = 0o117;
/** Who connects while so many wait to be accepted is refused by the kernel, the operator too. */
const BACKLOG = 4096;

const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false)); // ECONNREFUSED: nobody holds it any more
  });

/** A link is only a link: what it leads to is not touched. @throws Error when the path is taken, by a living daemon, a file or a directory. */
const removeStale = async (path: string, files: Pick<Files, 'stat' | 'remove'>): Promise<void> => {
  const stat = await files.stat(path);
  if (stat === undefined) return;
  if (stat.type === 'file' || stat.type === 'directory')
    throw new Error(
      `${path} is a ${stat.type}, expected a socket or nothing: remove it, or set another PV_SYSTEM_RUNDIR`,
    );
  if (await isAnswered(path))
    throw new Error(`${path} is in use by another pantavisor: stop that one, or set another PV_SYSTEM_RUNDIR`);
  await files.remove(path);
};

/** Listens on the socket, mode 0660. @throws Error when the path is taken. */
export const listenOnSocket = async (
  server: Server,
  path: string,
  files: Pick<Files, 'stat' | 'remove'>,
): Promise<void> => {
  await removeStale(path, files);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The file is made within listen(), so that it never exists with other rights than these.
    const umask = process.umask(UMASK);
    server.listen({ path, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
    process.umask(umask);
  });
};
