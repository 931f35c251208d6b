import { describe, expect, test } from 'vitest';
import { alterLxcConfig, type LxcContext, MAX_LXC_CONFIG_BYTES } from '../../../resources/lxc/lxc-config.ts';
import { lxcValue, overlayUppers } from '../../../resources/lxc/lxc-line.ts';
import { cgroupRootOf, payloadCgroup } from '../../../resources/lxc/lxc-place.ts';
import { processorTime } from '../../processor-time.ts';

const onDevice: LxcContext = {
  container: {
    name: 'web',
    group: 'group/app',
    revision: 'locals/one',
    roles: ['mgmt'],
    directory: '/storage/trails/locals/one/web',
    bindModulesAndFirmware: true,
  },
  paths: {
    storage: '/storage',
    run: '/pv',
    logs: '/pv/logs',
    volumes: '/volumes',
    config: '/configs',
    media: '/media',
    watch: '/storage/incoming',
    lxc: '/usr/var/lib/lxc',
  },
  devLog: false,
  logLevel: 2,
  consoleBytes: 131072,
  capture: true,
  host: { cgroups: 'hybrid', firmware: false },
};
const alter = (text: string, change: Partial<LxcContext> = {}) => alterLxcConfig(text, { ...onDevice, ...change });
const linesOf = (text: string, change: Partial<LxcContext> = {}) => alter(text, change).text.trimEnd().split('\n');
const aContainer = (change: Partial<LxcContext['container']>) => ({ container: { ...onDevice.container, ...change } });

const PVR = `lxc.tty.max = 8
lxc.pty.max = 1024
# white list of devices
lxc.cgroup.devices.allow = a
lxc.rootfs.path = overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper
lxc.init.cmd = /sbin/init
lxc.environment = PATH=/bin
lxc.namespace.keep = user net ipc
lxc.mount.auto = proc sys:rw cgroup
lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,create=file 0 0
lxc.mount.entry = tmpfs run tmpfs rw,nodev,relatime,mode=755 0 0
lxc.mount.entry = /volumes/web/docker--data data none bind,rw,create=dir 0 0
`;

const OWN = `lxc.rootfs.mount = /usr/var/lib/lxc/.rootfs
lxc.log.level = 2
lxc.log.file = /pv/capture/web@locals%2Fone/lxc.log
lxc.console.logfile = /pv/capture/web@locals%2Fone/console.log
lxc.console.size = 131072
lxc.console.rotate = 1
lxc.cgroup.relative = 0
lxc.cgroup.dir.container = pantavisor-0421e724/lxc/web
lxc.cgroup.dir.monitor = pantavisor-0421e724/monitor/web
lxc.cgroup.dir.monitor.pivot = pantavisor-0421e724/pivot
lxc.mount.entry = /pv pantavisor none bind,ro,create=dir 0 0
lxc.mount.entry = /pv/logs pantavisor/logs none bind,ro,create=dir 0 0
lxc.mount.entry = /pv/user-meta pantavisor/user-meta none bind,ro,create=dir 0 0
lxc.mount.entry = /pv/device-meta pantavisor/device-meta none bind,ro,create=dir 0 0
lxc.environment = container=pv-app
`;

describe('a file as pvr writes it', () => {
  test('keeps every line, is named, and gets what the daemon owns at the end', () => {
    expect(alter(PVR)).toEqual({
      text: `lxc.uts.name = web\n${PVR}${OWN}`,
      directories: [
        '/pv/capture/web@locals%2Fone',
        '/pv/logs/locals/one/web',
        '/pv/logs',
        '/pv/user-meta',
        '/pv/device-meta',
      ],
      notices: [],
    });
  });

  test('altering is deterministic', () => {
    expect(alter(PVR)).toEqual(alter(PVR));
  });

  test('shows where volumes really are, but not inside the container', () => {
    const paths = { ...onDevice.paths, volumes: '/run/pv a/volumes' };
    const text = `${PVR}lxc.mount.entry = /volumes/web/x /volumes/x none bind 0 0\nlxc.environment = A=/volumes/web\n`;
    const lines = linesOf(text, { paths });
    expect(lines).toContain(
      'lxc.rootfs.path = overlayfs:/run/pv a/volumes/web/root.squashfs:/run/pv a/volumes/web/lxc-overlay/upper',
    );
    expect(lines).toContain(
      'lxc.mount.entry = /run/pv\\040a/volumes/web/docker--data data none bind,rw,create=dir 0 0',
    );
    expect(lines).toContain('lxc.mount.entry = /run/pv\\040a/volumes/web/x /volumes/x none bind 0 0');
    expect(lines).toContain('lxc.environment = A=/volumes/web');
  });
});

