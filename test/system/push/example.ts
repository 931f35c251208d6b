/** The gateway of the examples as a state and its objects, as `pvr` would have them in its repository. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freePort, rewritePorts } from '../../../hack/demonstration/ports.ts';
import { stageExample } from '../../../hack/images/build.ts';
import type { PvrState } from '../../pvr-client.ts';

export interface Example {
  readonly state: PvrState;
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Of its web server. */
  readonly web: number;
}

const WEB = 18080;
const MQTT = 18883;
const PANTAVISOR = resolve(import.meta.dirname, '../../../dist/pantavisor');

/** @param directory for what is made on the way. */
export const gatewayExample = async (directory: string): Promise<Example> => {
  const [source, tarball, unpacked] = ['source', 'gateway.tgz', 'unpacked'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]; // three of three
  await stageExample('gateway', source, () => undefined);
  const web = await freePort(WEB);
  rewritePorts(
    source,
    new Map([
      [WEB, web],
      [MQTT, await freePort(MQTT)],
    ]),
  );
  execFileSync(PANTAVISOR, ['pack', source, '-o', tarball]);
  mkdirSync(unpacked);
  execFileSync('tar', ['-xzf', tarball, '-C', unpacked]);
  const ids = readdirSync(join(unpacked, 'objects'));
  return {
    state: JSON.parse(readFileSync(join(unpacked, 'json'), 'utf8')),
    objects: new Map(ids.map((id) => [id, readFileSync(join(unpacked, 'objects', id))])),
    web,
  };
};
