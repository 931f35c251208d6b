import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readImages } from '../../../hack/images/recipe.ts';

const examples = resolve(import.meta.dirname, '../../../examples');
let example = '';
beforeEach(() => {
  example = mkdtempSync(join(tmpdir(), 'pvunit-'));
});
afterEach(() => rmSync(example, { recursive: true }));

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(example, path)), { recursive: true });
  writeFileSync(join(example, path), text);
};
const keyOfWeb = (): string | undefined => readImages(example).find(({ container }) => container === 'web')?.key;

describe('a recipe', () => {
  test.each(readdirSync(examples))('is fine in the example %s', (name) => {
    expect(readImages(join(examples, name)).length).toBeGreaterThan(0);
  });

  test.each([
    { truth: 'an unknown key', recipe: { packages: [], program: ['/bin/x'] }, says: /program/ },
    { truth: 'something that is no package name', recipe: { packages: ['--force'] }, says: /Debian package name/ },
    { truth: 'a relative program', recipe: { packages: [], programs: ['bin/x'] }, says: /absolute path/ },
    { truth: 'a path that climbs', recipe: { packages: [], files: ['/etc/../../x'] }, says: /absolute path/ },
  ])('with $truth is refused, naming its file', ({ recipe, says }) => {
    put('images/web/recipe.json', JSON.stringify(recipe));
    expect(() => readImages(example)).toThrow(says);
    expect(() => readImages(example)).toThrow(/images\/web\/recipe\.json/);
  });

  test('has another key whenever what the image is made of changes', () => {
    put('images/web/recipe.json', '{"packages":[]}');
    const keys = [keyOfWeb()];
    put('images/web/rootfs/entrypoint', 'one');
    keys.push(keyOfWeb());
    put('images/web/rootfs/entrypoint', 'two');
    keys.push(keyOfWeb());
    chmodSync(join(example, 'images/web/rootfs/entrypoint'), 0o755);
    keys.push(keyOfWeb());
    put('images/web/recipe.json', '{"packages":["nginx"]}');
    keys.push(keyOfWeb());
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOfWeb()).toBe(keys.at(-1));
  });
});
