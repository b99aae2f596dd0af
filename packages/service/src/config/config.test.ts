import { describe, expect, it } from '@jest/globals';
import { configure, findMisspellings } from './configure.js';
import { hostPort, integer, list, listenAddress, oneOf, url } from './parsers.js';
import { sharedVariables } from './shared.js';
import {
  ConfigurationError,
  type Environment,
  optionalVariable,
  readConfig,
  type Variables,
  variable,
} from './variables.js';

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
  it('reads values, and takes the defaults for unset variables', () => {
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

  it('lists every fault of RONDO_BALANCING in one line', () => {
    const environment = { RONDO_BALANCING: 'sales.v1.OrderService=least_requests?subset=0,Calculator=random' };
    expect(faultsOf(sharedVariables(1), environment)).toEqual([
      expect.stringMatching(
        /^RONDO_BALANCING=.* is wrong: .*is least_request meant.*; .*subset=0 is not .*; Calculator: .*: give service=policy/,
      ),
    ]);
  });

  it('hides a secret', () => {
    const variables = { token: variable('RONDO_TOKEN', integer(), { secret: true }) };
    expect(faultsOf(variables, { RONDO_TOKEN: 'hunter2' }).join()).not.toContain('hunter2');
  });

  it('quotes no login, not even of a URL that is none', () => {
    for (const text of ['ETCD://user:s3cret@h', '://user:s3cret?x@h', 'user:s3cret@h:1', 'ETCD://h?password=s3cret']) {
      const [fault = ''] = faultsOf(sharedVariables(1), { RONDO_REGISTRY: text });
      expect(fault).toContain('(hidden)');
      expect(fault).not.toContain('s3cret');
    }
  });

  it('treats an empty variable as unset', () => {
    expect(readConfig(sharedVariables(50051), { RONDO_LISTEN: '', RONDO_METRICS: ' ' })).toMatchObject({
      listen: { host: '127.0.0.1', port: 50051 },
      metrics: undefined,
    });
  });
});

describe('the parsers', () => {
  it.each([
    [integer({ min: 1, max: 8 }), ['0', '9', '1.5', '1e2', 'one', '']],
    [hostPort, ['host', ':1', 'host:0', 'host:65536', 'a b:1', '::1:50050', 'http://host:1', 'h?tls=on:1', 'u@h:1']],
    [listenAddress, ['host:65536', 'host:-1']],
    [list(hostPort), ['a:1,', 'a:1,b']],
    [url({ protocols: ['postgres:'] }), ['postgres', 'http://host/', 'postgres://a:1,b:x/sales', 'http://a:1,b:2/']],
    [url(), ['http://a:1,b:2/']],
    [sharedVariables(1).cache.parser, ['redis://h?tls=on', 'redis://h:6379/?ssl=true']],
    [sharedVariables(1).auth.parser, ['true', 'ON', '1', 'yes']],
    [sharedVariables(1).tls.parser, ['true', 'ON', '1', 'yes']],
    [sharedVariables(1).advertise.parser, ['host:0', 'a/b', 'host:99999']],
    [sharedVariables(1).instanceId.parser, ['a b', 'x'.repeat(129)]],
    [sharedVariables(1).zone.parser, ['eu-west', '/a', 'eu/']],
    [sharedVariables(1).weight.parser, ['0', '1001', '2.5']],
    [sharedVariables(1).version.parser, ['v'.repeat(129), 'two words', 'ü']],
    [
      sharedVariables(1).metadata.parser,
      ['canary', '=5', 'a=1,', 'a=1,a=2', `${'k'.repeat(65)}=`, `k=${'v'.repeat(257)}`, 'k=a\nb'],
    ],
    [
      sharedVariables(1).metadata.parser,
      ['canary=5%', 'canary=', 'canary=-1', 'canary=101', 'canary=1e1', 'canary=1,'],
    ],
    [sharedVariables(1).metadata.parser, [Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(',')]],
    [sharedVariables(1).balancing.parser, ['random', 'a.B=rnd', 'a.B=random?x=1', 'B=random']],
  ])('refuse values that break "%j"', (parser, texts) => {
    expect(texts.filter((text) => parser.parse(text).ok)).toEqual([]);
  });

  it('accept a PostgreSQL URL with several hosts', () => {
    const value = 'postgres://sales:a,b@a:5432,[::1]:5433,c/sales?target_session_attrs=read-write';
    expect(url({ protocols: ['postgres:', 'postgresql:'] }).parse(value)).toEqual({ ok: true, value });
  });

  it('say which label is wrong, and the rule', () => {
    expect(faultsOf(sharedVariables(1), { RONDO_METADATA: 'team=blue,canary=5%' })).toEqual([
      'RONDO_METADATA=team=blue,canary=5% item 2 has a canary that is not a number from 0 to 100, without a percent sign:' +
        ' give at most 32 labels as key=value,key=value, a key of 1 to 64 characters, a value of up to 256,' +
        ' and canary a number from 0 to 100, without a percent sign, such as RONDO_METADATA=canary=5',
    ]);
  });

  it('accept labels with an equals sign in the value, and with an empty value', () => {
    const { parser } = sharedVariables(1).metadata;
    expect(parser.parse(' link = a=b , flag=,canary=0.5')).toEqual({
      ok: true,
      value: { link: 'a=b', flag: '', canary: '0.5' },
    });
  });

  it.each(Object.values(sharedVariables(50051)))('accept the example of $name', ({ parser, example }) => {
    expect(parser.parse(example)).toMatchObject({ ok: true });
  });

  it('format a value as they parse it', () => {
    const { registry, advertise } = sharedVariables(50051);
    for (const text of ['a:1,[::1]:2', 'b:3']) {
      const parsed = registry.parser.parse(text);
      expect(parsed.ok && registry.parser.format(parsed.value)).toBe(text);
    }
    expect(advertise.parser.parse('sales-1')).toEqual({ ok: true, value: { host: 'sales-1', port: undefined } });
  });
});

