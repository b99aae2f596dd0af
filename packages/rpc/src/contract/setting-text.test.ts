import { describe, expect, it } from '@jest/globals';
import { balancingText, parseBreaker, parseBulkhead } from './setting-text.js';

const NAMES = 'round_robin, random, weighted_round_robin, least_request, ring_hash, zone_aware';

describe('the text of balancing', () => {
  it('reads one policy per service, with its settings, and one for all others', () => {
    const text =
      'calculator.v1.CalculatorService=least_request, ' +
      'sales.v1.OrderService=weighted_round_robin?weights=load&slow_start=1.5m&subset=20,*=random';
    expect(balancingText.parse(text)).toEqual({
      value: {
        'calculator.v1.CalculatorService': { policy: 'least_request' },
        'sales.v1.OrderService': {
          policy: 'weighted_round_robin',
          weights: 'load',
          slowStartMs: 90_000,
          subsetSize: 20,
        },
        '*': { policy: 'random' },
      },
      faults: [],
    });
  });

  it('can remove the subset of a contract', () => {
    expect(balancingText.parse('a.B=ring_hash?subset=all').value).toEqual({
      'a.B': { policy: 'ring_hash', subsetSize: undefined },
    });
  });

  it.each([
    ['round_robin?slow_start=0s', 0],
    ['round_robin?slow_start=500ms', 500],
    ['round_robin?slow_start=1h', 3_600_000],
  ])('reads %s', (policy, slowStartMs) => {
    expect(balancingText.parse(`a.B=${policy}`)).toMatchObject({ value: { 'a.B': { slowStartMs } }, faults: [] });
  });

  it.each([
    ['a.B=least_requests', `a.B: there is no policy "least_requests": is least_request meant? there are ${NAMES}`],
    ['a.B=', `a.B: there is no policy "": there are ${NAMES}`],
    [
      'a.B=random?slowstart=1s',
      'a.B: there is no setting "slowstart": is slow_start meant? there are weights, slow_start, subset, hash_balance_factor',
    ],
    ['a.B=random?', 'a.B: there is no setting "": there are weights, slow_start, subset, hash_balance_factor'],
    [
      'a.B=random?toString=1',
      'a.B: there is no setting "toString": there are weights, slow_start, subset, hash_balance_factor',
    ],
    ['a.B=random?slow_start=61m', 'a.B: slow_start=61m is not from 0s to 1h, such as 30s'],
    ['a.B=random?slow_start=-1s', 'a.B: slow_start=-1s is not from 0s to 1h, such as 30s'],
    ['a.B=random?slow_start=30', 'a.B: slow_start=30 is not from 0s to 1h, such as 30s'],
    ['a.B=random?subset=0', 'a.B: subset=0 is not a whole number from 1 to 10000, or all'],
    ['a.B=random?subset=10001', 'a.B: subset=10001 is not a whole number from 1 to 10000, or all'],
    ['a.B=random?subset=1.5', 'a.B: subset=1.5 is not a whole number from 1 to 10000, or all'],
    [
      'a.B=ring_hash?hash_balance_factor=99',
      'a.B: hash_balance_factor=99 is not a whole number from 100 to 10000, or off',
    ],
    ['a.B=random?hash_balance_factor=125', 'a.B: random takes no hash balance factor, which is for ring_hash'],
    ['a.B=random?subset=3&subset=3', 'a.B: subset is set twice'],
    ['a.B=weighted_round_robin?weights=cpu', 'a.B: weights=cpu is not static or load'],
    ['a.B=random?weights=load', "a.B: random doesn't weigh by load, which is for weighted_round_robin"],
    [
      'a.B=ring_hash?subset=3',
      'a.B: ring_hash takes no subset, as all clients have to call the same instances: ' +
        'leave the subset of 3 out, or choose another policy',
    ],
    ['a.B=random,a.B=random', 'a.B: it has an entry already'],
    ...['B', 'a.B/', 'a.B/Get', '__proto__'].map((name): [string, string] => [
      `${name}=random`,
      `${name}: a service is written in full, such as calculator.v1.CalculatorService, and * stands for all others`,
    ]),
    [
      'Calculator=random',
      'Calculator: a service is written in full, such as calculator.v1.CalculatorService, and * stands for all others',
    ],
    ['a.B/Get=random', expect.stringMatching(/^a\.B\/Get: a service is written in full/)],
    ['random', '"random" is not service=policy'],
    ['=random', '"=random" is not service=policy'],
    ['*=random,', '"" is not service=policy'],
  ])('refuses %s', (text, fault) => {
    expect(balancingText.parse(text).faults).toEqual([fault]);
  });

  it('reports all faults together', () => {
    const { faults } = balancingText.parse('A=rnd?subset=0&x=1,random,b.C=random?slow_start=2h&subset=0');
    expect(faults).toEqual([
      expect.stringMatching(/^A: a service is written in full/),
      expect.stringMatching(/^A: there is no policy "rnd"/),
      expect.stringMatching(/^A: subset=0 is not/),
      expect.stringMatching(/^A: there is no setting "x"/),
      '"random" is not service=policy',
      expect.stringMatching(/^b.C: slow_start=2h is not/),
      expect.stringMatching(/^b.C: subset=0 is not/),
    ]);
  });
});

it.each([
  'a.B=random',
  'a.B=ring_hash?hash_balance_factor=125,*=ring_hash?hash_balance_factor=off',
  'a.B=weighted_round_robin?weights=load&slow_start=1500ms&subset=all,*=round_robin?slow_start=3s&subset=7',
])('the text of balancing is written as it is read: %s', (text) => {
  expect(balancingText.format(balancingText.parse(text).value)).toBe(text);
});

describe('the text of a breaker', () => {
  it.each([
    ['on', {}],
    ['off', 'off'],
    [
      'on?percent=30&slow=200ms&window=5s&min_calls=10&probes=1',
      { failurePercent: 30, slowCallMs: 200, windowMs: 5_000, minCalls: 10, probes: 1 },
    ],
  ])('reads %s', (text, value) => {
    expect(parseBreaker(text)).toEqual({ value, faults: [] });
  });

  it.each([
    ['yes', '"yes" is neither on nor off'],
    ['off?slow=1s', '"off" is neither on nor off'],
    ['on?windw=1s', 'there is no setting "windw": is window meant? there are percent, slow,'],
    ['on?constructor=1', 'there is no setting "constructor"'],
    ['on?slow=1s&slow=2s', 'slow is set twice'],
    ['on?slow=0ms', 'slow=0ms is not from 1ms to 1h'],
    ['on?slow=200', 'slow=200 is not from 1ms to 1h'],
    ['on?percent=101', 'percent=101 is not a whole number from 1 to 100'],
    ['on?percent=5s', 'percent=5s is not a whole number from 1 to 100'],
    ['on?window=11m', 'window=11m is not from 1s to 10m'],
  ])('refuses %s', (text, fault) => {
    expect(parseBreaker(text).faults.join('; ')).toContain(fault);
  });
});

it('the text of a bulkhead says how many calls', () => {
  const value = { maxCalls: 10, maxQueued: 0, queueTimeoutMs: 500 };
  expect(parseBulkhead('on?max_calls=10&max_queued=0&queue_timeout=500ms')).toEqual({ value, faults: [] });
  expect(parseBulkhead('on').faults).toEqual(['on needs max_calls, such as on?max_calls=10']);
});
