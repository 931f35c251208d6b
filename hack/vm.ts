/** Boots a disk image in QEMU; see hack/vm. */
import { parseArgs } from 'node:util';
import { hasQemu, startVm } from './device-image/vm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    memory: { type: 'string', default: '512' },
    status: { type: 'string', default: '8080' },
    push: { type: 'string', default: '12368' },
    temporary: { type: 'boolean', default: false },
  },
});
if (!hasQemu()) {
  console.error('hack/vm: qemu-system-x86_64 is missing: apt-get install --no-install-recommends qemu-system-x86');
  process.exit(1);
}
const [disk = '.cache/device.img'] = positionals;
console.log(
  `status page: http://127.0.0.1:${values.status}/   push: 127.0.0.1:${values.push}\n` +
    'The console follows; press Enter for a root shell once it says so. Ctrl-A X ends the machine.\n',
);
const vm = startVm({
  disk,
  console: 'stdio',
  ports: { [Number(values.status)]: 8080, [Number(values.push)]: 12368 },
  memoryMb: Number(values.memory),
  more: values.temporary ? ['-snapshot'] : [],
});
await vm.ended;
