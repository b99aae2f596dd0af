import { type ChildProcess, fork } from 'node:child_process';

const MAX_OUTPUT_LENGTH = 10_000;

/** A built service that is to run in a process of its own. */
export interface ServiceProcess {
  /** Its `main.js`. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  /** The part of the log line in front of the address: `listening on `. */
  readonly announced: string;
}

/** Starts a service, which ends with this process. Resolves to its port on the loopback. */
export function startProcess({ main, env, announced }: ServiceProcess): Promise<number> {
  // It ends when the IPC channel closes.
  const service = fork(main, {
    env: { ...process.env, RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  return listeningPort(service, new RegExp(`"${announced}127\\.0\\.0\\.1:(\\d+)`));
}

function listeningPort(service: ChildProcess, line: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    service.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_LENGTH);
      const [, port] = line.exec(output) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
    service.once('exit', (code) => reject(new Error(`the service exited with ${code}: ${output}`)));
  });
}
