import path from 'node:path';
import { freePort, until } from '@rondo/harness';
import { REPLICAS, type Scenario, type ScenarioContext } from '../scenario.js';
import type { Load } from '../testbed/load.js';
import type { Replica } from '../testbed/testbed.js';
import { now } from '../time.js';

/** Requests a second of all clients together. */
const REQUESTS_PER_SECOND = 200;

const CLIENTS = {
  'HTTP/1.1': { over: 'http1' },
  'HTTP/2': { over: 'http2' },
  gRPC: { through: 'gateway' },
} as const;

/** Every replica of a backend is restarted, one after the other, and then both gateways in front of it. */
export const gatewayRestart: Scenario = {
  name: 'gateway-restart',
  fault: 'rolling restart of three replicas, then of the two gateways in front of them',
  bound: '0 failed, by HTTP/1.1 and HTTP/2 behind a load balancer, and by gRPC',
  control: 'SIGKILL in place of the drain',
  async run(context) {
    const { testbed, verdict, control } = context;
    const signal = control ? 'SIGKILL' : 'SIGTERM';
    await testbed.startRegistry();
    const replicas = await Promise.all(REPLICAS.map((id) => testbed.startReplica(id)));
    const ports = [await freePort(), await freePort()];
    const gateways = await Promise.all(ports.map((port, index) => startGateway(context, `gateway-${index + 1}`, port)));
    const addresses = ports.map((port) => `127.0.0.1:${port}`);
    const loads = Object.entries(CLIENTS).map(([client, over]) => {
      const callsPerSecond = REQUESTS_PER_SECOND / Object.keys(CLIENTS).length;
      return { client, load: testbed.startLoad({ ...context.safe, callsPerSecond, addresses, ...over }) };
    });
    await untilEachUses(loads, addresses);
    await untilServedBy(loads, REPLICAS);
    for (const replica of replicas) {
      await replica.restart(signal);
      await untilServedBy(loads, [replica.id]);
    }
    for (const [index, gateway] of gateways.entries()) {
      await gateway.restart(signal);
      await untilEachUses(loads, [addresses[index] ?? '']);
    }
    for (const { client, load } of loads) verdict.noFailures(await load.stop(), `by ${client}`);
  },
};

function startGateway({ testbed }: ScenarioContext, id: string, port: number): Promise<Replica> {
  return testbed.startReplica(id, {
    service: 'gateway',
    env: {
      ...publicTls(testbed),
      RONDO_GATEWAY_LISTEN: `127.0.0.1:${port}`,
      // Its port then names the instance in each answer.
      RONDO_GATEWAY_CONSOLE: `127.0.0.1:${port}`,
      // Longer than the balancer takes to notice.
      RONDO_DRAIN_WAIT_MS: '3000',
    },
  });
}

/** The certificate of the public port is that of the process. */
function publicTls({ certificates }: ScenarioContext['testbed']): Readonly<Record<string, string>> {
  const files = certificates.filesOf('gateway');
  if (files === undefined) return {};
  return { RONDO_GATEWAY_TLS_DIR: path.dirname(files.cert), RONDO_GATEWAY_PLAINTEXT: 'refuse' };
}

type Loads = readonly { readonly load: Load }[];

/** Waits until each client has used each of the gateways. */
function untilEachUses(loads: Loads, addresses: readonly string[]) {
  const since = now();
  return Promise.all(loads.map(({ load }) => load.untilServed(addresses, since)));
}

const SERVED_TIMEOUT_MS = 30_000;

/** Waits until each of the replicas has served some client: the turns of clients and gateways may be in step. */
function untilServedBy(loads: Loads, ids: readonly string[]) {
  const since = now();
  const hasServed = (id: string) =>
    loads.some(({ load }) => load.calls.some(({ at, instance }) => at >= since && instance === id));
  const what = `a call each is served by ${ids.join(', ')}`;
  return until(() => ids.every(hasServed) || undefined, { what, timeoutMs: SERVED_TIMEOUT_MS });
}
