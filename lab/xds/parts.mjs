/** What `npm run lab -- xds` measures: each part has a system, and events after which calls are to be even among its servers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startSystem } from './system.mjs';

const CANARY_PERCENT = 5;
/** A canary's share may be off by half a percent of all calls. */
const CANARY_SCALE = 10;
/** After so long without its agent a server isn't listed any more. */
const AGENT_GONE_MS = 15_000;
/** How long the registry is away. */
const AWAY_MS = 120_000;

export function partOf(name) {
  const parts = { faults, etcd, canary, joined, 'pick-first': pickFirst };
  const part = parts[name];
  if (part === undefined) throw new Error(`--part is one of ${Object.keys(parts).join(', ')}`);
  return part;
}

/** A client may call before it knows a server, and a server that stops at once, or is frozen, has calls, which fail at once or at their deadline. */
const MAY_FAIL = true;
const started = (what) => [what, () => undefined, MAY_FAIL];

const faults = {
  start: (folder) => systemOf(folder),
  events: (system) => [
    started('three servers'),
    ['one drained', () => system.leave(1, (server) => server.stop())],
    ['one added', () => system.enter(4, () => system.add(4))],
    ['one killed', () => system.leave(2, (server) => server.stop('SIGKILL')), MAY_FAIL],
    ['one frozen', () => system.leave(3, (server) => server.signal('SIGSTOP')), MAY_FAIL],
    ['it goes on', () => system.enter(3, () => system.servers.get(3).signal('SIGCONT')), MAY_FAIL],
    ['registry away for 120 s', () => system.stopRegistry().then(() => sleep(AWAY_MS))],
    ['registry back, empty', () => system.startRegistry()],
    // A client tries to reach the registry at growing intervals.
    ['one added', () => system.enter(5, () => system.add(5).then(() => system.untilCalled(5)))],
  ],
};

const etcd = {
  start: (folder) => systemOf(folder, { withEtcd: true }),
  events: (system) => [
    started('three servers'),
    ['the leader of etcd killed', () => system.etcd.killLeader()],
    ['one added', () => system.enter(4, () => system.add(4))],
    ['one killed', () => system.leave(2, (server) => server.stop('SIGKILL')), MAY_FAIL],
  ],
};

/** Three servers, and a canary. */
const canary = {
  start: (folder) => systemOf(folder),
  events: (system) => [
    [`a canary of ${CANARY_PERCENT} %`, () => system.add(4, { RONDO_METADATA: `canary=${CANARY_PERCENT}` })],
  ],
  wanted(counts) {
    const sum = [...counts.values()].reduce((total, count) => total + count, 0);
    const percent = ((counts.get('4') ?? 0) / sum) * 100;
    return {
      text: `${sum} calls, the canary ${percent.toFixed(2)} %`,
      off: Math.abs(percent - CANARY_PERCENT) * CANARY_SCALE,
    };
  },
};

/** Servers that `rondo join` has started: server 2 by the agent that a later one replaces. */
const joined = {
  languages: ['rondo', 'node', 'python', 'go'],
  joined: ['go', 'python', 'go'],
  start: (folder) => systemOf(folder, { joined: joined.joined }),
  targetOf: ({ address }, language) => (language === 'rondo' ? address : undefined),
  events(system) {
    const signal = (number, name) => process.kill(system.servers.get(number).server, name);
    return [
      started('three servers'),
      ['a server frozen', () => system.leave(1, () => signal(1, 'SIGSTOP')), MAY_FAIL],
      ['it goes on', () => system.enter(1, () => signal(1, 'SIGCONT')), MAY_FAIL],
      ['a server killed', () => system.leave(3, () => signal(3, 'SIGKILL')), MAY_FAIL],
      ['one joined', () => system.enter(4, () => system.join(4, 'python'))],
      ['one drained', () => system.leave(4, (agent) => agent.stop())],
      ['an agent killed', () => killAgent(system, 2)],
      ['its server joined again', () => system.enter(2, () => system.join(2, '', system.servers.get(2).address))],
      ['no server has flapped', () => notFlapped(system)],
    ];
  },
};

/** Its server goes on, and holds its output open. Clients of Rondo go on calling it, as they are connected. */
async function killAgent(system, number) {
  system.leave(number, (agent) => agent.signal('SIGKILL'));
  system.mayBeCalled.add(number);
  await sleep(AGENT_GONE_MS);
}

/** An agent says when its server begins to take calls: once, and once more after it was frozen. */
function notFlapped({ servers }) {
  for (const [number, { output }] of servers) {
    const times = output().stdout.split('it takes calls').length - 1;
    if (times > (number === 1 ? 2 : 1)) throw new Error(`server ${number} has flapped: it began ${times} times`);
  }
}

/** A control: a client that picks the first address. Those of Go and Java take no list in their target. */
const pickFirst = {
  isControl: true,
  languages: ['node', 'python'],
  start: (folder) => systemOf(folder),
  targetOf: ({ servers }) => `ipv4:${[...servers.values()].map(({ address }) => address).join(',')}`,
  events: () => [started('three servers')],
};

/** A system that knows which of its servers are to be called. */
async function systemOf(folder, options) {
  const system = await startSystem(folder, options);
  const called = new Set(system.servers.keys());
  return Object.assign(system, {
    called,
    mayBeCalled: new Set(),
    leave(number, how) {
      called.delete(number);
      return how(system.servers.get(number));
    },
    enter(number, how) {
      called.add(number);
      return how();
    },
  });
}
