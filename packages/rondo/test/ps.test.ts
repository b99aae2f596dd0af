import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { InstanceStatus, Protocol, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { systemClock } from '@rondo/rpc/clock';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { startFakeRegistry } from './fake-registry.js';
import { instance, instanceAt } from './instance.js';
import { startMute } from './mute-server.js';
import { rondo } from './recording-context.js';
import { startAdder } from './services.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let environment: { RONDO_REGISTRY: string };

beforeEach(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
});

afterEach(async () => {
  await registry.stop();
});

/** Text that would colour a terminal and forge a line. */
const HOSTILE = '\u001b[31mx\nforged';

describe('rondo ps', () => {
  it("escapes control characters in an instance's fields", async () => {
    registry.put(instance('a', ['sales.v1.OrderService'], { version: HOSTILE, zone: 'eu/\u009bz' }));
    const { stdout } = await rondo(['ps'], { environment });
    expect(stdout.split('\n')).toHaveLength(3);
    expect(stdout).toContain('\\u001b[31mx\\nforged');
    expect(stdout).toContain('eu/\\u009bz');
  });

  it('lists the instances of every page, sorted as people count, with the time since they started', async () => {
    const twoHoursAgo = BigInt(Date.now() - 2 * 3_600_000);
    const ten = instance('sales-10', ['sales.v1.OrderService', 'sales.v1.CustomerService']);
    registry.put({ ...ten, incarnation: twoHoursAgo });
    registry.put(
      instance('sales-2', ['sales.v1.OrderService'], { zone: 'eu/a', status: InstanceStatus.INSTANCE_STATUS_DRAINING }),
    );
    const { exitCode, stdout, stderr } = await rondo(['ps'], { environment });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'INSTANCE  ADDRESS          ZONE  STATUS    AGE  SERVICES',
        'sales-2   127.0.0.1:50051  eu/a  DRAINING  3m   sales.v1.OrderService',
        'sales-10  127.0.0.1:50051  -     SERVING   2h   sales.v1.CustomerService, sales.v1.OrderService',
        '',
        "sales-2 isn't picked: it is draining: it finishes its calls, and stops",
        '',
      ].join('\n'),
    );
  });

  it('shows version, canary and weight if an instance has them, and why a canary gets no calls', async () => {
    registry.put(instance('new', ['s.v1.S'], { version: '2.1.0', metadata: { canary: '5' } }));
    registry.put(instance('odd', ['s.v1.S'], { metadata: { canary: '5%' } }));
    registry.put(instance('old', ['s.v1.S'], { weight: 400 }));
    const { stdout } = await rondo(['ps'], { environment });
    expect(stdout).toBe(
      [
        'INSTANCE  ADDRESS          ZONE  STATUS   AGE  VERSION  CANARY  WEIGHT  SERVICES',
        'new       127.0.0.1:50051  -     SERVING  3m   2.1.0    5       -       s.v1.S',
        'odd       127.0.0.1:50051  -     SERVING  3m   -        5%      -       s.v1.S',
        'old       127.0.0.1:50051  -     SERVING  3m   -        -       400     s.v1.S',
        '',
        "odd isn't picked: it takes only calls that ask for its version: its label is canary=5%, which is not a number from 0 to 100, without a percent sign",
        '',
      ].join('\n'),
    );
  });

  it('shows which instances take frames', async () => {
    const endpoint = { address: '127.0.0.1:50051', security: Security.SECURITY_PLAINTEXT, minPingInterval: undefined };
    registry.put(
      instance('new', ['s.v1.S'], { endpoints: [{ ...endpoint, protocols: [1, Protocol.PROTOCOL_FRAMES] }] }),
    );
    registry.put(instance('old', ['s.v1.S'], { endpoints: [{ ...endpoint, protocols: [Protocol.PROTOCOL_TUNNEL] }] }));
    const { stdout } = await rondo(['ps'], { environment });
    expect(stdout).toContain(' CARRIER ');
    expect(stdout).toMatch(/new .* frames .*\nold .* - /);
  });

  it('takes the name of a service, shortened if it stays unique', async () => {
    registry.put(instance('a', ['sales.v1.OrderService'], { version: '1.2.3' }));
    registry.put(instance('b', ['projects.v1.TaskService']));
    const { stdout } = await rondo(['ps', 'order'], { environment });
    expect(stdout).toContain('1.2.3');
    expect(stdout).not.toContain('TaskService');
    const unknown = await rondo(['ps', 'ordr'], { environment });
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toContain('Did you mean "sales.v1.OrderService"?');
  });

  it('prints one JSON object for programs', async () => {
    registry.put(instance('a', ['sales.v1.OrderService']));
    expect(JSON.parse((await rondo(['ps', '--json'], { environment })).stdout)).toEqual({
      instances: [
        {
          instanceId: 'a',
          services: ['sales.v1.OrderService'],
          endpoints: [{ address: '127.0.0.1:50051', protocols: [], security: 'PLAINTEXT' }],
          zone: '',
          version: '',
          weight: 100,
          metadata: {},
          fingerprints: {},
          status: 'SERVING',
          operatorState: 'NONE',
          registerTime: expect.stringMatching(/^\d{4}-.*Z$/),
          cordonReason: null,
          cordonTime: null,
          lapseTime: null,
          lastRefused: null,
          notPicked: null,
        },
      ],
      cordoned: [],
      warming: false,
      position: { epoch: expect.stringMatching(/^\d+$/), revision: '2' },
      contracts: [],
    });
  });

  it('says of an instance that another process claims its id, and is refused', async () => {
    const refuseTime = new Date(systemClock.now() - 180_500);
    const lastRefused = { incarnation: 5n, address: '10.0.0.7:50051', refuseTime };
    registry.put(instance('sales-1', ['s.v1.S'], { lastRefused }));
    registry.put(instance('sales-2', ['s.v1.S'], { lastRefused: { ...lastRefused, address: '\u001b[2J\u202e' } }));
    const { exitCode, stdout } = await rondo(['ps', 's'], { environment });
    expect(exitCode).toBe(0);
    const remedy = 'give each its own RONDO_INSTANCE_ID, or stop one of them';
    expect(stdout.split('\n').slice(4)).toEqual([
      `sales-1 is also claimed by a process at 10.0.0.7:50051, which the registry refused 3m ago; ${remedy}`,
      `sales-2 is also claimed by a process at \\u001b[2J\\u202e, which the registry refused 3m ago; ${remedy}`,
      '',
    ]);
    const { instances } = JSON.parse((await rondo(['ps', '--json'], { environment })).stdout);
    expect(instances[0].lastRefused).toEqual({
      incarnation: '5',
      address: '10.0.0.7:50051',
      refuseTime: refuseTime.toISOString(),
    });
  });

  it('says why an instance is not picked, and which cordoned ones are not there', async () => {
    const { INSTANCE_STATUS_STARTING: status } = InstanceStatus;
    const lapseTime = new Date(systemClock.now() - 12_500);
    registry.mark('out', 'odd answers');
    registry.mark('away', '');
    registry.put(instance('fine', ['s.v1.S']));
    registry.put(instance('out', ['s.v1.S'], { lapseTime }));
    registry.put(instance('silent', ['s.v1.S'], { lapseTime }));
    registry.put(instance('young', ['t.v1.T'], { status }));
    const { exitCode, stdout } = await rondo(['ps'], { environment });
    expect(exitCode).toBe(0);
    const heldBack =
      'it stays for now, as so many ran out at once that network trouble is likelier than the death of all';
    // A second may have passed.
    expect(stdout.replace(/\b1\ds ago/g, '12s ago')).toBe(
      [
        'INSTANCE  ADDRESS          ZONE  STATUS          AGE  SERVICES',
        'fine      127.0.0.1:50051  -     SERVING         3m   s.v1.S',
        'out       127.0.0.1:50051  -     CORDONED        3m   s.v1.S',
        'silent    127.0.0.1:50051  -     LAPSED 12s ago  3m   s.v1.S',
        'young     127.0.0.1:50051  -     STARTING        3m   t.v1.T',
        '',
        "out isn't picked: cordoned 3m ago (odd answers)",
        `out hasn't renewed its lease, which ran out 12s ago; ${heldBack}`,
        `silent hasn't renewed its lease, which ran out 12s ago; ${heldBack}`,
        "young isn't picked: it is starting: what it can't serve without, such as its database, isn't there yet",
        'away is cordoned 3m ago, and not registered',
        '',
      ].join('\n'),
    );
    expect((await rondo(['ps', 't'], { environment })).stdout).not.toMatch(/^(away|out) /m);
    const { instances, cordoned } = JSON.parse((await rondo(['ps', '--json'], { environment })).stdout);
    expect(instances).toMatchObject([
      { instanceId: 'fine', operatorState: 'NONE', notPicked: null, lapseTime: null },
      {
        instanceId: 'out',
        operatorState: 'CORDONED',
        status: 'SERVING',
        cordonReason: 'odd answers',
        cordonTime: expect.stringMatching(/Z$/),
        notPicked: 'cordoned 3m ago (odd answers)',
      },
      { instanceId: 'silent', notPicked: null, lapseTime: lapseTime.toISOString() },
      { instanceId: 'young', notPicked: expect.stringContaining('starting') },
    ]);
    const setTime = expect.stringMatching(/Z$/);
    expect(cordoned).toEqual([
      { instanceId: 'out', reason: 'odd answers', setTime, registered: true },
      { instanceId: 'away', reason: '', setTime, registered: false },
    ]);
  });

  it('asks each instance with --check for its health and services', async () => {
    const adder = await startAdder('adder-1', registry.address);
    await registry.until('adder-1', 'INSTANCE_STATUS_SERVING');
    registry.put(instanceAt('127.0.0.1:1', 'dead', ['s.v1.S']));
    registry.put(instanceAt(adder.address, 'mistaken', ['s.v1.S']));
    registry.put(instanceAt(registry.address, 'mute', ['s.v1.S']));
    const { exitCode, stdout } = await rondo(['ps', '--check'], { environment });
    const checks = JSON.parse((await rondo(['ps', '--check', '--json'], { environment })).stdout).instances;
    const unchecked = JSON.parse((await rondo(['ps', '--json'], { environment })).stdout).instances;
    await adder.drain();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^INSTANCE .* AGE +CHECK +CARRIER +SERVICES\n/);
    expect(stdout).toMatch(/^adder-1 .* SERVING +\d+s +ok /m);
    const dead = "can't be reached from here (connect ECONNREFUSED 127.0.0.1:1)";
    expect(stdout).toContain(`\ndead ${dead}\n`);
    expect(stdout).toContain(
      '\nmistaken answers for other services: not for s.v1.S, but for rondo.conformance.v1.AdderService',
    );
    expect(checks.map(({ check }: { check: object }) => check)).toEqual([
      { state: 'ok', reason: '' },
      { state: 'unreachable', reason: dead },
      { state: 'other-service', reason: expect.stringContaining('not for s.v1.S') },
      { state: 'unknown', reason: 'answers, but tells neither its health nor its services' },
    ]);
    expect(unchecked[0]).not.toHaveProperty('check');
  });

  it('gives an instance that says nothing a second', async () => {
    const mute = await startMute();
    registry.put(instanceAt(mute.address, 'mute', ['s.v1.S']));
    const never = () => new Promise<never>(() => undefined);
    const health = implement(HealthDefinition, { check: never, list: never, async *watch() {} });
    const stuck = await serve(createRouter({ services: [health] }), { listen: '127.0.0.1:0' });
    registry.put(instanceAt(stuck.address, 'stuck', ['s.v1.S']));
    const { stdout } = await rondo(['ps', '--check'], { environment, clock: systemClock });
    await mute.close();
    await stuck.drain(0);
    expect(stdout).toContain("\nstuck can't be reached from here (no answer within 1000 ms)\n");
    expect(stdout).toMatch(/\nmute can't be reached from here \(no (answer|connection) within 1000 ms\)\n/);
  });

  it('prints the health status of an instance that is not ready', async () => {
    const adder = await startAdder('adder-1', registry.address, { ready: false });
    await registry.until('adder-1', 'INSTANCE_STATUS_STARTING');
    const { stdout } = await rondo(['ps', '--check'], { environment });
    await adder.drain();
    expect(stdout).toContain('\nadder-1 says NOT_SERVING when it is asked for its health\n');
  });

  it('says that no instance is registered, and that the registry is warming', async () => {
    registry.setWarming(true);
    const { exitCode, stdout, stderr } = await rondo(['ps'], { environment });
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`No instance is registered with the registry at ${registry.address}.\n`);
    expect(stderr).toContain('has just started empty');
  });

  it('names the address of a registry that can not be reached', async () => {
    const { exitCode, stderr } = await rondo(['ps', '--registry', '127.0.0.1:1', '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('npm start'),
    });
    expect((await rondo(['ps'], { environment: { RONDO_REGISTRY: 'here' } })).stderr).toContain(
      'RONDO_REGISTRY "here"',
    );
  });
});

it('says that a server is no registry', async () => {
  const adder = await startAdder('adder-1', registry.address);
  const { exitCode, stderr } = await rondo(['ps', '--registry', adder.address, '--json']);
  await adder.drain();
  expect(exitCode).toBe(1);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'UNIMPLEMENTED',
    message: expect.stringMatching(`^what answers at ${adder.address} is no registry .*--registry or RONDO_`),
  });
});
