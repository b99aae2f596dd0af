import { createConnection } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../eventually.js';
import { serve } from '../foreign/served.js';
import { freeBase } from '../ports.js';
import { startIn } from '../run.js';
import type { Tools } from './tools.js';

/** Those of grpc's interop cases that grpc-go has and that need neither TLS nor credentials. */
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

/** A pair of programs of which one runs as the server. */
export interface Pair {
  /** Runs one case. It resolves to undefined if the case passed, else to what the client printed. */
  run(name: string): Promise<string | undefined>;
  stop(): Promise<void>;
}

const CASE_TIMEOUT_SECONDS = '30';

/** Grpc-go's client and our service. */
export async function callRondo(clone: string, { interopClient }: Tools): Promise<Pair> {
  const { address, stop } = await serve(clone, 'interop');
  const [host = '', port = ''] = address.split(':');
  const server = ['-server_host', host, '-server_port', port];
  return { stop, run: (name) => outcome(clone, [interopClient, ...server, '-test_case', name]) };
}

/** Our client and grpc-go's server. */
export async function callGo(clone: string, { interopServer }: Tools): Promise<Pair> {
  const port = await freeBase();
  const server = startIn({ cwd: clone }, interopServer, ['-port', String(port)]);
  const stop = async () => {
    server.process.kill('SIGTERM');
    await server.ended;
  };
  try {
    await eventually(() => connects(port));
  } catch (error) {
    await stop();
    throw error;
  }
  const client = join(clone, 'services/interop/dist/client.js');
  return { stop, run: (name) => outcome(clone, [process.execPath, client, `127.0.0.1:${port}`, name]) };
}

async function outcome(cwd: string, command: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await startIn({ cwd }, 'timeout', [CASE_TIMEOUT_SECONDS, ...command]).ended;
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
