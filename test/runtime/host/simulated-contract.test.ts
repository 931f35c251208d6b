/** The contract suite on the simulated device. */
import type { Behaviour } from '../../../runtime/host/simulated/behaviour.ts';
import { squashfsImage } from '../../../runtime/host/simulated/inode.ts';
import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { hostContract } from './contract.ts';
import { type ContractDevice, SCRIPTS, type Script } from './contract-device.ts';

const BEHAVIOURS: Readonly<Record<Script, Behaviour>> = {
  polite: {},
  stubborn: { ignoresHalt: true },
  exits7: { exitAfterMs: 300, exit: { type: 'code', code: 7 } },
};

const scriptIn = (config: string): Script | undefined =>
  (Object.keys(SCRIPTS) as Script[]).find((script) => config.includes(SCRIPTS[script])); // its keys are Script by definition

const make = async (): Promise<ContractDevice> => {
  let host = simulatedHost({ behaviour: (_name, _attempt, config) => BEHAVIOURS[scriptIn(config) ?? 'polite'] });
  const [root, image] = ['/storage/scratch', '/storage/images/hello.squashfs'];
  await host.operator.files.makeDirectory(root, 0o755);
  host.mischief.write(image, squashfsImage('hello'));
  return {
    host,
    root,
    image,
    containerConfig: (_name, script) => `lxc.rootfs.path = dir:/\nlxc.init.cmd = sh -c "${SCRIPTS[script]}"\n`,
    restart: async () => {
      host = host.restarted();
      return host;
    },
    mischief: {
      unmount: async (target) => host.mischief.unmount(target),
      kill: async (container) => host.mischief.kill(container),
      killMonitor: async (container) => host.mischief.killMonitor(container),
      freeze: async (container) => host.mischief.freeze(container),
    },
    until: async (holds) => {
      for (let passedMs = 0; passedMs < 10_000; passedMs += 10) {
        if (await holds()) return;
        await host.advance(10);
      }
      throw new Error('did not come to hold within 10 s of the device');
    },
    cleanup: async () => host.close(),
  };
};

hostContract('the simulated device', make);
