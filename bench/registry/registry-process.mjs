import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { takeAlong } from '../process/children.mjs';
import { connect } from './connection.mjs';

const MAIN = fileURLToPath(new URL('../../services/registry/dist/main.js', import.meta.url));
const START_MS = 10_000;
/** Linux counts a process's time in hundredths of a second, whatever its kernel's own. */
const TICK_MS = 10;

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts the registry as it is built, with the memory store, and waits until it answers.
 *
 * @param options `logFile` takes its log; `nodeArguments` go to Node, such as `--cpu-prof`.
 */
export async function startRegistry({ port, warmingMs = 10_000, logFile, nodeArguments = [] }) {
  const address = `127.0.0.1:${port}`;
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...nodeArguments, MAIN], {
    env: {
      PATH: process.env.PATH,
      RONDO_LISTEN: address,
      RONDO_LOG_LEVEL: 'info',
      RONDO_REGISTRY_WARMING_MS: String(warmingMs),
    },
    // Over a channel, so that it drains when this process is gone, whatever ended it.
    stdio: ['ignore', log, 'inherit', 'ipc'],
  });
  takeAlong(child);
  closeSync(log);
  const registry = { port, address, ...measures(child), ...endings(child) };
  await answer(registry);
  return registry;
}

async function answer({ address, stop }) {
  const lastAt = performance.now() + START_MS;
  const connection = connect(address);
  try {
    for (;;) {
      try {
        await connection.listServices({});
        return;
      } catch (error) {
        if (performance.now() > lastAt) {
          await stop();
          throw new Error(`the registry didn't start within ${START_MS} ms: ${error.message}`, { cause: error });
        }
        await sleep(20);
      }
    }
  } finally {
    connection.close();
  }
}

function measures({ pid }) {
  const status = (field) => {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1]) / 1024;
  };
  return {
    pid,
    cpuMs: () => cpuMs(pid),
    residentMiB: () => status('VmRSS'),
    peakMiB: () => status('VmHWM'),
  };
}

/** What a process has used of all processors together. */
export function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** What the whole machine has used. */
export function machineCpuMs() {
  const [, user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/);
  return [user, nice, system, irq, softirq].reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
}

function endings(child) {
  const end = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  };
  return { kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}
