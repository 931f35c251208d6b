/** A daemon as far as containers are concerned: starts those named, prints their pids, and stays until it is killed. */
import { linuxContainers } from '../../../runtime/host/linux/lxc/linux-containers.ts';

const [lxcPath = '', ...names] = process.argv.slice(2);
const containers = await linuxContainers({ lxcPath });
containers.exits.subscribe();
const pids = await Promise.all(names.map((name) => containers.start(name)));
process.stdout.write(`${JSON.stringify(Object.fromEntries(names.map((name, index) => [name, pids[index]])))}\n`);
