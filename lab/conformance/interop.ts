import { createConnection } from 'node:net';
import { join } from 'node:path';
import { eventually, freePort, start, startService } from '@rondo/harness';
import type { Tools } from './build.js';

/** The cases of grpc's interop suite that grpc-go has and that need neither TLS nor credentials. */
export const interopCases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
] as const;

/** A client and a server that runs. */
export interface Pair {
  /** Runs one case. It resolves to undefined if the case passed, else to what the client printed. */
  run(name: string): Promise<string | undefined>;
  stop(): Promise<unknown>;
}

/** Only a hang reaches it. */
const CASE_TIMEOUT_SECONDS = '300';

/** Grpc-go's client and our service. */
export async function callRondo(clone: string, { interopClient }: Tools): Promise<Pair> {
  const { address, stop } = await startService('interop', { root: clone });
  const [host = '', port = ''] = address.split(':');
  const server = ['-server_host', host, '-server_port', port];
  return { stop, run: (name) => outcome(clone, [interopClient, ...server, '-test_case', name]) };
}

/** Our client and grpc-go's server. */
export async function callGo(clone: string, { interopServer }: Tools): Promise<Pair> {
  const port = await freePort();
  const server = start(interopServer, ['-port', String(port)], { cwd: clone });
  try {
    await eventually(() => connects(port));
  } catch (error) {
    await server.stop();
    throw error;
  }
  const client = join(clone, 'services/interop/dist/client.js');
  return { stop: server.stop, run: (name) => outcome(clone, [process.execPath, client, `127.0.0.1:${port}`, name]) };
}

async function outcome(cwd: string, command: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await start('timeout', [CASE_TIMEOUT_SECONDS, ...command], { cwd }).ended;
  return code === 0 ? undefined : `exit ${code}: ${stdout}${stderr}`;
}

function connects(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
