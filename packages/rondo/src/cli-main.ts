/** Runs the commands that inspect and operate a system: alone in an image, and by main.ts in a workspace. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { addAbortSignal } from 'node:stream';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { runCli } from './cli.js';
import type { RepositoryDoctor } from './doctor/checks.js';
import { ExitCode } from './exit-code.js';
import { type Input, rendered, type Terminal, wantsColor } from './terminal/terminal.js';
import { codeOf } from './workspace/errors.js';
import { root, tool } from './workspace/paths.js';

const interrupt = new AbortController();
// SIGHUP: the terminal was closed. The command still undoes what is half done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second signal ends the process at once.
    if (interrupt.signal.aborted) process.exit(ExitCode.INTERRUPTED);
    interrupt.abort();
  });
}

const stdin: Input = {
  interactive: process.stdin.isTTY === true,
  read: () => addAbortSignal(interrupt.signal, process.stdin),
};

const exitCode = await runCli(process.argv.slice(2), {
  stdin,
  stdout: terminal(process.stdout),
  stderr: terminal(process.stderr),
  environment: process.env,
  // npm runs scripts in the root; INIT_CWD is the folder in which the user called it.
  directory: process.env['INIT_CWD'] ?? process.cwd(),
  repository: root,
  tool,
  doctor: loadRepositoryDoctor,
  dataDirectory: path.join(root, '.rondo'),
  clock: systemClock,
  wallClock: systemWallClock,
  program: realpathSync(process.argv[1] ?? ''),
  signal: interrupt.signal,
});
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((written) => stream.write('', () => written()));
// An open pipe on standard input, or a host that doesn't answer a connection attempt, would keep the process alive.
process.exit(exitCode);

function terminal(stream: NodeJS.WriteStream): Terminal {
  // EPIPE: the reader of the pipe, such as head, has ended.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? ExitCode.OK : ExitCode.FAILED);
  });
  const color = wantsColor({ environment: process.env, interactive: stream.isTTY === true });
  return {
    live: stream.isTTY === true,
    // A window may be resized.
    get width() {
      return stream.columns;
    },
    get height() {
      return stream.rows;
    },
    color,
    write: (text, over) =>
      new Promise((resolve) => {
        if (stream.write(rendered(text, { color }, over))) resolve();
        else stream.once('drain', resolve);
      }),
  };
}

/** Loads the checks of the workspace; undefined in an image, which has none. */
async function loadRepositoryDoctor(): Promise<RepositoryDoctor | undefined> {
  try {
    return await import('./doctor/checks.js');
  } catch (error) {
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
