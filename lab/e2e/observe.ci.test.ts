import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { eventually, root, type System, start, startSystem } from '@rondo/harness';
import { readGuide } from '../../e2e/src/docs.js';
import { askJson } from '../../e2e/src/front-door.js';
import { noPrometheus, type Prometheus, prometheusAt, startPrometheus, targetsOf } from './src/prometheus.js';

const folder = join(root, 'infra/observe');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** The expressions of a dashboard, with values for Grafana's variables. */
function expressionsOf(file: string): readonly string[] {
  const { panels }: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    read(`infra/observe/dashboards/${file}`),
  );
  const given = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  return given.map((expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', '.+'));
}

const guide = readGuide('observe.md');
const runbooks = readGuide('../runbooks.md');
const dashboards = readdirSync(join(folder, 'dashboards'));

it('each alert has a part of the runbook, and no other', () => {
  const named = [...read('infra/observe/alerts.yml').matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
  const led = [...read('infra/observe/alerts.yml').matchAll(/runbook: docs\/runbooks\.md#(\w+)/g)].map(([, to]) => to);
  const parts = [...read('docs/runbooks.md').matchAll(/^## (\w+)$/gm)].map(([, name = '']) => name);
  expect(parts.sort()).toEqual([...new Set(named)].sort());
  expect([...new Set(led)].sort()).toEqual(parts.map((name) => name.toLowerCase()).sort());
});

it("the runbooks' queries run, and find nothing in a quiet database", async () => {
  const server = await startTestPostgres();
  const pool = createPool({ url: await server.createDatabase() });
  expect(runbooks.files.length).toBeGreaterThan(1);
  for (const file of runbooks.files) {
    const rows = await pool.query(runbooks.code(file).replace(/;\s*$/, ''));
    expect({ file, rows }).toEqual({ file, rows: [] });
  }
  await pool.close();
  await server.stop();
});

it("the runbooks' commands are those of rondo", async () => {
  const named = runbooks.commands.flatMap((line) => /^\.\/rondo (\w+)/.exec(line)?.[1] ?? []);
  expect(named.length).toBeGreaterThan(10);
  const { stdout } = await start(process.execPath, ['scripts/rondo.mjs', 'help']).ended;
  for (const command of new Set(named)) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
});

it('the Prometheus of compose reads every service of it that serves its metrics', () => {
  const services = [
    ...read('docker-compose.yml').matchAll(/^ {2}([\w-]+):(?: &\w+)?\n(?: {4}.*\n)*? {6}RONDO_LISTEN:/gm),
  ];
  const names = [...read('infra/observe/prometheus.yml').matchAll(/^ +- ([\w-]+)(?: #.*)?$/gm)].map(([, name]) => name);
  expect(services.length).toBeGreaterThan(3);
  expect(services.map(([, name]) => name).filter((name) => !names.includes(name))).toEqual([]);
});

(noPrometheus === undefined ? describe : describe.skip)(`the files of infra/observe ${noPrometheus ?? ''}`, () => {
  it.each([
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])('pass promtool %s %s', async (...words) => {
    const { code, stdout, stderr } = await start('promtool', words, { cwd: folder }).ended;
    expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
  });

  it('and of the guide pass promtool check config', async () => {
    const reader = mkdtempSync(join(tmpdir(), 'rondo-guide-'));
    symlinkSync(join(root, 'infra'), join(reader, 'infra'));
    guide.write(reader, 'prometheus.yml');
    const { code, stderr } = await start('promtool', ['check', 'config', 'prometheus.yml'], { cwd: reader }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    rmSync(reader, { recursive: true });
  });

  describe('over a system at work', () => {
    let system: System;
    let prometheus: Prometheus;

    beforeAll(async () => {
      system = await startSystem({ observe: true });
      prometheus = await startPrometheus(targetsOf(system), system.data);
      await sell();
      for (const path of ['projects', 'projects/none']) await fetch(`http://${system.address(20)}/v1/${path}`);
    });

    afterAll(async () => {
      await prometheus.stop();
      await system.stop();
      system.remove();
    });

    /** Sells something: a transaction over both services with a database, by a call of the third. */
    async function sell(): Promise<void> {
      const create = async (path: string, body: object): Promise<string> => {
        const answer = await askJson(`http://${system.address(20)}/v1/${path}`, body);
        expect(answer).toMatchObject({ status: 200 });
        return String(Reflect.get(Object(answer.json()), 'name'));
      };
      const unitPrice = { currencyCode: 'EUR', units: '10' };
      const goods = { title: 'Kit', sku: 'KIT', stock: '5', deliveryEffortMinutes: '30', unitPrice };
      const product = await eventually(() => create('products', goods));
      const customer = await create('customers', { displayName: 'Ada', email: 'ada@example.com' });
      await create(`${await create('quotes', { customer, lines: [{ product, quantity: '2' }] })}:accept`, {});
    }

    const asked = guide.code('asked.promql').trimEnd().split('\n');
    it.each([...dashboards.map((file) => [file, expressionsOf(file)] as const), ['the guide', asked] as const])(
      '%s finds the series of each of its expressions',
      async (_name, expressions) => {
        for (const expression of expressions) {
          await eventually(async () => {
            if ((await prometheus.query(expression)).length === 0) throw new Error(`no series: ${expression}`);
          });
        }
      },
    );

    it('npm start -- --observe has a Prometheus that reads every process, with the alerts', async () => {
      const own = prometheusAt(system.address(40));
      await eventually(async () => {
        const up = (await own('up == 1')).map(({ metric: { job, instance } }) => `${job} ${instance}`).sort();
        expect(up).toEqual(
          [
            'calculator-1',
            'calculator-2',
            'calculator-3',
            'gateway-1',
            'project-management-1',
            'registry',
            'sales-1',
          ].map((name) => `${name.replace(/-\d$/, '')} ${name}`),
        );
        expect(await own('rondo:calls:rate5m')).not.toEqual([]);
      });
      expect(system.banner).toContain(`http://${system.address(40)} has graphs and alerts`);
    });

    it('has no alert', async () => {
      // On a busy machine an event loop may be late at any time: that alert waits for two minutes of it.
      const raised = 'ALERTS{alertname!="EventLoopLate"} or ALERTS{alertstate="firing"}';
      expect((await prometheus.query(raised)).map(({ metric }) => metric)).toEqual([]);
    });
  });
});
