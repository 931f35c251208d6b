/** The Containers port of the simulated device. */
import type { Containers } from '../host.ts';
import type { Kernel } from './kernel.ts';
import type { Call, Caller } from './simulated-daemon.ts';

export const simulatedContainers = (kernel: Kernel, caller: Caller): Containers => {
  const { lxc } = kernel;
  const call = (name: keyof Containers, subject: string): Call => ({ port: 'containers', name, subject });
  /** An effect answers whether it changed anything. */
  const change = (name: keyof Containers, container: string, effect: () => boolean): Promise<void> =>
    caller.perform(call(name, container), () => {
      if (effect()) caller.note(`${name} ${container}`);
    });

  /** As on Linux, where it is about a pid: what comes late does not meet another run. */
  const toThisRun = (name: 'halt' | 'kill', container: string, effect: () => boolean): Promise<void> => {
    const run = lxc.runOf(container);
    return change(name, container, () => lxc.runOf(container) === run && effect());
  };

  return {
    configure: (name, config) =>
      change('configure', name, () => {
        lxc.configure(name, config);
        return true;
      }),
    start: (name) =>
      caller.perform(call('start', name), () => {
        const { begun, init } = lxc.start(name);
        if (begun) caller.note(`start ${name}`);
        return init;
      }),
    inspect: (name) => caller.perform(call('inspect', name), () => lxc.inspect(name)),
    halt: (name) => toThisRun('halt', name, () => lxc.halt(name)),
    kill: (name) => toThisRun('kill', name, () => lxc.kill(name)),
    unfreeze: (name) => change('unfreeze', name, () => lxc.unfreeze(name)),
    remove: (name) => change('remove', name, () => lxc.remove(name)),
    list: () => caller.perform(call('list', ''), () => lxc.list()),
    exits: caller.notifications(
      { port: 'containers', name: 'exits' },
      ({ name }) => name,
      (tell) => lxc.exits.listen(tell),
    ),
    changes: caller.notifications({ port: 'containers', name: 'changes' }, String, (tell) => lxc.changes.listen(tell)),
  };
};
