import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Instance, InstanceStatus, RemovalReason, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { systemClock } from '@rondo/rpc/clock';
import { startFakeRegistry } from './fake-registry.js';
import { begin, type Run, rondo } from './recording-context.js';
import { startCalculator } from './services.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let environment: { RONDO_REGISTRY: string };
const runs: Run[] = [];

beforeEach(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
});

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.interrupt();
    await run.exitCode;
  }
  await registry.stop();
});

function instance(instanceId: string, services: readonly string[], rest: Partial<Instance> = {}): Instance {
  return Instance.fromPartial({
    instanceId,
    services: [...services],
    endpoints: [{ address: '127.0.0.1:50051', security: Security.SECURITY_PLAINTEXT }],
    weight: 100,
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
    registerTime: new Date(systemClock.now() - 180_500),
    ...rest,
  });
}

function watch(...args: readonly string[]): Run {
  const run = begin(['watch', ...args], { environment });
  runs.push(run);
  return run;
}

describe('rondo ps', () => {
  it('lists the instances of every page, sorted as people count', async () => {
    registry.put(instance('sales-10', ['sales.v1.OrderService', 'sales.v1.CustomerService']));
    registry.put(
      instance('sales-2', ['sales.v1.OrderService'], { zone: 'eu/a', status: InstanceStatus.INSTANCE_STATUS_DRAINING }),
    );
    const { exitCode, stdout, stderr } = await rondo(['ps'], { environment });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'INSTANCE  ADDRESS          ZONE  STATUS    AGE  SERVICES',
        'sales-2   127.0.0.1:50051  eu/a  DRAINING  3m   sales.v1.OrderService',
        'sales-10  127.0.0.1:50051  -     SERVING   3m   sales.v1.CustomerService, sales.v1.OrderService',
        '',
      ].join('\n'),
    );
  });

  it('takes the name of a service, short where one alone can be meant', async () => {
    registry.put(instance('a', ['sales.v1.OrderService'], { version: '1.2.3' }));
    registry.put(instance('b', ['projects.v1.TaskService']));
    const { stdout } = await rondo(['ps', 'order'], { environment });
    expect(stdout).toContain('1.2.3');
    expect(stdout).not.toContain('TaskService');
    const unknown = await rondo(['ps', 'ordr'], { environment });
    expect(unknown.exitCode).toBe(2);
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
          registerTime: expect.stringMatching(/^\d{4}-.*Z$/),
        },
      ],
      warming: false,
      contracts: [],
    });
  });

  it('says so where there is nobody, and where the registry is warming', async () => {
    registry.setWarming(true);
    const { exitCode, stdout, stderr } = await rondo(['ps'], { environment });
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`No instance is registered with the registry at ${registry.address}.\n`);
    expect(stderr).toContain('has just started empty');
  });

  it('says where it looked for a registry that is away', async () => {
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

describe('a server that is no registry', () => {
  it.each(['ps', 'watch'])('is called so by rondo %s', async (command) => {
    const calculator = await startCalculator('calculator-1', registry.address);
    const { exitCode, stderr } = await rondo([command, '--registry', calculator.address, '--json']);
    await calculator.drain();
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'UNIMPLEMENTED',
      message: expect.stringMatching(`^what answers at ${calculator.address} is no registry .*--registry or RONDO_`),
    });
  });
});

describe('rondo watch', () => {
  it('shows the present state, then each change, until Ctrl-C', async () => {
    registry.put(instance('a', ['s.v1.S']));
    const { stdout, exitCode, interrupt } = watch();
    await stdout.shows(/\dZ = a {2}SERVING {2}127\.0\.0\.1:50051 {2}s\.v1\.S\n/);
    registry.put(instance('b', ['s.v1.S']));
    await stdout.shows(/\dZ \+ b {2}SERVING/);
    registry.put(instance('b', ['s.v1.S'], { status: InstanceStatus.INSTANCE_STATUS_DRAINING }));
    await stdout.shows(/~ b \(status SERVING → DRAINING\)/);
    registry.remove('b', RemovalReason.REMOVAL_REASON_EXPIRED);
    await stdout.shows(/- b \(expired\)/);
    interrupt();
    expect(await exitCode).toBe(0);
  });

  it('goes on when the registry restarts, and says so once', async () => {
    registry.put(instance('a', ['s.v1.S']));
    registry.put(instance('b', ['s.v1.S']));
    const { stdout } = watch();
    await stdout.shows(/= b/);
    await registry.stop();
    await stdout.shows(/! the registry at .* watching goes on when it is back/);
    registry = await startFakeRegistry(registry.address);
    registry.setWarming(true);
    await stdout.shows(/is back\n/);
    registry.put(instance('a', ['s.v1.S'], { weight: 7 }));
    await stdout.shows(/~ a \(weight 100 → 7\)/);
    expect(stdout.text()).not.toContain('- b');
    expect(stdout.text().match(/watching goes on/g)).toHaveLength(1);
  });

  it('prints one JSON object a line, of one service where it is named', async () => {
    registry.put(instance('a', ['s.v1.S']));
    registry.put(instance('b', ['t.v1.T']));
    const { stdout } = watch('S', '--json');
    await stdout.shows(/\n/);
    expect(
      stdout
        .text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ time: expect.any(String), type: 'present', instance: expect.objectContaining({ instanceId: 'a' }) }]);
  });

  it('waits for a registry that is not there yet, and for a service that nobody serves', async () => {
    const { address } = registry;
    await registry.stop();
    const everything = watch();
    await everything.stdout.shows(/can't be reached/);
    registry = await startFakeRegistry(address);
    await everything.stdout.shows(/is back/);
    watch('late.v1.LateService');
    const unknown = await rondo(['watch', 'late'], { environment });
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining('no instance serves "late"')]);
  });
});
