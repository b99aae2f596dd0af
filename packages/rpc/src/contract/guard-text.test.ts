import { describe, expect, it } from '@jest/globals';
import { breakerText, bulkheadText } from './guard-text.js';

describe('the text of breakers', () => {
  it('is read by service, method and *', () => {
    const { value, faults } = breakerText.parse(
      'sales.v1.OrderService=on, a.B/Get=on?percent=30&slow=200ms&window=5s&min_calls=10&probes=1,*=off',
    );
    expect(faults).toEqual([]);
    expect(value).toEqual({
      'sales.v1.OrderService': {},
      'a.B/Get': { failurePercent: 30, slowCallMs: 200, windowMs: 5_000, minCalls: 10, probes: 1 },
      '*': 'off',
    });
  });

  it('is written as it is read', () => {
    const text = 'a.B=on,a.B/Get=on?percent=30&slow=1500ms&window=1m&min_calls=10&probes=1,*=off';
    expect(breakerText.format(breakerText.parse(text).value)).toBe(text);
  });

  it.each([
    ['', '"" is not service=on or service=off'],
    ['a.B', '"a.B" is not service=on or service=off'],
    ['B=on', 'B: a service is written in full'],
    ['a.B/=on', 'a.B/: a service is written in full'],
    ['__proto__=on', '__proto__: a service is written in full'],
    ['a.B=on,a.B=off', 'a.B: it has an entry already'],
    ['a.B=yes', 'a.B: "yes" is neither on nor off'],
    ['a.B=off?slow=1s', 'a.B: "off" is neither on nor off'],
    ['a.B=on?windw=1s', 'a.B: there is no setting "windw": is window meant? there are percent, slow,'],
    ['a.B=on?constructor=1', 'a.B: there is no setting "constructor"'],
    ['a.B=on?slow=1s&slow=2s', 'a.B: slow is set twice'],
    ['a.B=on?slow=0ms', 'a.B: slow=0ms is not from 1ms to 1h'],
    ['a.B=on?slow=200', 'a.B: slow=200 is not from 1ms to 1h'],
    ['a.B=on?percent=101', 'a.B: percent=101 is not a whole number from 1 to 100'],
    ['a.B=on?percent=5s', 'a.B: percent=5s is not a whole number from 1 to 100'],
    ['a.B=on?window=11m', 'a.B: window=11m is not from 1s to 10m'],
  ])('refuses %s', (text, fault) => {
    expect(breakerText.parse(text).faults.join('; ')).toContain(fault);
  });
});

describe('the text of bulkheads', () => {
  it('is written as it is read', () => {
    const text = 'a.B=on?max_calls=10&max_queued=0&queue_timeout=500ms,*=off';
    expect(bulkheadText.format(bulkheadText.parse(text).value)).toBe(text);
  });

  it('has to say how many calls', () => {
    expect(bulkheadText.parse('a.B=on').faults).toEqual(['a.B: on needs max_calls, such as on?max_calls=10']);
  });
});
