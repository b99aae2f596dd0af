import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { start, startWorker } from '@rondo/harness';
import { show } from './report/figures.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Whether clients by others that give calls up, by deadline and by cancelling, harm the other calls on their one connection: a
 * client in Go and one on Python's grpcio, each with `rate` such calls a second of each kind.
 */
export const benchmark = {
  name: 'resets',
  summary: 'whether Go and Python clients that give calls up harm the other calls on their connection',
  needs: 'Go and Python 3',
  options: {
    seconds: { type: 'count', default: 10, help: 'how long each client calls' },
    rate: { type: 'count', default: 2_000, help: 'how many calls of each kind it gives up a second' },
  },
  async run({ seconds, rate }, { folder }) {
    for (const [name, build] of Object.entries({ go: buildGo, python: buildPython })) {
      const [program, ...args] = await build(folder);
      const measured = await measure(program, (address) => [...args, address, String(seconds), String(rate)]);
      show(`${name}: ${JSON.stringify(measured)}`);
    }
  },
};

/** Builds the client in Go; gives the command that runs it. */
async function buildGo(folder) {
  const client = path.join(folder, 'client');
  await succeed('go', ['build', '-o', client, '.'], here('../packages/rpc/test/go-client'));
  return [client];
}

/** Installs what the client in Python imports; gives the command that runs it. */
async function buildPython(folder) {
  const python = path.join(folder, 'venv/bin/python');
  await succeed('python3', ['-m', 'venv', path.join(folder, 'venv')]);
  const requirements = ['--requirement', here('resets/requirements.txt')];
  await succeed(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements]);
  return [python, here('resets/client.py')];
}

async function measure(program, toArgs) {
  const server = startWorker(new URL('./resets/server.mjs', import.meta.url));
  try {
    const { stdout } = await succeed(program, toArgs(`127.0.0.1:${await server.ask('port')}`));
    const { connections, cpu } = await server.ask('report');
    return { ...JSON.parse(stdout), connections, serverCpuSeconds: (cpu.user + cpu.system) / 1e6 };
  } finally {
    await server.close();
  }
}

async function succeed(program, args, cwd) {
  const ended = await start(program, args, { cwd }).ended;
  if (ended.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${ended.stderr}`);
  return ended;
}
