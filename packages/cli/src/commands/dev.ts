import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type CommandContext, defineCommand } from '../command.js';
import { dataDirectoryOf, dataOption, positiveInteger } from '../options.js';
import { needsClone } from '../scaffold.js';

/** `rondo dev`: the whole system, following the tree. */
export const dev = defineCommand({
  name: 'dev',
  summary: 'Starts what is there, and serves what is saved.',
  usage: '[--data DIR] [--port-base N] [--metrics] [--no-restart]',
  details: [
    'As npm start, and it watches proto/, packages/ and services/. A contract that is saved is generated and built, a',
    'source built, and the services that are made of it restarted: no others. What has a fault is shown where it is,',
    'and goes on as it was. Data stays. Needs a clone of the repository.',
  ].join('\n'),
  options: {
    data: {
      ...dataOption.data,
      description: "Holds the database, the logs and the passwords; by default the repository's .rondo.",
    },
    'port-base': { type: 'string', placeholder: 'N', description: "The registry's port; the others follow it: 50050." },
    metrics: { type: 'boolean', description: "Serve each process's metrics, 500 ports above its own." },
    'no-restart': { type: 'boolean', description: 'Leave a process down that ends by itself.' },
  },
  maxPositionals: 0,
  examples: [
    ['dev', 'Edit a service, and call it from another terminal.'],
    ['dev --data /tmp/other --port-base 51050', 'Beside a system that runs.'],
  ],
  run({ values }, context) {
    const portBase = positiveInteger('port-base', values['port-base']);
    const script = path.join(context.repository, 'scripts/run.mjs');
    if (!existsSync(script)) throw needsClone('dev');
    const told = [
      ...['--data', dataDirectoryOf(values.data, context)],
      ...(portBase === undefined ? [] : ['--port-base', String(portBase)]),
      ...(values.metrics ? ['--metrics'] : []),
      ...(values['no-restart'] ? ['--no-restart'] : []),
    ];
    return runToItsEnd([script, 'dev', ...told], context);
  },
});

/** On this process's terminal. It stops by itself when this process is gone. */
function runToItsEnd(args: readonly string[], { repository, signal }: CommandContext): Promise<number> {
  const child = spawn(process.execPath, args, { cwd: repository, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // A terminal's Ctrl-C reaches both; a signal to this process alone is handed on.
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}
