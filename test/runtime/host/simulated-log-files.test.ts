import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { logFilesContract } from './contract-log-files.ts';

logFilesContract('the simulated device', async () => {
  const host = simulatedHost();
  const root = '/storage/logs';
  await host.operator.files.makeDirectory(root, 0o755);
  return { logs: host.logFiles(root), files: host.operator.files, root };
});
