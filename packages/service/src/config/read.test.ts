import { describe, expect, it } from '@jest/globals';
import { hostPort, integer, list, listenAddress, oneOf, url } from './parsers.js';
import { ConfigurationError, type Environment, readConfig } from './read.js';
import { sharedVariables } from './shared.js';
import { optionalVariable, type Variables, variable } from './variable.js';

function faultsOf(variables: Variables, environment: Environment): readonly string[] {
  try {
    readConfig(variables, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
}

describe('readConfig', () => {
  it('reads values, and stands the defaults in for what is not set', () => {
    const variables = {
      workers: variable('RONDO_WORKERS', integer({ min: 1, max: 8 }), { default: 2 }),
      peers: variable('RONDO_PEERS', list(hostPort)),
      mode: optionalVariable('RONDO_MODE', oneOf(['fast', 'safe'])),
    };
    const config = readConfig(variables, { RONDO_PEERS: 'a:1, [::1]:2' });
    const peers = [
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ];
    expect(config).toEqual({ workers: 2, peers, mode: undefined });
  });

  it('lists every fault at once, each with the rule and an example', () => {
    const variables = {
      ...sharedVariables(50053),
      databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:'], example: 'postgres://h/db' })),
    };
    const environment = { RONDO_LISTEN: 'nowhere', RONDO_LOG_LEVEL: 'loud', RONDO_DRAIN_GRACE_MS: '-1' };
    expect(faultsOf(variables, environment)).toEqual([
      'RONDO_LISTEN=nowhere is not host:port: give host:port, an IPv6 address in brackets, port 0 for any free one,' +
        ' such as RONDO_LISTEN=127.0.0.1:50050',
      'RONDO_LOG_LEVEL=loud is unknown: give one of trace, debug, info, warn, error, fatal, silent,' +
        ' such as RONDO_LOG_LEVEL=debug',
      'RONDO_DRAIN_GRACE_MS=-1 is less than 0: give an integer from 0 to 600000, such as RONDO_DRAIN_GRACE_MS=0',
      'DATABASE_URL is not set: give a URL that begins with postgres://, such as DATABASE_URL=postgres://h/db',
    ]);
  });

  it('never shows a secret', () => {
    const variables = { token: variable('RONDO_TOKEN', integer(), { secret: true }) };
    expect(faultsOf(variables, { RONDO_TOKEN: 'hunter2' }).join()).not.toContain('hunter2');
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig(sharedVariables(50051), { RONDO_LISTEN: '', RONDO_METRICS: ' ' })).toMatchObject({
      listen: { host: '127.0.0.1', port: 50051 },
      metrics: undefined,
    });
  });
});

describe('the parsers', () => {
  it.each([
    [integer({ min: 1, max: 8 }), ['0', '9', '1.5', '1e2', 'one', '']],
    [hostPort, ['host', ':1', 'host:0', 'host:65536', 'a b:1', '::1:50050', 'http://host:1']],
    [listenAddress, ['host:65536', 'host:-1']],
    [list(hostPort), ['a:1,', 'a:1,b']],
    [url({ protocols: ['postgres:'] }), ['postgres', 'http://host/']],
    [sharedVariables(1).advertise.parser, ['host:0', 'a/b', 'host:99999']],
    [sharedVariables(1).instanceId.parser, ['a b', 'x'.repeat(129)]],
    [sharedVariables(1).zone.parser, ['eu-west', '/a', 'eu/']],
  ])('refuse what breaks "%j"', (parser, texts) => {
    expect(texts.filter((text) => parser.parse(text).ok)).toEqual([]);
  });

  it.each(Object.values(sharedVariables(50051)))('give an example for $name that they take', ({ parser, example }) => {
    expect(parser.parse(example)).toMatchObject({ ok: true });
  });

  it('format a value as it is read', () => {
    const { registry, advertise } = sharedVariables(50051);
    for (const text of ['a:1,[::1]:2', 'b:3']) {
      const parsed = registry.parser.parse(text);
      expect(parsed.ok && registry.parser.format(parsed.value)).toBe(text);
    }
    expect(advertise.parser.parse('sales-1')).toEqual({ ok: true, value: { host: 'sales-1', port: undefined } });
  });
});
