import { describe, expect, it } from '@jest/globals';
import { DebugInfo, ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { Metadata } from '@rondo/rpc/call';
import { packDetail, RpcError, Status } from '@rondo/rpc/status';
import { publicError } from './public-error.js';

const ADDRESSES = '10.0.0.7:5432 [2001:db8::1]:443 db:5432 orders-1.internal:80 localhost:80 unix:/run/app.sock'.split(
  ' ',
);
const isAddress = (text: string) => ADDRESSES.includes(text);
const call = { service: 'sales.v1.OrderService', running: true, traceId: 'ab12', isAddress };
const report = { method: '/sales.v1.OrderService/GetOrder', attempts: [], elapsedMs: 1 };
const answered = (message: string) => new RpcError(Status.INTERNAL, message, { origin: 'server', report });
const shown = (message: string) => publicError(answered(message), call).message;

describe("a server's answer", () => {
  it('stays as it is', () => {
    const details = [packDetail(ErrorInfo, { reason: 'OUT_OF_STOCK', domain: 'sales' })];
    const metadata = new Metadata({ tenant: 'acme' });
    const error = new RpcError(Status.NOT_FOUND, 'no order: 東京', { origin: 'server', details, metadata, report });
    expect(publicError(error, call)).toBe(error);
  });

  it('loses its debug info and nothing else', () => {
    const info = packDetail(ErrorInfo, { reason: 'OUT_OF_STOCK', domain: 'sales' });
    const debug = packDetail(DebugInfo, { stackEntries: ['at f (/srv/app.js:1:2)'], detail: 'secret' });
    const metadata = new Metadata({ tenant: 'acme' });
    const header = new Metadata({ early: 'yes' });
    const options = { origin: 'server', details: [debug, info], metadata, header, report, retryPushbackMs: 5 } as const;
    const error = publicError(new RpcError(Status.ABORTED, 'sold', options), call);
    const kept = { details: [info], metadata, header, retryPushbackMs: 5 };
    expect(error).toMatchObject({ code: Status.ABORTED, message: 'sold', ...kept });
  });

  it.each([
    ['connect to 10.0.0.7:5432 failed', 'connect to … failed'],
    ['peer [2001:db8::1]:443 left', 'peer … left'],
    ['the database at db:5432 is away', 'the database at … is away'],
    ['dial orders-1.internal:80: refused', 'dial …: refused'],
    ['localhost:80 is away', '… is away'],
    ['bound to unix:/run/app.sock', 'bound to …'],
    ['postgres://user:secret@db/app is away', '… is away'],
    ['http://10.0.0.7:5432/x answered 500', 'http://…/x answered 500'],
    ['boom\n    at f (/srv/app.js:1:2)\n    at async /srv/main.js:9:1', 'boom\n…\n…'],
    ['boom\n\tat com.acme.Order.place(Order.java:12)', 'boom\n…'],
    ['boom\n  File "/srv/app.py", line 3, in place', 'boom\n…'],
    ['panic\n\t/srv/main.go:12 +0x1f', 'panic\n…'],
  ])('has no address and no stack line: %j', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it.each([
    'the order was placed at 10:15',
    'at 2026-11-21T19:14:33.000Z the price was 12:1',
    'Foo::bar and std::vector are names',
    'see https://example.com/help:here',
    'orders/12: no such line; use version 1.2.3',
    'field a.b: must be from 1 to 10',
    "'1 ☕': ratio 3:2, id:42",
    'there is no user:12345',
    'sku A1:1000 and version 1.2.3.4 are sold out',
    'no block dead::beef, no host 192.168.1.20:80, no zone eu-1.example.com:443',
    'git clone https://ada@example.com/repo',
  ])('keeps what only resembles an address: %j', (text) => {
    expect(shown(text)).toBe(text);
  });
});

it('a hostile text takes no longer than another', () => {
  const parts = ['    at x', ...'a a. f: f:1 unix: [::] x://a:b 1.1. :: a:1 x:// [ .go:1 -'.split(' ')];
  const before = process.cpuUsage();
  for (const part of parts) shown(`${part.repeat(16_384 / part.length)}!`);
  // Milliseconds of the processor; minutes with a pattern that backtracks.
  expect(process.cpuUsage(before).user).toBeLessThan(10_000_000);
});

describe('an error of this process', () => {
  const own = (code: Status) =>
    new RpcError(code, 'orders-1 at 10.0.0.7:50051: connection refused', {
      report,
      details: [packDetail(ErrorInfo, { reason: 'x', domain: 'y' })],
    });

  it.each([
    [Status.UNAVAILABLE, "sales.v1.OrderService can't be reached now; call again soon (trace ab12)"],
    [Status.DEADLINE_EXCEEDED, 'the call took longer than it may (trace ab12)'],
    [Status.CANCELLED, 'the call was cancelled (trace ab12)'],
    [Status.RESOURCE_EXHAUSTED, 'the call exceeds a limit (trace ab12)'],
    [Status.UNIMPLEMENTED, 'the service did not answer as its contract says (trace ab12)'],
    [Status.PERMISSION_DENIED, 'internal error (trace ab12)'],
    [Status.INTERNAL, 'internal error (trace ab12)'],
  ])('has a fixed text for code %d', (code, message) => {
    const cause = own(code);
    expect(publicError(cause, call)).toMatchObject({ code, message, cause, details: [] });
  });

  it('says that no instance is running, if that is so', () => {
    const message = 'no instance of sales.v1.OrderService is running';
    expect(publicError(own(Status.UNAVAILABLE), { ...call, running: false })).toMatchObject({ message });
    const slow = publicError(own(Status.DEADLINE_EXCEEDED), { ...call, running: false, traceId: undefined });
    expect(slow.message).toBe('the call took longer than it may');
  });

  it('that is no status is INTERNAL', () => {
    const message = 'internal error (trace ab12)';
    expect(publicError(new TypeError('x is undefined'), call)).toMatchObject({ code: Status.INTERNAL, message });
  });
});

it('an error about the request, which the protocol in front wrote, stays as it is', () => {
  const error = new RpcError(Status.INVALID_ARGUMENT, 'a: must be a number');
  expect(publicError(error, call)).toBe(error);
});
