import { describe, expect, test } from 'vitest';
import {
  changedTargets,
  mountAt,
  mountOf,
  mountsBelow,
  namesOf,
  parseMountinfo,
  subtreeOf,
  unescapeOctal,
} from '../../../../../runtime/host/linux/mounts/mountinfo.ts';

const table = parseMountinfo(
  [
    '20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
    '21 20 0:20 / /run rw,nosuid shared:2 master:1 - tmpfs tmpfs rw,size=1024k',
    '22 20 8:2 / /data rw - ext4 /dev/sda2 ro',
    '23 22 8:2 /deep/tree /data/bound ro,nodev - ext4 /dev/sda2 rw',
    '24 21 8:2 /deep /run/deep rw - ext4 /dev/sda2 rw',
    '25 21 7:3 / /run/with\\040space\\011\\134 ro - squashfs /dev/loop3 ro',
    '26 21 8:2 /gone//deleted /run/gone rw - ext4 /dev/sda2 rw',
    '27 23 0:30 / /data/bound rw - tmpfs none rw',
    '28 22 0:31 / /data rw - tmpfs none rw',
    '',
  ].join('\n'),
);

const entry = (id: number) => {
  const found = table.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no mount ${id} in the table of this test`);
  return found;
};

describe('a line of the mount table', () => {
  test('has fields before and after any number of optional ones', () => {
    expect(entry(21)).toEqual({
      id: 21,
      parent: 20,
      device: '0:20',
      root: '/',
      deleted: false,
      target: '/run',
      options: ['rw', 'nosuid'],
      filesystem: 'tmpfs',
      source: 'tmpfs',
      superOptions: ['rw', 'size=1024k'],
    });
  });

  test('says when the bound tree was removed', () => {
    expect(entry(26)).toMatchObject({ root: '/gone', deleted: true });
  });

  test('escapes white space and backslashes', () => {
    expect(entry(25).target).toBe('/run/with space\t\\');
    expect(unescapeOctal('plain\\0404')).toBe('plain 4');
  });

  test.each(['', 'no table at all', '1 2 3:4 / /x rw', '1 2 3:4 / /x rw -'])(
    'is skipped when it is none: %j',
    (line) => {
      expect(parseMountinfo(line)).toEqual([]);
    },
  );
});

describe('a path', () => {
  test.each([
    ['/etc/passwd', 20],
    ['/run', 21],
    ['/running', 20],
    ['/run/deep/x', 24],
    // 28 hides 22 and everything on it, whatever is more specific.
    ['/data/bound/file', 28],
  ])('%s leads into mount %d', (path, id) => {
    expect(mountOf(table, path)?.id).toBe(id);
  });

  test('is a mount point only when the walk ends in a mount right there', () => {
    expect(mountAt(table, '/run/deep')?.id).toBe(24);
    expect(mountAt(table, '/run/deep/x')).toBeUndefined();
    expect(mountAt(table, '/data/bound')).toBeUndefined();
  });

  test('leads to the topmost of stacked mounts', () => {
    const stacked = parseMountinfo(
      ['1 0 8:1 / / rw - ext4 a rw', '2 1 0:5 / /x rw - tmpfs b rw', '3 2 0:6 / /x rw - tmpfs c rw'].join('\n'),
    );
    expect(mountAt(stacked, '/x')?.id).toBe(3);
  });

  test('leads nowhere in an empty table', () => {
    expect(mountOf([], '/x')).toBeUndefined();
  });
});

test('mounts below a directory are strictly below it', () => {
  expect(mountsBelow(table, '/run').map(({ id }) => id)).toEqual([24, 25, 26]);
  expect(mountsBelow(table, '/run/deep')).toEqual([]);
});

test('the subtree of a mount is what hangs on it, parents first', () => {
  expect(subtreeOf(table, entry(21)).map(({ id }) => id)).toEqual([21, 24, 25, 26]);
});

describe('the names of a bound tree', () => {
  const visible = parseMountinfo(
    [
      '1 0 8:1 / / rw - ext4 /dev/sda1 rw',
      '2 1 8:1 /srv/tree /mnt/tree rw - ext4 /dev/sda1 rw',
      '3 1 8:1 /srv /alias rw - ext4 /dev/sda1 rw',
      '4 1 8:1 / /hidden rw - ext4 /dev/sda1 rw',
      '5 4 0:9 / /hidden rw - tmpfs none rw',
    ].join('\n'),
  );

  test('are all paths that lead to it, without the mount point itself and what is hidden', () => {
    const bound = mountAt(visible, '/mnt/tree');
    expect(bound && namesOf(visible, bound)).toEqual(['/srv/tree', '/alias/tree']);
  });

  test('are none once it was removed', () => {
    expect(namesOf(table, entry(26))).toEqual([]);
  });
});

describe('between two tables', () => {
  const line = (id: number, target: string, options = 'rw'): string =>
    `${id} 1 0:9 / ${target} ${options} - tmpfs n rw`;
  const parse = (...lines: readonly string[]) => parseMountinfo(lines.join('\n'));

  test.each([
    ['nothing changed', parse(line(2, '/a')), parse(line(2, '/a')), []],
    ['a mount came', parse(), parse(line(2, '/a')), ['/a']],
    ['a mount went', parse(line(2, '/a'), line(3, '/b')), parse(line(3, '/b')), ['/a']],
    ['a mount was replaced', parse(line(2, '/a')), parse(line(4, '/a')), ['/a']],
    ['a mount was remounted', parse(line(2, '/a')), parse(line(2, '/a', 'ro')), ['/a']],
    ['another was stacked on it', parse(line(2, '/a')), parse(line(2, '/a'), line(3, '/a')), ['/a']],
  ])('%s', (_, before, after, targets) => {
    expect(changedTargets(before, after)).toEqual(targets);
  });
});
