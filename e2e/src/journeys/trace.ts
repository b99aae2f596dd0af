import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type System, startSystem } from '@rondo/harness';
import { type ReceivedSpan, startCollector } from '../../../plugins/telemetry/test/collector.js';
import { ask, askJson } from '../front-door.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const BROWSER = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${BROWSER}-01`;
const SCOPES = 'sales.read sales.write projects.read projects.write calculator.use';

type Collector = Awaited<ReturnType<typeof startCollector>>;

/** Variables with which each process of a system sends its spans to a collector. */
export const tracingTo = ({ url }: Collector): Readonly<Record<string, string>> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_BSP_SCHEDULE_DELAY: '100',
  RONDO_GATEWAY_TRUSTED_TRACERS: '127.0.0.1',
});

type Options = NonNullable<Parameters<typeof startSystem>[0]>;

/**
 * One trace from the browser to the last row, over the processes of a system and a collector that gets it by OTLP: those
 * that are `shared` with other tests, or its own.
 */
export function describeTrace(
  name: string,
  { env, ...options }: Options,
  shared?: () => { readonly system: System; readonly collector: Collector },
): void {
  describe(`a system ${name}`, () => {
    let system: System;
    let collector: Collector;
    let url: string;
    let credentials: Readonly<Record<string, string>> = {};

    beforeAll(async () => {
      if (shared === undefined) {
        collector = await startCollector();
        system = await startSystem({ ...options, env: { ...tracingTo(collector), ...env } });
      } else ({ system, collector } = shared());
      url = `http://${system.address(20)}`;
      if (options.auth !== true) return;
      const { stdout } = await system.rondo('token', '--as', 'ada', '--scopes', SCOPES, '--data', system.data);
      credentials = { authorization: `Bearer ${stdout.trim()}` };
    });
    afterAll(async () => {
      if (shared !== undefined) return;
      await system.stop();
      system.remove();
      await collector.close();
    });

    const spans = () => collector.spans().filter(({ traceId }) => traceId === TRACE);
    const create = async (path: string, body: object, headers: object = {}): Promise<string> => {
      const answer = await askJson(`${url}/v1/${path}`, body, { headers: { ...credentials, ...headers } });
      expect(answer).toMatchObject({ status: 200 });
      return String(Reflect.get(Object(answer.json()), 'name'));
    };

    it('has a quote and its acceptance in one trace: each span once, and each below the one that caused it', async () => {
      // The gateway learns the paths of a service that starts after it.
      const person = { displayName: 'Trace', email: 'trace@example.com' };
      const customer = await eventually(() => create('customers', person));
      const product = await create('products', {
        title: 'Kit',
        sku: 'TRACE',
        stock: '5',
        deliveryEffortMinutes: '30',
        unitPrice: { currencyCode: 'EUR', units: '10' },
      });
      const headers = { traceparent: TRACEPARENT };
      const quote = await create('quotes', { customer, lines: [{ product, quantity: '2' }] }, headers);
      await create(`${quote}:accept`, {}, headers);

      await eventually(() => {
        expect(spans().map((span) => span.name)).toContain('POST /v1/{name=quotes/*}:accept');
        expect(spans().map((span) => span.name)).toContain('transaction log-finished');
        expect(spans().filter(orphaned)).toEqual([]);
        // Each call has a span at each end.
        expect(spans().filter(unanswered)).toEqual([]);
      });
      const all = spans();
      expect(new Set(all.map(({ spanId }) => spanId)).size).toBe(all.length);
      expect(all.filter(({ parentSpanId }) => parentSpanId === BROWSER)).toHaveLength(2);

      const of = (instance: string) => all.filter((span) => instanceOf(span) === instance);
      expect(of('gateway').map(({ kind }) => kind)).toEqual(expect.arrayContaining([2, 2, 3, 3]));
      expect(of('gateway')).toHaveLength(4);
      expect(of('calculator').length).toBeGreaterThan(0);
      for (const service of ['sales', 'project-management'])
        expect(of(service).some(({ attributes }) => attributes['db.system.name'] === 'postgresql')).toBe(true);
      expect(all.map((span) => `${instanceOf(span)}: ${span.name}`)).toEqual(
        expect.arrayContaining([
          'sales: transaction send-prepare',
          'project-management: transaction prepare',
          'sales: transaction log-committing',
          'sales: transaction send-commit',
          'project-management: transaction commit',
        ]),
      );
      if (options.auth !== true) {
        // The processes themselves tell the same spans, without a collector. The last ones may be on their way to either.
        const lineage = (some: readonly ReceivedSpan[]) =>
          some.map(({ spanId, parentSpanId = '' }) => [spanId, parentSpanId]);
        await eventually(async () => {
          const { spans: printed } = JSON.parse((await system.rondo('trace', TRACE, '--json')).stdout);
          expect(lineage(printed).sort()).toEqual(lineage(spans()).sort());
        });
      }
      // No value of a row is in the text of a statement, and no credentials are anywhere.
      for (const { attributes } of all) expect(String(attributes['db.query.text'])).not.toContain(quote.split('/')[1]);
      if (credentials['authorization'] !== undefined)
        expect(Buffer.concat(collector.bodies).includes(credentials['authorization'].slice(-40))).toBe(false);
    });

    it('has no trace of what every process does all the time', async () => {
      await ask(`${url}/readyz`);
      const names = collector.spans().map((span) => span.name);
      expect(names.filter((one) => /^(?:rondo\.registry|grpc\.health)/.test(one))).toEqual([]);
      expect(names.length).toBeGreaterThan(0);
    });
  });
}

const instanceOf = ({ resource }: ReceivedSpan) => String(resource['service.instance.id']).replace(/-\d+$/, '');

/** Whether the span of a call has no server's span below it. */
function unanswered({ kind, name, spanId }: ReceivedSpan, _index: number, all: readonly ReceivedSpan[]): boolean {
  return kind === 3 && name.includes('.v1.') && !all.some((span) => span.parentSpanId === spanId && span.kind === 2);
}

/** Whether the parent of a span isn't there. */
function orphaned({ parentSpanId = '' }: ReceivedSpan, _index: number, all: readonly ReceivedSpan[]): boolean {
  return parentSpanId !== BROWSER && !all.some(({ spanId }) => spanId === parentSpanId);
}