describe('the root', () => {
  const configOverlay = '/configs/web';
  test.each([
    ['overlayfs:/volumes/web/r:/volumes/web/u', 'overlayfs:/configs/web:/volumes/web/r:/volumes/web/u'],
    ['overlay:/a:/b:/u', 'overlay:/configs/web:/a:/b:/u'],
    ['dir:/a', 'dir:/a'],
    ['/a', '/a'],
  ])('%s gets the _config layer as %s', (path, expected) => {
    expect(lxcValue(alter(`lxc.rootfs.path = ${path}`, { configOverlay }).text, 'lxc.rootfs.path')).toBe(expected);
  });

  test('that is no overlay cannot show _config files, which is said', () => {
    expect(alter('lxc.rootfs.path = dir:/a', { configOverlay }).notices).toEqual([
      '_config files are not shown: expected lxc.rootfs.path = overlayfs:<lower>:<upper> in the file itself',
    ]);
  });

  test.each([
    ['lxc.rootfs.path = overlayfs:/l:/u', ['/u']],
    ['lxc.rootfs.path = "overlay:/c:/l:/vol/upper"', ['/vol/upper']],
    ['lxc.rootfs.path = overlay:/l', []],
    ['lxc.rootfs.path = dir:/r:/s:/t', []],
    ['lxc.mount.entry = o etc overlay lowerdir=/l,upperdir=/u2,workdir=/w 0 0', ['/u2']],
    ['# lxc.rootfs.path = overlayfs:/l:/u', []],
    ['', []],
  ])('of %j has the uppers %j', (text, uppers) => {
    expect(overlayUppers(text)).toEqual(uppers);
  });
});

describe('what the daemon owns', () => {
  test.each([
    'lxc.rootfs.mount = /mnt',
    'lxc.log.file = /x',
    'lxc.log.level=TRACE',
    'lxc.console.path = none',
    'lxc.console.buffer.size = auto',
    'lxc.cgroup.dir = foo',
    'lxc.cgroup.dir.container.inner = foo',
    'lxc.cgroup.relative = 1',
    'lxc.start.auto = 1',
    'lxc.ephemeral = 1',
  ])('%s is taken out', (line) => {
    expect(linesOf(`${line}\nlxc.init.cmd = /i`)).not.toContain(line);
    expect(linesOf(`${line}\nlxc.init.cmd = /i`)).toContain('lxc.init.cmd = /i');
  });

  test('a host name in the file stays', () => {
    expect(linesOf('lxc.uts.name = box').filter((line) => line.startsWith('lxc.uts.name'))).toEqual([
      'lxc.uts.name = box',
    ]);
  });
});

describe('cgroups', () => {
  const unified = { host: { cgroups: 'unified', firmware: false } } as const;
  test('v2 only: device rules of v1 go, all devices are allowed', () => {
    const lines = linesOf('lxc.cgroup.devices.deny = a\nlxc.cgroup.devices.allow = c 1:3 rwm', unified);
    expect(lines.filter((line) => line.includes('devices'))).toEqual(['lxc.cgroup2.devices.allow = a']);
  });

  test('v2 only: device rules of v2 that the file has are left alone', () => {
    const text = 'lxc.cgroup2.devices.deny = a\nlxc.cgroup2.devices.allow = c 1:3 rwm';
    expect(linesOf(text, unified).filter((line) => line.includes('devices'))).toEqual(text.split('\n'));
  });

  test.each([
    ['unified', 'lxc.cgroup.memory.limit_in_bytes = 1M'],
    ['hybrid', 'lxc.cgroup2.memory.max = 1M'],
    ['legacy', 'lxc.cgroup2.pids.max = 5'],
  ] as const)('on a %s machine %s is kept and named as without effect', (cgroups, line) => {
    const { text, notices } = alter(line, { host: { cgroups, firmware: false } });
    expect(text.split('\n')).toContain(line);
    expect(notices).toEqual([`${line} has no effect: this machine has ${cgroups} cgroups`]);
  });

  test.each([
    ['lxc.namespace.keep = user net cgroup', 1],
    ['lxc.namespace.share.cgroup = 1', 1],
    ['lxc.namespace.keep = user net ipc', 0],
    ['lxc.namespace.share.net = 1', 0],
  ])('%s is told of when others can be entered by it', (line, count) => {
    const { text, notices } = alter(line);
    expect(text.split('\n')).toContain(line);
    expect(notices).toHaveLength(count);
    for (const notice of notices) expect(notice).toContain(`${line} shows it the cgroups of others`);
  });

  test('of two daemons do not meet', () => {
    expect(payloadCgroup('/run/a/lxc', 'web')).not.toBe(payloadCgroup('/run/b/lxc', 'web'));
    expect(cgroupRootOf('/run/a/lxc')).toMatch(/^pantavisor-[0-9a-f]{8}$/);
  });
});

