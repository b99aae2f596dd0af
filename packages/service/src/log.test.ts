import { expect, it } from '@jest/globals';
import { RpcError, Status } from '@rondo/rpc/status';
import { createLog, printableLine } from './log.js';

it('writes one JSON line per event, with the service, the instance and the whole error', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({ service: 'sales', instanceId: 'sales-1', level: 'info', destination });
  log.debug({}, 'too little');
  log.child({ method: '/a.B/C' }).error({ err: new Error('boom', { cause: new Error('spark') }) }, 'failed');
  expect(lines).toHaveLength(1);
  const line: unknown = JSON.parse(lines[0] ?? '');
  expect(line).toMatchObject({
    level: 'error',
    service: 'sales',
    instance: 'sales-1',
    method: '/a.B/C',
    msg: 'failed',
  });
  expect(line).toMatchObject({ time: expect.stringMatching(/^\d{4}-.*Z$/), err: { message: 'boom: spark' } });
});

it('writes the method, the attempts and the times of a failed call', () => {
  const lines: string[] = [];
  const log = createLog({
    service: 'sales',
    instanceId: 'sales-1',
    level: 'info',
    destination: { write: (line) => void lines.push(line) },
  });
  const attempt = { instance: 'c-1', address: 'c:1', code: 'UNAVAILABLE', message: 'refused', elapsedMs: 12 } as const;
  const report = { method: '/a.B/C', attempts: [attempt], elapsedMs: 34 };
  log.error({ err: new RpcError(Status.UNAVAILABLE, 'refused', { report }) }, 'failed');
  expect(JSON.parse(lines[0] ?? '').err.message).toBe(
    'UNAVAILABLE: /a.B/C: refused (1 attempt in 34 ms: c-1 at c:1 UNAVAILABLE after 12 ms; 22 ms of waiting before and between)',
  );
});

it('keeps each line as it is written: without secrets', () => {
  const [written, kept]: [string[], string[]] = [[], []];
  const destination = { write: (line: string) => void written.push(line) };
  const keep = (line: string) => void kept.push(line);
  const options = { service: 'sales', instanceId: 'sales-1', level: 'info', secrets: ['0123456789'] } as const;
  createLog({ ...options, keep, destination }).info({}, 'the key 0123456789');
  expect(kept.join()).toContain('the key (hidden)');
  expect(kept).toEqual(written);
});

it('writes the text of a cause once, and keeps the stack of each error', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({ service: 'sales', instanceId: 'sales-1', level: 'info', destination });
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');
  const unavailable = new Error(`PostgreSQL is unavailable: ${refused.message}`, { cause: refused });
  log.error({ err: new Error('the relay failed', { cause: unavailable }) }, 'failed');
  const { err } = JSON.parse(lines[0] ?? '');
  expect(err.message).toBe('the relay failed: PostgreSQL is unavailable: connect ECONNREFUSED 127.0.0.1:1');
  expect(err.stack.match(/^caused by: /gm)).toHaveLength(2);
});

it('on a terminal has no text that could control it, or that looks like another line', () => {
  const line = { msg: 'a\n\u001b[2J', fields: ['\u009b', '\u202e'], err: { stack: 'Error: x\u001b[2J\n    at y' } };
  expect(JSON.parse(printableLine(JSON.stringify(line)))).toEqual({
    msg: 'a\\n\\u001b[2J',
    fields: ['\\u009b', '\\u202e'],
    err: { stack: 'Error: x\\u001b[2J\n    at y' },
  });
});
