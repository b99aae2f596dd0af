import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type CommandContext, defineCommand } from '../command.js';
import { dataDirectoryOf, dataOption, positiveInteger } from '../options.js';
import { needsClone } from '../scaffold.js';

/** `rondo dev`: runs the whole system, and restarts services when their sources change. */
export const dev = defineCommand({
  name: 'dev',
  summary: 'Starts the system, and rebuilds and restarts services when files are saved.',
  usage: '[--data DIR] [--port-base N] [--tls] [--auth] [--metrics] [--no-restart]',
  details: [
    'It does what npm start does, and it watches proto/, packages/ and services/. When a contract is saved, its code is',
    'generated; when a source is saved, it is compiled. Then the services that use it restart, and no others. A service with',
    'a compile error keeps running its last build, and the error is printed. Data is kept.',
  ].join('\n'),
  options: {
    data: {
      ...dataOption.data,
      description: "The folder of the database, the logs and the passwords; by default the workspace's .rondo.",
    },
    'port-base': {
      type: 'string',
      placeholder: 'N',
      description: "The registry's port, 50050 by default; the others follow it.",
    },
    tls: { type: 'boolean', description: 'Encrypt every connection, with certificates that are made for it.' },
    auth: { type: 'boolean', description: 'Verify who calls, with an issuer that is made for it; and --tls.' },
    metrics: { type: 'boolean', description: "Serve each process's metrics, 500 ports above its own port." },
    'no-restart': { type: 'boolean', description: "Don't restart a process that ends by itself." },
  },
  maxPositionals: 0,
  examples: [
    ['dev', 'Then edit a service, and call it from another terminal.'],
    ['dev --data /tmp/other --port-base 51050', 'A second system beside one that runs.'],
  ],
  run({ values }, context) {
    const portBase = positiveInteger('port-base', values['port-base']);
    const script = path.join(context.tool, 'run.mjs');
    if (!existsSync(script)) throw needsClone('dev');
    const told = [
      ...['--data', dataDirectoryOf(values.data, context)],
      ...(portBase === undefined ? [] : ['--port-base', String(portBase)]),
      ...(values.tls ? ['--tls'] : []),
      ...(values.auth ? ['--auth'] : []),
      ...(values.metrics ? ['--metrics'] : []),
      ...(values['no-restart'] ? ['--no-restart'] : []),
    ];
    return runToItsEnd([script, 'dev', ...told], context);
  },
});

/** Runs the program on this process's terminal. The program stops by itself when this process ends. */
function runToItsEnd(args: readonly string[], { repository, signal }: CommandContext): Promise<number> {
  const child = spawn(process.execPath, args, { cwd: repository, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // The terminal sends Ctrl-C to both processes; a signal to this process alone is forwarded.
  const stop = () => (process.platform === 'win32' ? child.disconnect() : child.kill('SIGTERM'));
  signal.addEventListener('abort', stop, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}
