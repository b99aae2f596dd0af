import { createServer } from 'node:net';
import { sleep, systemClock, systemRandom } from '@rondo/rpc/clock';
import { configuredMutualTls } from '@rondo/rpc/internal';
import { formatHostPort, type HostPort } from './config/parsers.js';
import { ConfigurationError } from './config/variables.js';
import { serverCheck } from './join/check-server.js';
import { type Child, startChild } from './join/child.js';
import { readSettings } from './join/settings.js';
import { createLog } from './log.js';
import { registerServer } from './registration/register-server.js';

/**
 * `rondo join`: keeps a server of any language registered as long as it answers. With a command it starts the server, too, and ends with it.
 * SIGTERM and SIGINT drain the server. It never touches a call.
 */
const EXIT_CONFIGURATION = 78;
/** How long the registry may take to learn of the drain. */
const NOTIFY_MS = 2_000;
/** The program, its file, and `join`. */
const OWN_ARGUMENTS = 3;

try {
  await join(process.argv.slice(OWN_ARGUMENTS));
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  process.stderr.write(`rondo join: ${error.faults.join('\n  ')}\n`);
  process.exit(EXIT_CONFIGURATION);
}

async function join(args: readonly string[]): Promise<void> {
  const settings = readSettings(args, process.env);
  const {
    services,
    command,
    registries,
    handover,
    tls,
    zone = '',
    version,
    weight,
    metadata,
    logLevel: level,
  } = settings;
  if (handover) await untilWanted();
  const at = await reachable(settings.address);
  const address = formatHostPort(at);
  const { instanceId = `${services[0]?.split('.').at(-1)?.toLowerCase()}-${systemRandom.hex(3)}` } = settings;
  const log = createLog({ service: 'join', instanceId, level });
  const child = command.length === 0 ? undefined : startChild(command, at.port);
  const server = registerServer({
    registry: registries,
    instanceId,
    address,
    services,
    tls: tls === 'on',
    zone,
    version,
    weight,
    metadata,
    logger: log,
    check: serverCheck({ address, services, mutualTls: configuredMutualTls(process.env) }),
  });
  let isEnding = false;
  const end = async (signal: NodeJS.Signals) => {
    // The second signal is for a server that doesn't end.
    if (isEnding) return child?.kill('SIGKILL');
    isEnding = true;
    const isKnown = await server.drain(AbortSignal.timeout(NOTIFY_MS));
    if (isKnown) await sleep(systemClock, settings.drainWaitMs);
    const code = await stop(child, signal, settings.drainGraceMs);
    await server.close();
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal));
  process.on('SIGHUP', () => child?.kill('SIGHUP'));
  // The launcher has died.
  process.on('disconnect', () => void end('SIGTERM'));
  void child?.ended.then(async () => {
    if (isEnding) return;
    isEnding = true;
    await server.close();
    process.exit(await stop(child, 'SIGTERM', settings.drainGraceMs));
  });
}

/** Resolves to the server's exit code; 0 without one. */
async function stop(child: Child | undefined, signal: NodeJS.Signals, graceMs: number): Promise<number> {
  if (child === undefined) return 0;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  const code = await child.ended;
  await child.endRest();
  clearTimeout(timer);
  return code;
}

/** Tells the launcher that only the port is missing, and waits for its word: it has asked the process before to end. */
function untilWanted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('message', () => resolve()).once('disconnect', () => process.exit(0));
    process.send?.('prepared', undefined, undefined, () => undefined);
  });
}

/** The address with a free port in the place of 0. */
function reachable({ host, port }: HostPort): Promise<HostPort> {
  if (port > 0) return Promise.resolve({ host, port });
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, host, () => {
      const bound = probe.address();
      probe.close(() => resolve({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port }));
    });
  });
}
