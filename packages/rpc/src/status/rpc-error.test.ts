import { describe, expect, it } from '@jest/globals';
import { Status } from './code.js';
import { type Attempt, type CallReport, RpcError } from './rpc-error.js';

const METHOD = '/calculator.v1.CalculatorService/Add';

function attempt(number: number, code: Attempt['code'] = 'UNAVAILABLE', elapsedMs = 12): Attempt {
  return { instance: `calculator-${number}`, address: `127.0.0.1:5005${number}`, code, message: '', elapsedMs };
}

function textOf(message: string, { attempts = [], elapsedMs = 34.4, ...rest }: Partial<CallReport>): string {
  const report = { ...rest, method: METHOD, attempts, elapsedMs };
  return String(new RpcError(Status.UNAVAILABLE, message, { report }));
}

describe('the text of an error', () => {
  it('is its code and message if there is no report', () => {
    expect(String(new RpcError(Status.NOT_FOUND, 'there is no cart 7'))).toBe('NOT_FOUND: there is no cart 7');
  });

  it('names the method, and each attempt with its instance, code and time', () => {
    expect(textOf('no room', { attempts: [attempt(1), attempt(2, 'RESOURCE_EXHAUSTED', 0.25)] })).toBe(
      `UNAVAILABLE: ${METHOD}: no room (2 attempts in 34 ms: calculator-1 at 127.0.0.1:50051 UNAVAILABLE after 12 ms, calculator-2 at 127.0.0.1:50052 RESOURCE_EXHAUSTED after 0.3 ms; 22 ms of waiting before and between)`,
    );
  });

  it('names an instance without an id by its address, and gives an attempt without an answer no time', () => {
    const pending = { ...attempt(1, 'PENDING', 0), instance: '127.0.0.1:50051' };
    expect(textOf('too late', { attempts: [pending], elapsedMs: 1000 })).toBe(
      `UNAVAILABLE: ${METHOD}: too late (1 attempt in 1000 ms: 127.0.0.1:50051 without an answer)`,
    );
  });

  it('says so if the call was made nowhere', () => {
    expect(textOf('no instance is known', {})).toBe(
      `UNAVAILABLE: ${METHOD}: no instance is known (no attempt in 34 ms)`,
    );
  });

  it('has the phases of a call that was timed', () => {
    const times = { resolveMs: 1.23, connectMs: 0, retriesMs: 0, queueMs: 0.01, receiveMs: 0, totalMs: 34.4 };
    const timing = { ...times, sendMs: undefined, propagationMs: 21, processMs: 12.16 };
    expect(textOf('no room', { attempts: [attempt(1)], timing })).toContain(
      'after 12 ms; resolve 1.2 ms, propagation 21 ms, process 12 ms)',
    );
  });

  it("doesn't repeat an address that the message has", () => {
    const message = 'no instance can take the call: calculator-1 at 127.0.0.1:50051: refused';
    expect(textOf(message, { attempts: [attempt(1)] })).toBe(
      `UNAVAILABLE: ${METHOD}: ${message} (1 attempt in 34 ms: calculator-1 UNAVAILABLE after 12 ms; 22 ms of waiting before and between)`,
    );
  });

  it('has a bounded length: it names the last attempts, and cuts long names', () => {
    const attempts = Array.from({ length: 400 }, (_, number) => attempt(number));
    const text = textOf('no room', { attempts: [...attempts, { ...attempt(7), instance: 'x'.repeat(5_000) }] });
    expect(text).toContain('(401 attempts in 34 ms, the last 5: calculator-396 at ');
    expect(text.length).toBeLessThan(900);
  });
});
