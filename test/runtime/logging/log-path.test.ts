import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archiveAt, archiveOf, othersOf, pathOf, rotatingAt, rotatingOf } from '../../../runtime/logging/log-path.ts';

const at = (platform: string, source: string, isOwn = false): string => pathOf({ platform, source, isOwn });

describe('where a record goes', () => {
  it.each([
    ['web', 'lxc/console.log', 'web/lxc/console.log'],
    ['web', '/var/log/messages', 'web/var/log/messages'],
    ['pantavisor-x', 'controller', 'pantavisor-x/controller'],
    ['web', '../../0/other/x', 'web/_/_/0/other/x'],
    ['web', './a/./b', 'web/_/a/_/b'],
    ['web', '///', 'web/_'],
    ['../web', 'a', '.._web/a'],
    ['web', 'a\0b\nc', 'web/a_b_c'],
    ['web', 'messages.3.gz', 'web/_messages.3.gz_'],
    ['web', '.messages.3.rotating', 'web/_.messages.3.rotating_'],
    ['web', '.messages.3.gz.pvtmp', 'web/_.messages.3.gz.pvtmp_'],
  ])('%j of %j', (platform, source, path) => {
    expect(at(platform, source)).toBe(platform === '../web' ? '_.._web_/a' : path);
  });

  it.each(['pantavisor', 'pantavisor-logger'])('is one file for all of %s, if it is Pantavisor', (platform) => {
    expect(at(platform, '/etc/passwd', true)).toBe('pantavisor/pantavisor.log');
  });

  it('is below the platform, short and plain, whatever a container calls its source', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '.', '/', '', 'x'.repeat(300), 'é'.repeat(200)),
    );
    fc.assert(
      fc.property(fc.array(names, { maxLength: 30 }), (parts) => {
        const components = at('web', parts.join('/')).split('/');
        expect(components[0]).toBe('web');
        expect(components.length).toBeLessThanOrEqual(13);
        for (const component of components) {
          expect(component).not.toMatch(/^\.{0,2}$|\p{Cc}/u);
          expect(Buffer.byteLength(component)).toBeLessThanOrEqual(202);
        }
        const path = components.join('/');
        expect(archiveAt(path) ?? rotatingAt(path)).toBeUndefined();
      }),
    );
  });

  it('names what rotation makes, and recognises it', () => {
    expect(archiveOf('0/web/a', 7)).toBe('0/web/a.7.gz');
    expect(archiveAt('0/web/a.7.gz')).toEqual({ path: '0/web/a.7.gz', of: '0/web/a', number: 7 });
    expect(rotatingOf('0/web/a', 7)).toBe('0/web/.a.7.rotating');
    expect(rotatingAt('0/web/.a.7.rotating')).toEqual({ path: '0/web/.a.7.rotating', of: '0/web/a', number: 7 });
    expect(archiveAt('0/web/a.gz')).toBeUndefined();
    expect(othersOf({ platform: 'web' })).toBe('web/others.log');
  });
});
