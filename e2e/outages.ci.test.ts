import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, isAlive, type RunningProcess, type System, startSystem } from '@rondo/harness';
import { configuredMutualTls, type MutualTls } from '@rondo/rpc/internal';
import { evaluateBatch, startUnsafeLoad, toProgress } from './src/load.js';
import { toTally } from './src/tally.js';

const ADD = 'calculator.v1.CalculatorService/Add';
const REQUEST = '{"a": 2, "b": 3}';
const CALCULATORS = ['calculator-1', 'calculator-2', 'calculator-3'];

let system: System;
let mutualTls: MutualTls | undefined;

beforeAll(async () => {
  // .ci/long runs it with TLS, too.
  system = await startSystem({ tls: process.env['OUTAGES_TLS'] === 'on' });
  mutualTls = configuredMutualTls(system.certificate('person'));
});

afterAll(async () => {
  await system.stop();
  system.remove();
});

/** Calls 100 times a second, eight at a time, until it is ended. */
function startLoad(): RunningProcess {
  return system.startRondo('call', ADD, REQUEST, '--rate', '100', '--concurrency', '8', '--progress', '--json');
}

/** Waits until each of the instances has served calls of this load, by the load's own progress. */
async function untilShared(load: RunningProcess, ...instances: readonly string[]): Promise<void> {
  await eventually(() => {
    const served = Object.keys(toProgress(load.output().stderr)?.instances ?? {});
    expect(served).toEqual(expect.arrayContaining([...instances]));
  });
}

async function endLoad(load: RunningProcess) {
  load.process.kill('SIGINT');
  return toTally((await load.ended).stdout);
}

async function terminate(instanceId: string): Promise<void> {
  const pid = system.pid(instanceId);
  process.kill(pid, 'SIGTERM');
  await eventually(() => {
    if (isAlive(pid)) throw new Error(`${instanceId} is still running`);
  });
}

