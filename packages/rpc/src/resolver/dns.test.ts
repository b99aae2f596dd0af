import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { dnsResolver } from './dns.js';
import type { Endpoint, Resolution, Resolver, ResolverListener } from './resolver.js';
import { fixedEndpoint } from './static.js';

const HOST = 'calculator.example';

let open: Resolver | undefined;
afterEach(() => open?.close());

/** A resolver whose lookups the test answers, and what it reports. */
function follow() {
  const clock = new ManualClock();
  const asked: { readonly host: string; readonly at: number; readonly signal: AbortSignal }[] = [];
  const { logger, lines } = recordingLogger();
  let answer: () => Promise<readonly string[]> = async () => ['10.0.0.1', '10.0.0.2'];
  const lookup = (host: string, signal: AbortSignal) => {
    asked.push({ host, at: clock.now(), signal });
    return answer();
  };
  const resolver = dnsResolver(`dns:///${HOST}:50051`, { lookup, clock, random: seededRandom(1), logger });
  open = resolver;
  const resolutions: Resolution[] = [];
  const failures: string[] = [];
  const subchannels: { endpoint: Endpoint; failed: boolean }[] = [];
  const watching = new Set<() => void>();
  const listener: ResolverListener = {
    onResolution: (resolution) => resolutions.push(resolution),
    onFailure: (reason) => failures.push(reason),
    onPending() {},
    onChange(changed) {
      watching.add(changed);
      return () => watching.delete(changed);
    },
    instances: { all: subchannels },
  };
  return {
    clock,
    asked,
    resolver,
    resolutions,
    failures,
    listener,
    watching,
    lines,
    resolving: resolver.resolve('a.v1.A', listener),
    addresses: () => resolutions.at(-1)?.endpoints.map(({ address }) => address),
    answers(...addresses: readonly string[]) {
      answer = async () => addresses;
    },
    fails(code: string) {
      answer = () => Promise.reject(Object.assign(new Error(`query ${code}`), { code }));
    },
    isSilent() {
      answer = () => new Promise(() => undefined);
    },
    /** A connection changes its state. */
    connection(failed: boolean) {
      subchannels.splice(0, 1, { endpoint: fixedEndpoint('10.0.0.1:50051'), failed });
      for (const changed of watching) changed();
    },
  };
}

