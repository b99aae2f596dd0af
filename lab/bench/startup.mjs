import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMs, freePort, memoryMiB, root, start, startRegistry, waitedMs } from '@rondo/harness';
import { figure, median, show, table } from './report/figures.mjs';
import { add, callFor, connectTo } from './startup/raw-client.mjs';

const LANES = 32;

/**
 * What it costs to start calculator: the time and the processor time from the spawn to its first answered call, and its memory
 * at rest and under load. A bare grpc-js server with the same method takes turns with it. A client of plain HTTP/2 tries to
 * connect from the spawn on.
 *
 * On a busy machine the wall time says nothing. "own ms" is the wall time less the time for which the main thread waited for a
 * processor.
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
    node: { type: 'text', value: 'FLAG', help: "a flag of Node's for calculator" },
  },
  async run({ rounds, rest, seconds, main, node }, setting) {
    const systems = await systemsOf({ main, node }, setting);
    const taken = new Map(systems.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < systems.length; turn += 1) {
        const system = systems[(round + turn) % systems.length];
        taken.get(system.name).push(await measure(system, { rest, seconds }));
      }
    }
    show(report(taken));
  },
};

/** What is compared; each takes the port that it listens on. */
async function systemsOf({ main, node }, { folder, onClose }) {
  const registry = await startRegistry({ warmingMs: 0, logFile: path.join(folder, 'registry.log') });
  onClose(() => registry.stop());
  const calculator = (file, flags) => (port, logFile) =>
    start(process.execPath, [...flags, path.resolve(root, file)], {
      env: {
        RONDO_LISTEN: `127.0.0.1:${port}`,
        RONDO_REGISTRY: registry.address,
        RONDO_DESCRIPTORS: path.join(root, 'packages/contracts/descriptors.binpb'),
      },
      ipc: true,
      logFile,
    });
  const plain = (port, logFile) =>
    start(process.execPath, [fileURLToPath(new URL('./startup/plain-server.mjs', import.meta.url))], {
      env: { LISTEN_PORT: String(port) },
      ipc: true,
      logFile,
    });
  const modules = 'services/calculator/dist/main.js';
  const other = main !== undefined || node !== undefined;
  return [
    { name: 'grpc-js', begin: plain },
    { name: 'calculator', begin: calculator(modules, []) },
    ...(other ? [{ name: main ?? node, begin: calculator(main ?? modules, node === undefined ? [] : [node]) }] : []),
  ].map(({ name, begin }) => ({ name, begin: (port) => begin(port, path.join(folder, `${port}.log`)) }));
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
    const calls = await callFor(session, { lanes: LANES, seconds });
    const callUs = ((cpuMs(running.pid) - usedBefore) / calls) * 1_000;
    return { ...first, atRest, underLoad: memoryMiB(running.pid).resident, callUs };
  } finally {
    session.destroy();
    await running.stop();
  }
}

function report(taken) {
  const plain = taken.get('grpc-js');
  const rows = [...taken].map(([name, measured]) => {
    const of = (key) => figure(median(measured.map((one) => one[key])));
    const ratio = median(measured.map((one, round) => one.cpuMs / plain[round].cpuMs));
    return [
      name,
      ...['wallMs', 'ownMs', 'cpuMs'].map(of),
      `${figure(ratio)} ×`,
      ...['atRest', 'underLoad', 'callUs'].map(of),
    ];
  });
  const columns = ['wall ms', 'own ms', 'CPU ms', 'CPU ratio', 'MiB at rest', 'MiB under load', 'CPU µs a call'];
  return table(['until the first call', ...columns], rows);
}
