/**
 * Whether clients by others that give calls up, by deadline and by cancelling, harm the innocent calls on their one
 * connection: a Go client and one of Python's grpcio, 2,000 calls a second of each kind. Prints what became of them.
 *
 *   node bench/resets.mjs [--seconds 10] [--rate 2000]
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, rate: { type: 'string', default: '2000' } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = await mkdtemp(path.join(tmpdir(), 'rondo-resets-'));

/** How each client is made ready: what is then run with an address. */
const clients = {
  async go() {
    const cwd = here('../packages/rpc/test/go-client');
    await run('go', ['build', '-o', path.join(folder, 'client'), '.'], { cwd });
    return [path.join(folder, 'client')];
  },
  async python() {
    const python = path.join(folder, 'venv/bin/python');
    await run('python3', ['-m', 'venv', path.join(folder, 'venv')]);
    const requirements = ['--requirement', here('resets/requirements.txt')];
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements]);
    return [python, here('resets/client.py')];
  },
};

async function measure([program, ...args]) {
  const server = fork(new URL('./resets/server.mjs', import.meta.url));
  const [port] = await once(server, 'message');
  try {
    const { stdout } = await run(program, [...args, `127.0.0.1:${port}`, values.seconds, values.rate]);
    server.send('');
    const [{ connections, cpu }] = await once(server, 'message');
    return { ...JSON.parse(stdout), connections, serverCpuSeconds: (cpu.user + cpu.system) / 1e6 };
  } finally {
    server.kill();
  }
}

try {
  for (const [name, prepare] of Object.entries(clients)) {
    const made = await prepare();
    process.stdout.write(`Node ${process.version}, ${name}: ${JSON.stringify(await measure(made))}\n`);
  }
} finally {
  await rm(folder, { recursive: true });
}
