import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A server process that can be killed and frozen. */
export interface PeerProcess {
  readonly address: string;
  /** The number of calls that have reached it. Calls that arrive while it is frozen count when it continues. */
  readonly calls: () => number;
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
  close(): Promise<void>;
}

const SERVER = `
  const { createRequire } = require('node:module');
  const grpc = createRequire(process.argv[1] + '/')('@grpc/grpc-js');
  const server = new grpc.Server();
  const identity = (bytes) => bytes;
  const unary = (call, respond) => {
    process.stdout.write('call\\n');
    respond(null, Buffer.alloc(0));
  };
  server.register('/rondo.conformance.v1.ConformanceService/Unary', unary, identity, identity, 'unary');
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, port) => {
    process.stdout.write(port + '\\n');
  });`;

/** Serves `ConformanceService/Unary` from a process of its own. */
export async function startPeerProcess(): Promise<PeerProcess> {
  return await startProcess(SERVER);
}

/** Starts a process that runs `code`, which reports its port on the loopback interface, then `call` at each call. */
export async function startProcess(code: string): Promise<PeerProcess> {
  const packageFolder = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, ['-e', code, packageFolder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  let calls = 0;
  child.stdout.on('data', (lines) => {
    calls += String(lines).split('call').length - 1;
  });
  return {
    address: `127.0.0.1:${String(port).trim()}`,
    calls: () => calls,
    signal: (name) => void child.kill(name),
    async close() {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
