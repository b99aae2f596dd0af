/** The console's page before a thousand instances, and what many tabs cost the gateway. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InstanceStatus, RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { eventually, type System, startSystem } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, type RpcServer, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);
const [GROUPS, INSTANCES, CALLS_PER_SECOND] = [20, 1_000, 5_000];
const [MAX_TASK_MS, MAX_ELEMENTS] = [200, 2_000];
const [TABS, MINUTES] = [20, Number(process.env['RONDO_LONG_MINUTES'] ?? 30)];
const name = (group: number) => `group${group % GROUPS}`;

/** Answers for each process of a group: it has got and made so many calls since it started, of which one in a hundred fails. */
function statsOf(group: number, startTime: Date) {
  return standIn(CallStatsServiceDefinition, {
    getCallStats({ calledInstanceIds }) {
      const seconds = (Date.now() - startTime.getTime()) / 1_000;
      const calls = Math.floor((seconds * CALLS_PER_SECOND * (1 + Math.sin(seconds))) / INSTANCES + 2 * seconds);
      const begun = BigInt(calls);
      const durations = [1_000, 9_000, 90_000].map((micros) => ({
        minMicros: micros,
        maxMicros: micros,
        count: begun,
      }));
      const attempts = { begun, failed: begun / 100n, durations };
      const next = `${name(group + 1)}.v1.Service`;
      const seen = { attempts, inFlight: 1, ramp: 1, held: '', leftOut: false };
      const instances = calledInstanceIds.map((instanceId) => ({ ...seen, instanceId }));
      return {
        startTime,
        uptime: { seconds: BigInt(Math.floor(seconds)), nanos: Math.floor((seconds % 1) * 1e9) },
        methods: [
          { service: `${name(group)}.v1.Service`, method: 'Get', begun, ended: [{ code: 0, count: begun }], durations },
        ],
        calledServices: [{ service: next, policy: 'least_request', attempts, instances, leftOut: 0 }],
      };
    },
  });
}

(CHROMIUM === undefined ? describe.skip : describe)('the console before a thousand instances', () => {
  let system: System;
  let browser: Browser;
  let servers: RpcServer[];
  let page: Page;
  const gatewayFiles = () => readdirSync(`/proc/${system.pid('gateway-1')}/fd`).length;
  const gatewayMb = () => {
    const status = readFileSync(`/proc/${system.pid('gateway-1')}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  };

  beforeAll(async () => {
    system = await startSystem();
    const startTime = new Date();
    servers = await Promise.all(
      Array.from({ length: GROUPS }, (_, group) =>
        serve(createRouter({ services: [statsOf(group, startTime)] }), { listen: '127.0.0.1:0' }),
      ),
    );
    const channel = createChannel({ resolver: staticResolver([system.registry]) });
    const registry = createClient(RegistryServiceDefinition, { channel });
    for (let index = 0; index < INSTANCES; index += 1) {
      const group = index % GROUPS;
      const address = servers[group]?.address ?? '';
      await registry.register({
        instance: {
          instanceId: `${name(group)}-${index}`,
          incarnation: BigInt(startTime.getTime()),
          endpoints: [{ address, security: Security.SECURITY_PLAINTEXT, protocols: [] }],
          services: [`${name(group)}.v1.Service`],
          zone: `region/zone${index % 3}`,
          version: '1.2.3',
          status: InstanceStatus.INSTANCE_STATUS_SERVING,
        },
        ttl: { seconds: 600n },
      });
    }
    channel.close();
    browser = await chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all((servers ?? []).map((server) => server.drain(0)));
    await system?.stop();
    system?.remove();
  });

  async function open(path = ''): Promise<Page> {
    const tab = await browser.newPage();
    await tab.addInitScript(
      'tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" })',
    );
    await tab.goto(`http://${system.address(20)}/console${path}`);
    await tab.getByText('And 956 more').waitFor();
    return tab;
  }

  it('shows them without a long task and without too many elements', async () => {
    page = await open();
    await page
      .locator('.map')
      .getByText(/^2\d\d[\d.]*\/s, /)
      .first()
      .waitFor();
    await page.getByText('The same as a table').click();
    await page.goto(`${page.url()}#/fleet//group3-3`);
    await page
      .getByText('callers more, with fewer calls')
      .waitFor({ timeout: 1 })
      .catch(() => undefined);
    await page
      .getByRole('row', { name: /^group2-\d+ .*Picked/ })
      .first()
      .waitFor();
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThanOrEqual(MAX_ELEMENTS);
    await new Promise((resolve) => setTimeout(resolve, 30_000)); // measured, not awaited
    const tasks: unknown = await page.evaluate('tasks');
    process.stdout.write(`long tasks, ms: ${JSON.stringify(tasks)}\n`);
    expect(Math.max(0, ...(Array.isArray(tasks) ? tasks.map(Number) : []))).toBeLessThanOrEqual(MAX_TASK_MS);
  });

  it('holds the memory of the gateway while twenty tabs look', async () => {
    const contexts = await Promise.all(Array.from({ length: TABS }, () => browser.newContext()));
    for (const context of contexts) await (await context.newPage()).goto(`http://${system.address(20)}/console`);
    const megabytes: number[] = [];
    for (let minute = 0; minute < MINUTES; minute += 1) {
      await new Promise((resolve) => setTimeout(resolve, 60_000)); // measured, not awaited
      megabytes.push(Math.round(gatewayMb()));
    }
    process.stdout.write(`the gateway's memory, MiB, minute by minute: ${megabytes.join(' ')}\n`);
    const half = megabytes.slice(Math.floor(MINUTES / 2));
    expect(Math.max(...half)).toBeLessThanOrEqual(1.2 * Math.max(...megabytes.slice(0, Math.ceil(MINUTES / 2))));
    for (const context of contexts) await context.close();
  });

  it('asks none of them any more when a hundred tabs have come and gone', async () => {
    const context = await browser.newContext();
    for (let tabs = 0; tabs < 100; tabs += 1) {
      const tab = await context.newPage();
      await tab.goto(`http://${system.address(20)}/console`, { waitUntil: tabs % 10 === 0 ? 'load' : 'commit' });
      await tab.close();
    }
    await context.close();
    await page.close();
    // Each instance is asked over a connection of its own.
    await eventually(() => expect(gatewayFiles()).toBeLessThan(INSTANCES / 5));
  });
});
