/** /proc/<pid>/cgroup as machines of each cgroup layout have it, and who that is. */
import { describe, expect, test } from 'vitest';
import { cgroupRootOf } from '../../../../resources/lxc/lxc-place.ts';
import { callerIn } from '../../../../runtime/host/linux/peer/peer.ts';

const LXC = '/run/pv/lxc';
const ROOT = `/${cgroupRootOf(LXC)}`;
/** As recorded, with `@` for the cgroup of this daemon. */
const caller = (recorded: string, sharesPidNamespace: boolean) =>
  callerIn(recorded.replaceAll('@', ROOT).split('\n'), LXC, () => sharesPidNamespace);

/** Debian 12 with systemd. */
const V2 = {
  container: '0::@/lxc/web\n',
  service: '0::/system.slice/pantavisor.service\n',
  shell: '0::/user.slice/user-0.slice/session-3.scope\n',
  initrd: '0::/\n',
  namespaced: '0::/../../user.slice/user-0.slice/session-3.scope\n',
  docker: '0::/system.slice/docker-4f1c0d0f9a1e.scope\n',
  ended: '0::@/lxc/web (deleted)\n',
};

/** A Yocto image without systemd, all controllers on hierarchies of their own. */
const v1 = (path: string): string =>
  [
    ...['12:rdma', '11:pids', '10:hugetlb', '9:net_prio', '8:perf_event', '7:net_cls', '6:freezer', '5:devices'],
    ...['4:memory', '3:blkio', '2:cpu,cpuacct', '1:cpuset'],
  ]
    .map((hierarchy) => `${hierarchy}:${path}\n`)
    .join('');

/** This project's test machine: named v1 hierarchies besides v2, of which LXC uses some. */
const hybrid = (path: string, memory = path, unified = path): string =>
  `9:name=systemd:${path}\n8:pids:${path}\n7:blkio:${path}\n6:freezer:${path}\n5:devices:${path}\n4:memory:${memory}\n` +
  `3:cpuset:${path}\n2:cpuacct:${path}\n1:cpu:${path}\n0::${unified}\n`;

const WEB = { container: 'web' };

describe('a process of a container', () => {
  test.each([
    ['v2', V2.container],
    ['v2, while its cgroup is being removed below it', V2.container.replace('web', 'web/init.scope')],
    ['v1', v1('@/lxc/web')],
    ['v1, without a controller that LXC could not use', v1('@/lxc/web').replace('6:freezer:@/lxc/web', '6:freezer:/')],
    ['v1, under a systemd of its own', v1('@/lxc/web/system.slice/dbus.service')],
    ['hybrid', hybrid('@/lxc/web')],
    ['hybrid, only v2', hybrid('/', '/', '@/lxc/web')],
    ['hybrid, not v2', hybrid('@/lxc/web', '@/lxc/web', '/')],
    ['hybrid, below a cgroup of another supervisor', hybrid('@/lxc/web', '/process_api/25be3c8a')],
  ])('%s', (_layout, recorded) => {
    expect(caller(recorded, false)).toEqual(WEB);
    expect(caller(recorded, true)).toEqual(WEB);
  });
});

describe('a process of the host', () => {
  test.each([
    ['v2, a service', V2.service],
    ['v2, a login', V2.shell],
    ['v2, without systemd', V2.initrd],
    ['v2, seen from a cgroup namespace', V2.namespaced],
    ['v1', v1('/')],
    ['v1, a login', v1('/user.slice')],
    ['hybrid', hybrid('/')],
    ['hybrid, in a cgroup of somebody else', hybrid('/', '/process_api/25be3c8a')],
  ])('%s', (_layout, recorded) => {
    expect(caller(recorded, true)).toBe('host');
  });
});

describe('nobody', () => {
  test.each([
    ['v2, a Docker container with the socket', V2.docker, false],
    ['v2, the host as another pid namespace sees it', V2.initrd, false],
    ['v1, a foreign LXC container', v1('/lxc/web'), false],
    ['v1, of two containers, whatever its pids', `${v1('@/lxc/web')}0::@/lxc/other\n`, true],
    ['hybrid, moved into another container in one hierarchy', hybrid('@/lxc/web', '@/lxc/other'), false],
    ['v2, of a container that is gone, whose name the kernel marks', V2.ended, false],
    ['no text at all', '', false],
  ])('%s', (_layout, recorded, sharesPidNamespace) => {
    expect(caller(recorded, sharesPidNamespace)).toBeUndefined();
  });
});
