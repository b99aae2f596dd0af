import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMs, freePort, memoryMiB, root, start, startRegistry, waitedMs } from '@rondo/harness';
import { inLanes } from './gateway/lanes.mjs';
import { figure, median, show, table } from './report/figures.mjs';
import { add, connectTo } from './startup/raw-client.mjs';

const LANES = 32;

/**
 * What it costs to start calculator: the time and the processor time from the spawn to its first answered call, and its memory
 * at rest and under load. A bare grpc-js server with the same method takes turns with it. A client of plain HTTP/2 tries to
 * connect from the spawn on.
 *
 * On a busy machine the wall time says nothing. "own ms" is the wall time less the time for which the main thread waited for a
 * processor. The files that each loads until then are counted in a start of its own, as that takes time.
 */
export const benchmark = {
  name: 'startup',
  summary: 'what a start of calculator costs until its first answered call, and its memory',
  needs: 'Linux',
  options: {
    rounds: { type: 'count', default: 7, help: 'how often each is started' },
    rest: { type: 'count', default: 10, help: 'seconds without a call before the memory at rest is read' },
    seconds: { type: 'count', default: 3, help: 'how long the load takes' },
    main: { type: 'text', value: 'FILE', help: 'another build of calculator, such as bundle/calculator/dist/main.mjs' },
  },
  async run({ rounds, rest, seconds, main }, setting) {
    const systems = await systemsOf(main, setting);
    const taken = new Map(systems.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < systems.length; turn += 1) {
        const system = systems[(round + turn) % systems.length];
        taken.get(system.name).push(await measure(system, { rest, seconds }));
      }
    }
    show(report(taken, await filesOf(systems)));
  },
};

/** What is compared; each takes the port that it listens on. */
async function systemsOf(main, { folder, onClose }) {
  const registry = await startRegistry({ warmingMs: 0, logFile: path.join(folder, 'registry.log') });
  onClose(() => registry.stop());
  const calculator = (file) => (port, logFile, flags) =>
    start(process.execPath, [...flags, path.resolve(root, file)], {
      env: {
        RONDO_LISTEN: `127.0.0.1:${port}`,
        RONDO_REGISTRY: registry.address,
        RONDO_DESCRIPTORS: path.join(root, 'packages/contracts/descriptors.binpb'),
      },
      ipc: true,
      logFile,
    });
  const plain = (port, logFile, flags) =>
    start(process.execPath, [...flags, fileURLToPath(new URL('./startup/plain-server.mjs', import.meta.url))], {
      env: { LISTEN_PORT: String(port) },
      ipc: true,
      logFile,
    });
  return [
    { name: 'grpc-js', begin: plain },
    { name: 'calculator', begin: calculator('services/calculator/dist/main.js') },
    ...(main === undefined ? [] : [{ name: main, begin: calculator(main) }]),
  ].map(({ name, begin }) => ({
    name,
    begin: (port, flags = []) => begin(port, path.join(folder, `${port}.log`), flags),
  }));
}

/** How many files each has loaded when its first call has been answered. */
async function filesOf(systems) {
  const counts = new Map();
  for (const { name, begin } of systems) {
    const port = await freePort();
    const running = begin(port, ['--import', new URL('../e2e/src/loaded-files.mjs', import.meta.url).href]);
    const session = await connectTo(port);
    await add(session);
    const answered = once(running.process, 'message');
    running.process.send('which files?');
    counts.set(name, String((await answered)[0]).split('\n').length);
    session.destroy();
    await running.stop();
  }
  return counts;
}

async function measure({ begin }, { rest, seconds }) {
  const port = await freePort();
  const startedAt = performance.now();
  const running = begin(port);
  const session = await connectTo(port);
  try {
    await add(session);
    const wallMs = performance.now() - startedAt;
    const first = { wallMs, ownMs: wallMs - waitedMs(running.pid), cpuMs: cpuMs(running.pid) };
    await sleep(rest * 1_000);
    const atRest = memoryMiB(running.pid).resident;
    const usedBefore = cpuMs(running.pid);
    const calls = await inLanes({ lanes: LANES, seconds }, () => add(session));
    const callUs = ((cpuMs(running.pid) - usedBefore) / calls) * 1_000;
    return { ...first, atRest, underLoad: memoryMiB(running.pid).resident, callUs };
  } finally {
    session.destroy();
    await running.stop();
  }
}

function report(taken, files) {
  const plain = taken.get('grpc-js');
  const rows = [...taken].map(([name, measured]) => {
    const of = (key) => figure(median(measured.map((one) => one[key])));
    const ratio = median(measured.map((one, round) => one.cpuMs / plain[round].cpuMs));
    return [
      name,
      ...['wallMs', 'ownMs', 'cpuMs'].map(of),
      `${figure(ratio)} ×`,
      files.get(name),
      ...['atRest', 'underLoad', 'callUs'].map(of),
    ];
  });
  const columns = [
    'wall ms',
    'own ms',
    'CPU ms',
    'CPU ratio',
    'files',
    'MiB at rest',
    'MiB under load',
    'CPU µs a call',
  ];
  return table(['until the first call', ...columns], rows);
}