const variables = { workers: variable('RONDO_WORKERS', integer({ min: 1 })) };

it("reads the shared variables and the service's own", () => {
  const { shared, own, misspellings } = configure(
    { port: 50053, variables },
    { RONDO_WORKERS: '4', RONDO_LISTN: 'a:1' },
  );
  expect(shared.listen).toEqual({ host: '127.0.0.1', port: 50053 });
  expect(own).toEqual({ workers: 4 });
  expect(misspellings).toEqual([{ name: 'RONDO_LISTN', meant: 'RONDO_LISTEN' }]);
});

it('lists misspellings with the faults, as they may be the cause', () => {
  const needed = { workers: variable('RONDO_WORKERS', integer({ min: 1 })) };
  const read = () => configure({ port: 50053, variables: needed }, { RONDO_WORKER: '4' });
  expect(read).toThrow(/RONDO_WORKERS is not set.*\nRONDO_WORKER is not read: is RONDO_WORKERS meant\?$/);
});

it('lists the faults of shared and own variables', () => {
  const read = () => configure({ port: 50053, variables }, { RONDO_LISTEN: 'nowhere', RONDO_WORKERS: '0' });
  expect(read).toThrow(ConfigurationError);
  expect(read).toThrow(/2 faults.*RONDO_LISTEN.*RONDO_WORKERS/s);
});

const known = ['RONDO_LISTEN', 'RONDO_REGISTRY', 'RONDO_ZONE'];

it('ignores variables of other processes', () => {
  expect(findMisspellings({ RONDO_REGISTRY_STORE: 'etcd://a', PATH: '/bin', LISTEN: 'x' }, known)).toEqual([]);
});

it('a process refuses a variable of an earlier version, and says what takes its place', () => {
  const read = (environment: Readonly<Record<string, string>>) => configure({ port: 0 }, environment);
  expect(() => read({ RONDO_TLS_MIN_VERSION: '1.2', RONDO_GATEWAY_RATE: '5/s', RONDO_LISTEN: 'nowhere' })).toThrow(
    /3 faults.*RONDO_GATEWAY_RATE is not read any more: set RONDO_GATEWAY_LIMITS=.*RONDO_TLS_MIN_VERSION is not.*RONDO_LISTEN=/s,
  );
  expect(read({ RONDO_TLS_MIN_VERSION: ' ' }).shared.tls).toBe('off');
});