describe('mounts from the host', () => {
  test('without the role mgmt a container sees its own logs and metadata only', () => {
    const { text, directories } = alter('', aContainer({ roles: [] }));
    expect(text.split('\n').filter((line) => line.startsWith('lxc.mount.entry'))).toEqual([
      'lxc.mount.entry = /pv/nobody pantavisor none bind,ro,create=dir 0 0',
      'lxc.mount.entry = /pv/logs/locals/one/web pantavisor/logs none bind,ro,create=dir 0 0',
      'lxc.mount.entry = /pv/user-meta.web pantavisor/user-meta none bind,ro,create=dir 0 0',
      'lxc.mount.entry = /pv/device-meta.web pantavisor/device-meta none bind,ro,create=dir 0 0',
    ]);
    expect(directories).toEqual([
      '/pv/capture/web@locals%2Fone',
      '/pv/logs/locals/one/web',
      '/pv/nobody/logs',
      '/pv/nobody/user-meta',
      '/pv/nobody/device-meta',
      '/pv/user-meta.web',
      '/pv/device-meta.web',
      '/pv/logs',
    ]);
  });

  test('/dev/log leads to the log server, and to that of the next daemon, by a symlink in the /dev that LXC makes', () => {
    const hook = `lxc.hook.autodev = sh -c 'ln -sfn /pantavisor/pv-ctrl-log "$LXC_ROOTFS_MOUNT/dev/log" || :' sh`;
    expect(linesOf('', { devLog: true })).toContain(hook);
    expect(linesOf('lxc.autodev = 1\nlxc.hook.autodev = /mine', { devLog: true })).toEqual(
      expect.arrayContaining(['lxc.hook.autodev = /mine', hook]),
    );
    const own = linesOf('lxc.autodev = 0', { devLog: true });
    expect(own).toContain('lxc.mount.entry = /pv/pv-ctrl-log dev/log none bind,create=file,optional 0 0');
    expect(own).not.toContain(hook);
    expect(linesOf('', { devLog: false }).join()).not.toContain('dev/log');
  });

  test('firmware and modules are bound where they exist', () => {
    const host = { cgroups: 'hybrid', firmware: true, modules: '6.1.0-x' } as const;
    expect(linesOf('', { host })).toEqual(
      expect.arrayContaining([
        'lxc.mount.entry = /lib/firmware lib/firmware none bind,ro,create=dir 0 0',
        'lxc.mount.entry = /lib/modules/6.1.0-x lib/modules/6.1.0-x none bind,ro,create=dir 0 0',
      ]),
    );
  });

  test('automodfw = no leaves firmware and modules out', () => {
    const host = { cgroups: 'hybrid', firmware: true, modules: '6.1.0-x' } as const;
    const { text } = alter('', { host, ...aContainer({ bindModulesAndFirmware: false }) });
    expect(text).not.toMatch(/lib\/(firmware|modules)/);
  });
});

describe('includes', () => {
  test.each([
    ['lxc.include = more.conf', 'lxc.include = /storage/trails/locals/one/web/more.conf'],
    ['lxc.include = ../base/./more.conf', 'lxc.include = /storage/trails/locals/one/base/more.conf'],
    ['lxc.include = /usr/share/lxc/config/common.conf', 'lxc.include = /usr/share/lxc/config/common.conf'],
  ])('%s is %s', (line, expected) => {
    expect(linesOf(line)).toContain(expected);
    expect(alter(line).refusal).toBeUndefined();
  });

  test('that leave the revision by a relative path are refused', () => {
    expect(alter('lxc.include = ../../two/web/x.conf').refusal).toBe(
      'lxc.include = ../../two/web/x.conf leaves the revision, expected a path inside it or an absolute one',
    );
  });
});

describe('hostile files', () => {
  test('too large a file is refused with both sizes', () => {
    expect(alter('#'.repeat(MAX_LXC_CONFIG_BYTES + 1)).refusal).toBe(
      'LXC file of 262145 bytes, at most 262144 expected',
    );
  });

  test('a NUL character is refused', () => {
    expect(alter('lxc.uts.name = a\0b').refusal).toBe('LXC file contains a NUL character, expected text');
  });

  test('lines without sense stay, for LXC to judge', () => {
    expect(linesOf('nonsense\n = 3\n==\n  # lxc.log.file = x')).toEqual(
      expect.arrayContaining(['nonsense', ' = 3', '==', '  # lxc.log.file = x']),
    );
  });

  test('a line of blanks as long as allowed is read in no time', () => {
    const tookMs = processorTime();
    alter(`a${' '.repeat(MAX_LXC_CONFIG_BYTES - 10)}b`);
    expect(tookMs()).toBeLessThan(500);
  });
});

test('a key that LXC does not know is left out, named once, and does not end the start', () => {
  const { text, notices, refusal } = alter('lxc.arch = x86_64\nlxc.rootfs.bdev_type = dir\n');
  expect(text).toContain('lxc.arch = x86_64\n');
  expect(text).not.toContain('bdev_type');
  expect(notices).toEqual(['line 2: lxc.rootfs.bdev_type is left out: LXC does not know this key']);
  expect(refusal).toBeUndefined();
});

test('one that would protect something refuses the file', () => {
  expect(alter('lxc.cap.dorp = sys_admin').refusal).toBe(
    'line 1: lxc.cap.dorp would protect something, but LXC does not know this key',
  );
});

test('directories that only the LXC of Pantavisor makes are made before the start', () => {
  const entry = 'lxc.mount.entry = o var overlay lowerdir=/l,upperdir=/volumes/web/v/upper,workdir=/volumes/web/v/work';
  expect(alter(entry).directories).toEqual(expect.arrayContaining(['/volumes/web/v/upper', '/volumes/web/v/work']));
});
