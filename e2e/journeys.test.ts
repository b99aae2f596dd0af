import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ProjectServiceDefinition,
  ProjectState,
  type WatchProjectResponse,
} from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition, OrderState, type WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition, QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { type Ended, eventually, isAlive, type System, start, startSystem } from '@rondo/harness';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { readCompany, runSeed } from './src/company.js';
import { examplesOf } from './src/readme.js';
import { plannedInstances } from './src/repository.js';
import { dayAt, requireYear, untilCounted } from './src/seeded.js';
import { toTally } from './src/tally.js';
import { follow } from './src/watching.js';

const ADD = 'calculator.v1.CalculatorService/Add';
const TWO_AND_THREE = '{"a": 2, "b": 3}';

/** The company's year ends on this Wednesday, which is in the past. */
const TODAY = '2020-02-26';

/** The registry isn't registered with itself. */
const SERVING = plannedInstances().filter((name) => name !== 'registry');

let system: System;

const shell = (command: string) => start('/bin/sh', ['-c', command]).ended;

const isInstalled = async (program: string) => (await shell(`command -v ${program}`)).code === 0;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(async () => {
  const names = ['registry', 'calculator-1', 'project-management-1', 'sales-1'];
  const pids = names.map((name) => system.pid(name));
  const { code } = await system.stop();
  expect(code).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(names.filter((name) => !system.log(name).includes('"msg":"drained"'))).toEqual([]);
  system.remove();
});

