import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { start, startWorker } from '@rondo/harness';
import { show } from './report/figures.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The clients, each with how it is built. */
const CLIENTS = { tunnel: () => rondo('tunnel'), grpc: () => rondo('grpc'), go: buildGo, python: buildPython };

/**
 * Whether clients that give calls up, by deadline and by cancelling, harm the other calls on their one connection: a Rondo
 * client with a tunnel and one without, and as controls a client in Go and one on Python's grpcio. Each gives up `rate` calls a
 * second in each way.
 */
export const benchmark = {
  name: 'resets',
  summary: 'whether clients that give calls up harm the other calls on their connection: Rondo, Go, Python',
  needs: 'Go and Python 3',
  options: {
    only: { type: 'text', value: 'C,…', help: `only these of ${Object.keys(CLIENTS).join(', ')}` },
    seconds: { type: 'count', default: 10, help: 'how long each client calls' },
    rate: { type: 'count', default: 2_000, help: 'how many calls of each kind it gives up a second' },
  },
  check({ only }) {
    const unknown = only?.split(',').find((name) => CLIENTS[name] === undefined);
    return unknown && `--only ${unknown}: there are ${Object.keys(CLIENTS).join(', ')}`;
  },
  async run({ only, seconds, rate }, { folder }) {
    for (const name of only?.split(',') ?? Object.keys(CLIENTS)) {
      const command = await CLIENTS[name](folder);
      const measured = await measure(command, [String(seconds), String(rate)]);
      show(`${name}: ${JSON.stringify(measured)}`);
    }
  },
};

/** A command, and what it finds in its environment. */
const rondo = (transport) => ({
  program: process.execPath,
  args: [here('resets/client.mjs')],
  env: { RONDO_TRANSPORT: transport },
});

/** Builds the client in Go; gives the command that runs it. */
async function buildGo(folder) {
  const client = path.join(folder, 'client');
  await succeed('go', ['build', '-o', client, './client'], { cwd: here('../packages/rpc/test/go') });
  return { program: client, args: [] };
}

/** Installs what the client in Python imports; gives the command that runs it. */
async function buildPython(folder) {
  const python = path.join(folder, 'venv/bin/python');
  await succeed('python3', ['-m', 'venv', path.join(folder, 'venv')]);
  const requirements = ['--requirement', here('resets/requirements.txt')];
  await succeed(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements]);
  return { program: python, args: [here('resets/client.py')] };
}

async function measure({ program, args, env = {} }, pace) {
  const server = startWorker(new URL('./resets/server.mjs', import.meta.url));
  try {
    const { stdout } = await succeed(program, [...args, `127.0.0.1:${await server.ask('port')}`, ...pace], {
      env,
    });
    const { connections, cpu } = await server.ask('report');
    return { ...JSON.parse(stdout), connections, serverCpuSeconds: (cpu.user + cpu.system) / 1e6 };
  } finally {
    await server.close();
  }
}

async function succeed(program, args, options = {}) {
  const ended = await start(program, args, options).ended;
  if (ended.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${ended.stderr}`);
  return ended;
}