describe('a DNS resolver', () => {
  it('makes an endpoint of each address, once', async () => {
    const { clock, answers, addresses, asked } = follow();
    answers('10.0.0.1', '2001:db8::1', '10.0.0.1');
    await clock.advance(0);
    // The first lookup began before the answer was set; the next has it.
    expect(addresses()).toEqual(['10.0.0.1:50051', '10.0.0.2:50051']);
    await clock.advance(60_000);
    expect(addresses()).toEqual(['10.0.0.1:50051', '[2001:db8::1]:50051']);
    expect(asked.map(({ host }) => host)).toEqual([HOST, HOST]);
  });

  it('looks the name up every minute, and reports only what has changed', async () => {
    const { clock, asked, answers, resolutions, addresses } = follow();
    await clock.advance(150_000);
    const startedAt = asked[0]?.at ?? 0;
    expect(asked.map(({ at }) => at - startedAt)).toEqual([0, 60_000, 120_000]);
    expect(resolutions).toHaveLength(1);
    const [kept] = resolutions[0]?.endpoints ?? [];
    answers('10.0.0.3', '10.0.0.1');
    await clock.advance(60_000);
    expect(addresses()).toEqual(['10.0.0.3:50051', '10.0.0.1:50051']);
    expect(resolutions[1]?.departed).toEqual(['10.0.0.2:50051']);
    expect(resolutions[1]?.endpoints[1]).toBe(kept);
  });

  it('looks it up at once if a connection fails, and then every 30 s while one has failed', async () => {
    const { clock, asked, connection } = follow();
    await clock.advance(45_000);
    connection(true);
    await clock.advance(0);
    expect(asked).toHaveLength(2);
    for (const failed of [true, true, true]) connection(failed);
    await clock.advance(29_999);
    expect(asked).toHaveLength(2);
    await clock.advance(1);
    expect(asked).toHaveLength(3);
    connection(false);
    await clock.advance(30_000);
    expect(asked).toHaveLength(4);
    await clock.advance(59_999);
    expect(asked).toHaveLength(4);
  });

  it('waits for 30 s after a lookup if a connection fails right after it', async () => {
    const { clock, asked, connection } = follow();
    await clock.advance(1_000);
    connection(true);
    await clock.advance(28_999);
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['ENOTFOUND', 'there is no such name'],
    ['ENODATA', 'the name has neither A nor AAAA records'],
    ['EAI_AGAIN', 'no DNS server answers'],
    ['ETIMEOUT', "the DNS server doesn't answer in time"],
    ['ESERVFAIL', 'the DNS server reports a failure'],
    ['EODD', 'query EODD'],
  ])('keeps the addresses if a lookup fails with %s, and says why', async (code, reason) => {
    const { clock, fails, answers, addresses, resolutions, failures, lines } = follow();
    await clock.advance(0);
    fails(code);
    await clock.advance(70_000);
    expect(failures[0]).toContain(reason);
    expect(failures.length).toBeGreaterThan(1);
    expect(resolutions).toHaveLength(1);
    answers('10.0.0.2');
    await clock.advance(60_000);
    expect(addresses()).toEqual(['10.0.0.2:50051']);
    const said = lines.filter(({ level }) => level !== 'debug');
    expect(said).toMatchObject([
      { level: 'warn', message: expect.stringContaining("can't be resolved"), fields: { host: HOST, known: 2 } },
      { level: 'info', message: 'the name is resolved again' },
    ]);
  });

  it.each([
    [[], 'neither A nor AAAA records'],
    [['10.0.0.1', 'elsewhere.example'], '"elsewhere.example" was found, which is not an IP address'],
  ])('takes the answer %j for a failure', async (found, reason) => {
    const { clock, answers, failures, addresses } = follow();
    await clock.advance(0);
    answers(...found);
    await clock.advance(60_000);
    expect(failures[0]).toContain(reason);
    expect(addresses()).toHaveLength(2);
  });

  it('tries again soon after a failure, then with growing waits up to the interval', async () => {
    const { clock, asked, fails } = follow();
    await clock.advance(0);
    fails('ESERVFAIL');
    await clock.advance(1_000_000);
    const waits = asked.slice(2).map(({ at }, index) => at - (asked[index + 1]?.at ?? 0));
    expect(waits[0]).toBeLessThanOrEqual(1_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
    expect(Math.min(...waits.slice(-5))).toBeGreaterThanOrEqual(30_000);
  });

  it('gives a lookup 5 s, and ignores a later answer', async () => {
    const { clock, asked, failures, isSilent } = follow();
    isSilent();
    await clock.advance(60_000);
    expect(asked[1]?.signal.aborted).toBe(false);
    await clock.advance(5_000);
    expect(failures).toEqual(['no answer within 5000 ms']);
    expect(asked[1]?.signal.aborted).toBe(true);
  });

  it('tells a second service what it knows, with no second lookup', async () => {
    const { clock, asked, resolver, listener, resolutions } = follow();
    await clock.advance(0);
    resolver.resolve('b.v1.B', listener).close();
    expect(resolutions).toHaveLength(2);
    expect(asked).toHaveLength(1);
  });

  it('knows no service by name', () => {
    const { resolver, listener, resolutions } = follow();
    resolver.resolve('', listener);
    expect(resolutions).toEqual([{ endpoints: [], departed: [] }]);
  });

  it.each(['resolving', 'resolver'] as const)('leaves nothing behind when the %s is closed', async (which) => {
    const followed = follow();
    followed.isSilent();
    await followed.clock.advance(60_000);
    followed[which].close();
    expect(followed.asked.at(-1)?.signal.aborted).toBe(true);
    expect([followed.clock.timers, followed.watching.size]).toEqual([0, 0]);
    await followed.clock.advance(600_000);
    expect(followed.asked).toHaveLength(2);
  });
});

describe('the target of a DNS resolver', () => {
  it.each(['dns:///10.1.2.3:80', '10.1.2.3:80', 'dns://127.0.0.1/10.1.2.3:80'])(
    '%s is an address: no lookup',
    (target) => {
      const { listener, resolutions } = follow();
      const lookup = () => Promise.reject(new Error('asked'));
      dnsResolver(target, { lookup, known: { zone: 'eu/a' } }).resolve('a.v1.A', listener);
      expect(resolutions).toEqual([{ endpoints: [fixedEndpoint('10.1.2.3:80', { zone: 'eu/a' })], departed: [] }]);
    },
  );

  it.each([
    ['dns:///calc.example', 'has no port: end it in one from 1 to 65535, such as dns:///calc.example:50051'],
    ['calc.example:', 'has no port'],
    ['dns:///calc.example:http', 'has the port "http": end it in one from 1 to 65535'],
    ['dns:///calc.example:0', 'has the port "0"'],
    ['dns:///calc.example:65536', 'has the port "65536"'],
    ['dns:///:50051', 'must be dns:///host:port, such as'],
    ['dns:///calc example:1', 'must be dns:///host:port, such as'],
    ['dns:///[calc]:1', 'must be dns:///host:port, such as'],
    ['xds:///calc.example:1', 'must be dns:///host:port, such as'],
    [`dns:///${'a.'.repeat(128)}b:1`, 'must be dns:///host:port, such as'],
    ['dns://ns.example/calc.example:1', 'the DNS server "ns.example" must be an IP address, with a port'],
  ])('%s is refused, with the rule and an example', (target, message) => {
    expect(() => dnsResolver(target)).toThrow(TypeError);
    expect(() => dnsResolver(target)).toThrow(message);
  });

  it.each([{ intervalMs: 10_000 }, { minIntervalMs: 0 }, { minIntervalMs: Number.NaN }])('%j is refused', (options) => {
    expect(() => dnsResolver('calc.example:1', options)).toThrow('the second must be above 0');
  });
});