describe('an operator, under a load of calls that may not be repeated', () => {
  it('takes an instance out, puts it back, and drains and kills it without failing a call', async () => {
    const instance = system.addInstance('calculator', 'calculator-op');
    const load = startUnsafeLoad(system.registry, mutualTls);
    const by = () => load.calls.filter((call) => call.instance === 'calculator-op');
    const untilServes = (count: number) => eventually(() => expect(by().length).toBeGreaterThan(count));
    await untilServes(5);

    const cordoned = await system.rondo('cordon', 'calculator-op', '--reason', 'odd answers');
    expect(cordoned).toMatchObject({ code: 0, stdout: expect.stringContaining('calculator-op is cordoned (odd') });
    // From the time when the client has learned of it.
    await eventually(() => expect(load.whyHeld('calculator-op')).toMatch(/^cordoned/));
    const heardAt = performance.now();
    await eventually(() => expect(load.calls.filter(({ begunAt }) => begunAt > heardAt).length).toBeGreaterThan(60));
    expect(by().filter(({ begunAt }) => begunAt > heardAt)).toEqual([]);
    // The check gives an instance a second, which may be too short on a busy machine.
    await eventually(async () => {
      const listed = (await system.rondo('ps', '--check')).stdout;
      expect(listed).toMatch(/^calculator-op .* CORDONED .* ok /m);
      expect(listed).toMatch(/^calculator-op isn't picked: cordoned \d+s ago \(odd answers\)$/m);
    });

    const served = by().length;
    expect((await system.rondo('uncordon', 'calculator-op')).stdout).toBe('calculator-op is put back\n');
    await untilServes(served + 5);

    load.hurry();
    const drained = await system.rondo('drain', 'calculator-op', '--json');
    instance.process.kill('SIGKILL');
    await instance.ended;
    expect(JSON.parse(drained.stdout)).toEqual({
      instanceId: 'calculator-op',
      drained: true,
      outcome: 'idle',
      callsInFlight: 0,
    });
    expect(drained.code).toBe(0);
    const killedAt = performance.now();
    await eventually(() => expect(load.calls.filter(({ begunAt }) => begunAt > killedAt).length).toBeGreaterThan(60));
    await load.end();
    expect(load.calls.filter(({ error }) => error !== undefined)).toEqual([]);
    process.stdout.write(
      `an operator: ${load.calls.length} calls, ${by().length} of them by calculator-op, 0 failed\n`,
    );
  });
});

describe('a batch that all calculators share', () => {
  it('is complete and in order although one of them is killed in the middle', async () => {
    const victim = system.addInstance('calculator', 'calculator-batch');
    const evaluate = (expressions: readonly string[], onPart?: (count: number) => void) =>
      evaluateBatch(system.address(1), expressions, { mutualTls, ...(onPart && { onPart }) });
    const few = Array.from({ length: 1_200 }, () => '1 + 1');
    await eventually(async () => expect((await evaluate(few)).instances).toContain('calculator-batch'));

    const numbers = Array.from({ length: 6_000 }, (_, index) => index);
    const expressions = numbers.map((number) => `${number} * 3 - ${number}`);
    const { results, instances } = await evaluate(expressions, (count) => {
      if (count > 2_000) victim.process.kill('SIGKILL');
    });
    await victim.ended;
    expect(results).toEqual(numbers.map((number) => String(2 * number)));
    expect(instances.length).toBeGreaterThanOrEqual(2);
    process.stdout.write(`a batch of ${results.length}, one killed in the middle: parts by ${instances.join(', ')}\n`);
  });
});

describe('under 100 calls a second', () => {
  it('fails no call when the registry stops: known instances are still called', async () => {
    const load = startLoad();
    await untilShared(load, ...CALCULATORS);
    const before = (await system.rondo('ps', '--json')).code;
    await terminate('registry');
    const during = await system.rondo('ps');
    const { failed, instances } = await endLoad(load);
    expect({ before, failed }).toEqual({ before: 0, failed: 0 });
    expect(Object.keys(instances).sort()).toEqual(CALCULATORS);
    expect(during.code).not.toBe(0);
    expect(during.stderr).toContain(system.registry);
  });
});

describe('with the registry away', () => {
  it('a service that starts serves at once', async () => {
    const late = system.addInstance('calculator', 'calculator-late');
    const address = await eventually(() => {
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(late.output().stdout)?.[1];
      if (found === undefined) throw new Error(`not listening: ${late.output().stdout}`);
      return found;
    });
    const { stdout } = await system.rondo('call', ADD, REQUEST, '--address', address);
    expect(JSON.parse(stdout)).toEqual({ result: '5' });
  });
});

describe('with every calculator stopped', () => {
  it('a quote is refused, with the reason and without waiting for one to come back', async () => {
    const sales = ['--address', system.address(3)];
    const request = JSON.stringify({
      product: { title: 'Desk', sku: 'DESK', unitPrice: { currencyCode: 'EUR', units: '10' }, stock: '5' },
    });
    const buyer = JSON.stringify({ customer: { displayName: 'Ada', email: 'ada@example.com' } });
    const created = await Promise.all([
      system.rondo('call', 'sales.v1.ProductService/CreateProduct', request, ...sales),
      system.rondo('call', 'sales.v1.CustomerService/CreateCustomer', buyer, ...sales),
    ]);
    const [product, customer] = created.map(({ stdout }) => JSON.parse(stdout));
    const quote = JSON.stringify({
      quote: { customer: customer.name, lines: [{ product: product.name, quantity: '2' }] },
    });
    const createQuote = () => system.rondo('call', 'sales.v1.QuoteService/CreateQuote', quote, ...sales);
    expect(JSON.parse((await createQuote()).stdout)).toMatchObject({ total: { currencyCode: 'EUR', units: '20' } });
    await Promise.all(CALCULATORS.map(terminate));
    const { code, stderr } = await createQuote();
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/UNAVAILABLE.*calculator/);
  });
});
