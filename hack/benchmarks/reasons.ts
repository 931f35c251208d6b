/** Why goals are missed, in one sentence for each kind of figure; written by people who measured it. */

interface Reason {
  readonly of: RegExp;
  readonly why: string;
}

/** The first that fits counts. */
const REASONS: readonly Reason[] = [
  {
    of: /control socket answers, N/,
    why: "some 30 ms of CPU are Node's own start, 60 the loading of the program, 80 the look at storage and device without which there is nothing to answer; a single core that others use as well makes more of it",
  },
  {
    of: /all STARTED.*N = 20/,
    why: 'twenty lxc-starts alone keep two cores busy for as long as the floor beside it says; the start of the daemon comes before, and its work for each container between',
  },
  { of: /all STARTED/, why: 'what it takes until the control socket answers comes before the first container' },
  {
    of: /drop → (init running|new container STARTED)/,
    why: 'the former container is stopped and taken down by LXC, its volumes go and come, and a monitor starts: each step is looked at before the next one',
  },
  {
    of: /5000 keys, first call/,
    why: 'the first call runs code that V8 has not optimised yet; further calls, beside it, show what is left then',
  },
  {
    of: /^(giant|documents that|wrong|bad chunks|pipelining|watchers|binary garbage|slow loris|half|10 000).*: longest stall/,
    why: 'what has arrived is read and parsed in one turn of the event loop, of all connections that an attacker may hold; attacker and operator take from the same two cores meanwhile',
  },
  {
    of: /longest (stall|silence)|silence/,
    why: 'where the load is above the number of cores, a stall holds the time that other processes had the core; see the load averages of the section, and measure on a quiet machine',
  },
  {
    of: /^GET \/containers/,
    why: 'each request is a connection of its own whose caller is told by its cgroup before it is answered; a bare node:http server, the floor beside it, is the most that Node gives',
  },
  {
    of: /PUT object of 200 MB/,
    why: 'the object is hashed, written and synced on the way; the floors beside it say what sha256sum and the disk give by themselves',
  },
  {
    of: /PUTs of 100 bytes/,
    why: 'file and name are synced before the answer, which is two commits of the journal for each object; the floor beside it is the same by hand',
  },
  { of: /^GET (object|\/objects)/, why: 'one thread reads, and sends through the same event loop' },
  { of: /^GC of/, why: 'every name is looked at and removed by itself, so that the event loop goes on meanwhile' },
  {
    of: /real updates: (RSS|private dirty)/,
    why: "what grows is code that V8 compiles and optimises (its spaces `code` and `trusted`), ever less with every update; the heap's `old` space stays as it is",
  },
  {
    of: /files in storage/,
    why: 'the history has not got all its segments yet, whose number is limited (8 of each of two rings)',
  },
  {
    of: /simulated.*(heap|memory)/,
    why: 'the run was too short to tell growth from warming up, or there is a leak: look at it',
  },
  {
    of: /RSS|PSS|private dirty/,
    why: 'some 48 MB are pages of the Node binary, shared and reclaimable; the rest is a JavaScript heap and its code',
  },
];

/** undefined: nobody has said why yet. */
export const reasonOf = (figure: string): string | undefined => REASONS.find(({ of }) => of.test(figure))?.why;
