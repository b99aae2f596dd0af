import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';

/** A process as the launcher reports it. */
interface Process {
  readonly name: string;
  readonly state: string;
  readonly pid?: number;
  readonly exits?: number;
  readonly public?: string;
}

/** One line of a launcher's answer. */
export interface Reply {
  readonly event: 'log' | 'done' | 'failed';
  readonly line?: string;
  readonly message?: string;
  readonly processes?: readonly Process[];
  readonly rows?: readonly { readonly name: string; readonly address: string; readonly services: readonly string[] }[];
}

/** Only a hang reaches it. */
const TIMEOUT_MS = 500_000;

/** The path of the socket on which the launcher of a data folder listens. */
export function socketOf(data: string): string {
  return JSON.parse(readFileSync(join(data, 'launcher.json'), 'utf8')).socket;
}

/** Sends the launcher of a data folder a request, as an object or a raw line, and gives the whole answer. */
export function ask(data: string, request: object | string): Promise<readonly Reply[]> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketOf(data));
    let text = '';
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer but: ${text}`)));
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    socket.once('error', reject);
    socket.once('end', () =>
      resolve(
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    );
    socket.write(typeof request === 'string' ? request : `${JSON.stringify(request)}\n`);
  });
}
