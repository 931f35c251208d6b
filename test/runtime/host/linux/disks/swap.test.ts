import { describe, expect, test } from 'vitest';
import { parseSwaps, swapFlags } from '../../../../../runtime/host/linux/disks/swap.ts';

test('the table of swaps names each area in its first column', () => {
  const text = [
    'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority',
    '/dev/zram0                              partition\t8188\t\t0\t\t-2',
    '/a\\040b/swap                            file\t\t8188\t\t0\t\t5',
    '',
  ].join('\n');
  expect(parseSwaps(text)).toEqual(['/dev/zram0', '/a b/swap']);
  expect(parseSwaps('')).toEqual([]);
});

describe('options of swapon(8)', () => {
  test.each([
    [[], 0],
    [['-p', '5'], 0x8005],
    [['-p5'], 0x8005],
    [['--priority=32767'], 0xffff],
    [['--priority', '0'], 0x8000],
    [['-d'], 0x10000],
    [['--discard=once'], 0x30000],
    [['-dpages'], 0x50000],
    [['-o', 'pri=7,discard=once,nofail'], 0x38007],
  ])('%j become the flags of swapon(2)', (options, flags) => {
    expect(swapFlags(options)).toBe(flags);
  });

  test.each([
    [['-p', '-1']],
    [['-p']],
    [['-p', '32768']],
    [['--discard=all']],
    [['-o', 'loop']],
    [['-a']],
    [['/dev/sda1']],
  ])('%j are refused', (options) => {
    expect(() => swapFlags(options)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});
