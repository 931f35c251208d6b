/** `hack/image [--state EXAMPLE|DIRECTORY] [--size MIB] [--append WORDS] [OUTPUT]`: a bootable disk image. */
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildImage } from './device-image/build.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    state: { type: 'string', default: 'hello' },
    size: { type: 'string', default: '768' },
    append: { type: 'string', default: 'quiet' },
  },
});
const [output = '.cache/device.img'] = positionals;
await buildImage({
  state: values.state,
  output,
  sizeBytes: Number(values.size) * 1024 * 1024,
  options: values.append,
  say: console.log,
});
console.log(
  `${output}: ${Math.round((statSync(output).blocks * 512) / 1024 / 1024)} MiB on disk; boot it with hack/vm ${output}`,
);
