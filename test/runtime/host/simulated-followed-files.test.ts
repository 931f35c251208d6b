import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { followedFilesContract } from './contract-followed-files.ts';

followedFilesContract('the simulated device', async () => {
  const host = simulatedHost();
  const root = { path: '/storage/root', isRight: async () => true };
  await host.operator.files.makeDirectory(root.path, 0o755);
  const until = async (holds: () => boolean): Promise<void> => {
    if (!(await host.runUntil(holds, 1_000))) throw new Error(`does not come to hold: ${holds}`);
  };
  return { followed: host.followedFiles, files: host.operator.files, root, until };
});
