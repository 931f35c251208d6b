import { describe, expect, test } from 'vitest';
import { cgroupRootOf } from '../../../../../resources/lxc/lxc-place.ts';
import { callerIn } from '../../../../../runtime/host/linux/peer/peer.ts';

const LXC = '/run/pv/lxc';
const root = cgroupRootOf(LXC);
const caller = (cgroups: string, sharesPidNamespace = false) =>
  callerIn(cgroups.split('\n'), LXC, () => sharesPidNamespace);

describe('the caller', () => {
  test.each([
    ['v2 only', `0::/${root}/lxc/web\n`, { container: 'web' }],
    ['v1 only', `9:name=systemd:/${root}/lxc/web\n8:pids:/${root}/lxc/web\n`, { container: 'web' }],
    ['hybrid, some hierarchies not used by LXC', `3:net_cls:/\n0::/${root}/lxc/web`, { container: 'web' }],
    [
      'below the cgroup, where systemd puts services',
      `0::/${root}/lxc/web/system.slice/x.service`,
      { container: 'web' },
    ],
    ['in a nested cgroup named like another container', `0::/${root}/lxc/web/${root}/lxc/other`, { container: 'web' }],
    ['in a cgroup with colons in its name', `0::/${root}/lxc/web/a:b:/${root}/lxc/other`, { container: 'web' }],
    ['in two containers at once', `1:cpu:/${root}/lxc/web\n0::/${root}/lxc/other`, undefined],
    ['directly in the parent of all containers', `0::/${root}/lxc`, undefined],
    ['in the cgroup of another daemon', '0::/pantavisor-00000000/lxc/web', undefined],
    ['in the cgroup of a foreign LXC container', '0::/lxc.payload.web', undefined],
    ['in a cgroup whose name only begins like ours', `0::/${root}x/lxc/web`, undefined],
    ['outside of our cgroups without our pids', '0::/', undefined],
    ['nowhere', '', undefined],
  ])('%s', (_, cgroups, expected) => {
    expect(caller(cgroups)).toEqual(expected);
  });

  test.each([
    ['a login shell', '0::/user.slice/user-0.slice/session-1.scope', 'host'],
    ['the top of the hierarchy', '9:name=systemd:/\n0::/', 'host'],
    ['a hook of a monitor', `0::/${root}/monitor/web`, 'host'],
    ['a container that shares the pids of the host', `0::/${root}/lxc/web`, { container: 'web' }],
    ['in two containers at once', `1:cpu:/${root}/lxc/web\n0::/${root}/lxc/other`, undefined],
  ])('with the pids of the host: %s', (_, cgroups, expected) => {
    expect(caller(cgroups, true)).toEqual(expected);
  });
});