describe('journey 1: a newcomer', () => {
  it('sees where everything is and what to try', () => {
    for (const text of ['calculator-1', 'sales.v1.QuoteService', 'projects.v1.ProjectService', './rondo ps']) {
      expect(system.banner).toContain(text);
    }
  });

  // sample: gateway
  it('reaches the gateway at the address that it is told', async () => {
    const [, url] = /^All public services, .*: (http:\S+)$/m.exec(system.banner) ?? [];
    expect(url).toBe(`http://${system.address(20)}`);
    expect(system.banner).toContain(`curl -d '{"a":1,"b":2}' ${url}/add`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
  // /sample

  it('sees every instance in the registry', async () => {
    const { code, stdout } = await system.rondo('ps', '--json');
    expect(code).toBe(0);
    const { instances } = JSON.parse(stdout);
    expect(instances.map(({ instanceId }: { instanceId: string }) => instanceId).sort()).toEqual(SERVING);
    expect(SERVING).toEqual(expect.arrayContaining(['calculator-3', 'project-management-1', 'sales-1']));
  });

  it('sees which instances a client would pick, and what share each gets', async () => {
    const { code, stdout } = await system.rondo('pick', 'CalculatorService/Add', '--explain', '--json');
    const { policy, endpoints } = JSON.parse(stdout);
    expect({ code, policy }).toMatchObject({ code: 0, policy: { name: 'round_robin', origin: 'default' } });
    const shares = endpoints.map(({ share }: { share: number }) => share);
    expect(shares).toHaveLength(3);
    for (const share of shares) expect(share).toBeCloseTo(1 / 3, 2);
  });

  it('hears from the doctor that the system is healthy', async () => {
    // On a busy machine the doctor may find that something answers late.
    await eventually(async () => {
      const { findings } = JSON.parse((await system.rondo('doctor', '--json')).stdout);
      const named = Object.fromEntries(findings.map((one: { name: string }) => [one.name, one]));
      expect(named).toMatchObject({
        // A note in the first seconds, while the registry may not know every instance.
        registry: { state: expect.stringMatching(/^(ok|note)$/), detail: expect.stringContaining(system.registry) },
        instances: { state: 'ok', detail: `${SERVING.length} of ${SERVING.length} are SERVING` },
        health: { state: 'ok' },
        clock: { state: 'ok', detail: expect.stringContaining("the registry's is within") },
      });
    });
  });

  it('calls Add on both contracts', async () => {
    const versioned = await system.rondo('call', ADD, TWO_AND_THREE);
    expect(JSON.parse(versioned.stdout)).toEqual({ result: '5' });
    const published = await system.rondo('call', 'calculator.Calculator/Add', TWO_AND_THREE);
    expect(JSON.parse(published.stdout)).toEqual({ result: '5' });
  });

  // sample: gateway
  it('gets from curl what README.md shows', async () => {
    if (!(await isInstalled('curl'))) {
      process.stdout.write('curl is not installed here: this part of journey 1 was left out\n');
      return;
    }
    const examples = examplesOf('curl');
    expect(examples).toHaveLength(1);
    for (const { command, output } of examples) {
      const { stdout } = await shell(command.replace('127.0.0.1:8080', system.address(20)));
      expect(stdout).toBe(output.trimEnd());
    }
  });
  // /sample

  it('gets from grpcurl what README.md shows, without a proto file', async () => {
    if (!(await isInstalled('grpcurl'))) {
      process.stdout.write('grpcurl is not installed here: this part of journey 1 was left out\n');
      return;
    }
    const examples = examplesOf('grpcurl');
    expect(examples).toHaveLength(3);
    for (const { command, output } of examples) {
      const { stdout, stderr } = await shell(command.replace('localhost:50051', system.address(1)));
      expect(stdout + stderr).toBe(output);
    }
    const { stdout } = await shell(`grpcurl -plaintext ${system.address(1)} describe calculator.v1.CalculatorService`);
    expect(stdout).toContain('rpc Add');
  });
});

describe('npm run seed', () => {
  const made = (stdout: string) => stdout.match(/(?:quotes|orders|projects)\/[\w-]+/g);
  let first: Ended;

  beforeAll(async () => {
    first = await runSeed(system.registry, { today: TODAY });
  });

  it('makes a company across all services', () => {
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('12 members, 30 products in 3 currencies, 60 customers');
    expect(first.stdout).toMatch(/accepted: orders\/\S+, delivered by projects\/\S+, \d+ minutes of work/);
  });

  it('makes as many of each as it must', () => untilCounted(system.registry));

  it('makes orders of a year that ends today, and reserves the team for active projects', async () => {
    requireYear(await readCompany(system.registry), dayAt(new Date(TODAY)));
  });

  it('makes nothing twice, not even on another day', async () => {
    const before = await readCompany(system.registry);
    const again = await runSeed(system.registry, { today: TODAY, daysAhead: 5 });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(made(again.stdout)).toEqual(made(first.stdout));
    const old = await runSeed(system.registry, { today: TODAY, daysAhead: 40 });
    expect({ code: old.code, stdout: old.stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('nothing was made'),
    });
    expect(await readCompany(system.registry)).toEqual(before);
  });

  it('refuses a year that ends on another day than the first time', async () => {
    const before = await readCompany(system.registry);
    const { code, stderr } = await runSeed(system.registry, { today: '2024-02-20' });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('name that day again by --today') });
    expect(await readCompany(system.registry)).toEqual(before);
  });
});

describe('journey 2: replicas come and go', () => {
  it('reaches all three in turn', async () => {
    const { stdout } = await system.rondo('call', ADD, TWO_AND_THREE, '--count', '9', '--json');
    const { codes, instances } = toTally(stdout);
    expect(codes).toEqual({ OK: 9 });
    expect(instances).toEqual({ 'calculator-1': 3, 'calculator-2': 3, 'calculator-3': 3 });
  });

  it('fails no call when one is killed, and uses a fourth when it appears', async () => {
    const caller = system.startRondo('call', ADD, TWO_AND_THREE, '--rate', '200', '--concurrency', '8', '--json');
    await eventually(async () => {
      const { stdout } = await system.rondo('call', ADD, TWO_AND_THREE, '--count', '3', '--json');
      expect(Object.keys(toTally(stdout).instances)).toHaveLength(3);
    });
    process.kill(system.pid('calculator-2'), 'SIGKILL');
    system.addInstance('calculator', 'calculator-4');
    await eventually(async () => {
      const { stdout } = await system.rondo('call', ADD, TWO_AND_THREE, '--count', '6', '--json');
      expect(toTally(stdout).instances).toMatchObject({ 'calculator-4': 2 });
    });
    caller.process.kill('SIGINT');
    const { failed, codes, instances } = toTally((await caller.ended).stdout);
    expect({ failed, codes: Object.keys(codes) }).toEqual({ failed: 0, codes: ['OK'] });
    expect(instances['calculator-4']).toBeGreaterThan(0);
  });
});

describe('journey 3: what is sold is delivered', () => {
  it('has an order, a project with tasks and the time of the team; watchers at two replicas see each step in order', async () => {
    system.addInstance('sales', 'sales-2');
    system.addInstance('project-management', 'project-management-2');
    const channel = createRegistryChannel({ registry: [system.registry] });
    try {
      const [customers, products] = [CustomerServiceDefinition, ProductServiceDefinition] as const;
      const { name: customer } = await createClient(customers, { channel }).createCustomer({
        customer: { displayName: 'Journey', email: 'journey@example.com' },
      });
      const unitPrice = { currencyCode: 'EUR', units: 10n };
      const { name: product } = await createClient(products, { channel }).createProduct({
        product: { title: 'Kit', sku: 'JOURNEY', unitPrice, stock: 5n, deliveryEffortMinutes: 30n },
      });
      const quotes = createClient(QuoteServiceDefinition, { channel });
      const orders = createClient(OrderServiceDefinition, { channel });
      const projects = createClient(ProjectServiceDefinition, { channel });
      const tasks = createClient(TaskServiceDefinition, { channel });
      const team = createClient(TeamServiceDefinition, { channel });

      const ordersAt = (instance: string) =>
        eventually(() => follow((signal) => orders.watchOrders({ customer }, { signal, instance })));
      const sellers = [await ordersAt('sales-1'), await ordersAt('sales-2')];
      const { name: offered } = await quotes.createQuote({
        quote: { customer, lines: [{ product, quantity: 2n }] },
      });
      const { quote, order } = await quotes.acceptQuote({ name: offered });
      const { name = '', project = '' } = order ?? {};
      expect(quote?.state).toBe(QuoteState.QUOTE_STATE_ACCEPTED);
      expect((await tasks.listTasks({ parent: project })).tasks).toMatchObject([
        { title: '2 × Kit', effortMinutes: 60n },
      ]);
      const { projects: delivering } = await projects.listProjects({ filter: `order = "${name}"` });
      expect(delivering).toMatchObject([{ name: project, quote: offered, order: name }]);
      const reservations = async () => {
        const filter = `project = "${project}"`;
        return (await team.listReservations({ parent: 'members/-', filter })).reservations;
      };
      expect((await reservations()).reduce((sum, { minutes }) => sum + minutes, 0n)).toBe(60n);

      const projectAt = (instance: string) =>
        eventually(() => follow((signal) => projects.watchProject({ name: project }, { signal, instance })));
      const deliverers = [await projectAt('project-management-1'), await projectAt('project-management-2')];
      await projects.updateProject({
        project: { name: project, state: ProjectState.PROJECT_STATE_ACTIVE },
        updateMask: ['state'],
      });
      await orders.cancelOrder({ name });
      for (const { until } of sellers) await until((event) => stepOfOrder(event).startsWith('ORDER_STATE_CANCELLED'));
      for (const { until } of deliverers) await until((event) => stepOfProject(event) === 'PROJECT_STATE_ARCHIVED');
      expect(await reservations()).toEqual([]);
      const { stockChanges } = await createClient(products, { channel }).listStockChanges({ parent: product });
      expect(stockChanges.map(({ delta, stock, reference }) => [delta, stock, reference])).toEqual([
        [2n, 5n, name],
        [-2n, 3n, name],
        [5n, 5n, ''],
      ]);

      for (const { told, stop } of sellers) {
        await stop();
        expect(told.map(stepOfOrder)).toEqual([
          '0 orders',
          'ORDER_STATE_PLACED ',
          `ORDER_STATE_PLACED ${project}`,
          `ORDER_STATE_CANCELLED ${project}`,
        ]);
      }
      for (const { told, stop } of deliverers) {
        await stop();
        // The active project goes back to planned, and then to the archive.
        expect(told.map(stepOfProject)).toEqual([
          'PROJECT_STATE_PLANNED with 1 tasks',
          'PROJECT_STATE_ACTIVE',
          'PROJECT_STATE_PLANNED',
          'PROJECT_STATE_ARCHIVED',
        ]);
      }
    } finally {
      channel.close();
    }
  });
});

function stepOfOrder({ event }: WatchOrdersResponse): string {
  if (event?.$case !== 'orderChanged') return `${event?.value.orders.length} orders`;
  return `${OrderState[event.value.state]} ${event.value.project}`;
}

function stepOfProject({ event }: WatchProjectResponse): string {
  if (event?.$case === 'projectChanged') return ProjectState[event.value.state];
  if (event?.$case !== 'snapshot') return `${event?.$case}`;
  const { project, tasks } = event.value;
  return `${ProjectState[project?.state ?? ProjectState.UNRECOGNIZED]} with ${tasks.length} tasks`;
}
