/** One attack in a process of its own: `attacker.ts NAME RUN-DIRECTORY`. */
import { ATTACKS } from './attacks.ts';

const [, , name = '', run = ''] = process.argv;
const attack = ATTACKS[name];
if (attack === undefined) throw new Error(`no attack ${name}; there are: ${Object.keys(ATTACKS).join(', ')}`);
await attack(run);
process.exit(0); // with whatever is still open
