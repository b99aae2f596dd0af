import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { createRouter, serve } from '@rondo/rpc/server';
import { startFakeRegistry } from './fake-registry.js';
import { instance, instanceAt } from './instance.js';
import { rondo } from './recording-context.js';
import { startAdder, startConformance } from './services.js';

const ADDER = 'rondo.conformance.v1.AdderService';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let environment: { RONDO_REGISTRY: string; RONDO_BALANCING?: string };
const closers: (() => unknown)[] = [];

/** An instance in the output of `--json`. */
interface Row {
  readonly instanceId: string;
  readonly state: string;
  readonly load: object | null;
  readonly share: number;
  readonly reason: string | null;
}

/** An address at which no process listens. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

beforeAll(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
  for (const name of ['adder-1', 'adder-2', 'adder-3']) {
    const service = await startAdder(name, registry.address);
    closers.push(() => service.drain());
    await registry.until(name, 'INSTANCE_STATUS_SERVING');
  }
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
  await registry.stop();
});

const pick = (...args: readonly string[]) => rondo(['pick', ...args], { environment });

const IDLE = { callsInFlight: 0, callsPerSecond: 0 };

/** The output of `--json`. */
async function picked(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await pick(...args, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('rondo pick', () => {
  it('names the instance that the next call would go to, and its address', async () => {
    const { exitCode, stdout, stderr } = await pick('AdderService');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^adder-[123] 127\.0\.0\.1:\d+\n$/);
  });

  it('picks --count times, as that many calls would', async () => {
    const { stdout } = await pick('AdderService/Add', '--count', '9');
    const counts = [1, 2, 3].map((number) => stdout.split(`adder-${number} `).length - 1);
    expect(counts).toEqual([3, 3, 3]);
  });

  it('prints the balancing policy and its origin as JSON', async () => {
    const view = await picked('AdderService/Add', '--count', '2', '--zone', 'eu-west/a');
    expect(view).toEqual({
      service: ADDER,
      method: 'Add',
      policy: {
        name: 'round_robin',
        weights: 'static',
        slowStartMs: 10_000,
        subsetSize: null,
        hashBalanceFactor: null,
        origin: 'default',
      },
      contractKnown: true,
      zone: 'eu-west/a',
      source: { state: 'connected', address: registry.address },
      picks: [expect.anything(), expect.anything()],
    });
  });

  it('goes by RONDO_BALANCING, and by --policy before that', async () => {
    environment = { ...environment, RONDO_BALANCING: `${ADDER}=least_request?slow_start=0s` };
    const configured = await picked('AdderService');
    const shown = await picked('AdderService', '--policy', 'weighted_round_robin?weights=load&subset=2');
    environment = { RONDO_REGISTRY: registry.address };
    expect(configured.policy).toMatchObject({ name: 'least_request', slowStartMs: 0, origin: 'configuration' });
    expect(shown.policy).toMatchObject({
      name: 'weighted_round_robin',
      weights: 'load',
      subsetSize: 2,
      origin: 'option',
    });
  });

  it.each([
    [[], 2, 'name a service: rondo pick CalculatorService'],
    [['a b'], 2, '"a b": must be a service, or service/method, such as calculator.v1.CalculatorService/Add'],
    [['AdderService', '--policy', 'lest_request'], 2, 'there is no policy "lest_request": is least_request meant?'],
    [['AdderService', '--zone', 'eu'], 2, '--zone="eu": where a process runs is written region/zone'],
    [['AdderService', '--count', '0'], 2, '--count 0: must be a whole number from 1 to 100000, such as 9'],
    [['AdderService', '--count', '100001'], 2, '--count 100001: must be a whole number from 1 to 100000'],
    [['AdderService/Ad'], 1, `${ADDER} has no method Ad; it has Add. Did you mean "Add"?`],
    [['AdderService', '--policy', 'ring_hash'], 1, 'no method of its contract says what its key is'],
    [
      ['AdderService', '--key', 'k'],
      2,
      '--key: the service is balanced by round_robin, by which no instance owns a key',
    ],
    [['AddrService'], 1, `no instance of "AddrService" is registered. Did you mean "${ADDER}"?`],
  ])('refuses %j', async (args, code, message) => {
    const { exitCode, stdout, stderr } = await pick(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('refuses a RONDO_BALANCING that is none', async () => {
    const bad = { ...environment, RONDO_BALANCING: 'x' };
    const { exitCode, stderr } = await rondo(['pick', 'AdderService'], { environment: bad });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('RONDO_BALANCING=x: "x" is not service=policy');
  });
});

describe('rondo pick --explain', () => {
  it('shows the share of each instance, and makes no call', async () => {
    const { exitCode, stdout } = await pick('AdderService', '--explain');
    expect(exitCode).toBe(0);
    const [policy, place, gap, heading, ...rows] = stdout.split('\n');
    expect(policy).toBe(`${ADDER}: round_robin, slow start 10 s, by default`);
    expect(place).toBe(`from no zone (--zone, RONDO_ZONE), by the registry at ${registry.address} (connected)`);
    expect(gap).toBe('');
    expect(heading).toMatch(/^INSTANCE +ADDRESS +ZONE +VERSION +WEIGHT +LOAD +STATE +SHARE +WHY$/);
    for (const [index, row] of rows.slice(0, 3).entries()) {
      expect(row).toMatch(
        new RegExp(`^adder-${index + 1} +127.0.0.1:\\d+ +- +- +\\S+ +0 in flight, 0/s +ready +33.[34] % +picked$`),
      );
    }
    // If there had been calls, the next reports would show them.
    const { endpoints } = await picked('AdderService', '--explain');
    expect(endpoints.map(({ load }: { load: unknown }) => load)).toEqual([IDLE, IDLE, IDLE]);
  });

  it('says of each that gets nothing why, though the registry lists it', async () => {
    const conformance = await startConformance('conformance-1', registry.address);
    const starting = await startAdder('starting', registry.address, { ready: false });
    const serving = InstanceStatus.INSTANCE_STATUS_SERVING;
    const silent = await serve(createRouter({ services: [] }), { listen: '127.0.0.1:0' });
    const others = [
      instanceAt(await closedPort(), 'dead', [ADDER]),
      instanceAt(conformance.address, 'other', [ADDER]),
      instanceAt(silent.address, 'silent', [ADDER]),
      { ...instanceAt(starting.address, 'unready', [ADDER]), status: serving },
      instance('leaving', [ADDER], { status: InstanceStatus.INSTANCE_STATUS_DRAINING, version: '2.1.0' }),
      instance('shelved', [ADDER], { zone: 'eu-west/a', weight: 7 }),
      instance('odd', [ADDER], { endpoints: [] }),
    ];
    registry.mark('shelved', 'replacing the disk');
    for (const one of others) registry.put(one);
    try {
      const { endpoints }: { endpoints: readonly Row[] } = await picked('AdderService', '--explain');
      const of = (id: string) => endpoints.find(({ instanceId }) => instanceId === id);
      expect(of('dead')).toMatchObject({ picked: false, share: 0, state: 'unreachable', load: null });
      expect(of('dead')?.reason).toMatch(/can't be reached from here \(.*refused/i);
      expect(of('leaving')).toMatchObject({ picked: false, state: 'draining', version: '2.1.0' });
      expect(of('leaving')?.reason).toContain('it is draining');
      expect(of('shelved')).toMatchObject({ picked: false, state: 'cordoned', zone: 'eu-west/a', weight: 7 });
      expect(of('shelved')?.reason).toMatch(/cordoned .* \(replacing the disk\)/);
      expect(of('starting')).toMatchObject({ picked: false, state: 'starting' });
      expect(of('odd')).toMatchObject({ picked: false, state: 'unreachable' });
      expect(of('odd')?.reason).toBe('it offers no address that this client can call');
      // A client notices this fault only by its first call.
      expect(of('silent')).toMatchObject({ picked: true, load: null });
      expect(of('silent')?.reason).toBe('picked, though it answers, but tells neither its health nor its services');
      expect(of('other')).toMatchObject({ state: 'other-service' });
      expect(of('other')?.reason).toContain('answers for other services');
      expect(of('unready')).toMatchObject({ state: 'not-serving' });
      expect(of('unready')?.reason).toContain('says NOT_SERVING');
      expect(of('adder-1')).toMatchObject({ picked: true, state: 'ready', reason: null });
      const shares = endpoints.map(({ share }) => share);
      expect(shares.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(1, 6);
    } finally {
      for (const { instanceId } of others) registry.remove(instanceId);
      await silent.drain(0);
      await starting.drain();
      await conformance.drain();
    }
  });

  it('shows the percent of a canary, and whom a call would go to that asks for a version', async () => {
    const canary = await startAdder('canary', registry.address);
    await registry.until('canary', 'INSTANCE_STATUS_SERVING');
    const known = registry.instance('canary');
    if (known === undefined) throw new Error('it is registered');
    registry.put({
      ...known,
      status: InstanceStatus.INSTANCE_STATUS_SERVING,
      version: '2.0.0',
      metadata: { canary: '5' },
    });
    try {
      const shares = async (...args: readonly string[]) => {
        const { endpoints } = await picked('AdderService', '--explain', ...args);
        return Object.fromEntries(
          endpoints.map(({ instanceId, share, reason }: Row) => [instanceId, { share, reason }]),
        );
      };
      const all = await shares();
      expect(all['canary'].share).toBeCloseTo(0.05, 2);
      expect(all['canary'].reason).toBe('picked, as a canary for 5 % of the calls');
      expect(all['adder-1'].reason).toBeNull();
      expect(all['adder-1'].share).toBeCloseTo(0.95 / 3, 2);
      const asked = await shares('-H', 'rondo-version=2.0.0');
      expect(asked['canary']).toEqual({ share: 1, reason: null });
      expect(asked['adder-1']).toEqual({ share: 0, reason: "its version isn't the one that is asked for" });
    } finally {
      await canary.drain();
      registry.remove('canary');
    }
  });

  it('fails if no instance would be picked, and still says why', async () => {
    registry.put(instance('alone', ['shop.v1.OrderService'], { status: InstanceStatus.INSTANCE_STATUS_DRAINING }));
    registry.put(instanceAt(await closedPort(), 'dead', ['shop.v1.OrderService']));
    try {
      const explained = await pick('OrderService', '--explain');
      expect(explained.exitCode).toBe(1);
      expect(explained.stdout).toContain('its contract is not known');
      expect(explained.stdout).toMatch(/^alone .* draining +- +it is draining/m);
      expect(explained.stdout).toMatch(/^dead .* unreachable +- +it can't be reached from here/m);
      const { exitCode, stderr } = await pick('OrderService');
      expect(exitCode).toBe(1);
      expect(stderr).toContain('no instance of shop.v1.OrderService can take the call');
      expect(stderr).toContain('draining');
    } finally {
      registry.remove('alone');
      registry.remove('dead');
    }
  });
});
