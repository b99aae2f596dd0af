/** The service as a server under test: its own `main.js`, in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ServerOptions, serveSuite } from './server-under-test.js';

const MAX_OUTPUT_LENGTH = 10_000;

await serveSuite(runService);

function runService({ maxRequestBytes }: ServerOptions): Promise<number> {
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  // Nothing listens on port 1: the service registers nowhere, whatever else runs on this machine.
  const env = {
    ...process.env,
    RONDO_LISTEN: '127.0.0.1:0',
    RONDO_REGISTRY: '127.0.0.1:1',
    RONDO_LOG_LEVEL: 'info',
    ...(maxRequestBytes !== undefined && { RONDO_MAX_REQUEST_BYTES: String(maxRequestBytes) }),
  };
  // It ends with this process, when the IPC channel closes.
  return listeningPort(fork(main, { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] }));
}

function listeningPort(service: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    service.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_LENGTH);
      const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(output) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
    service.once('exit', (code) => reject(new Error(`the service exited with ${code}: ${output}`)));
  });
}
