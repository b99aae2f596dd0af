import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { afterEach, expect, it } from '@jest/globals';
import { closeAll, listening, textOf } from '../../test/support/listening.js';
import { BodyError, type HttpExchange } from '../listener/exchange.js';
import type { ListenerLimits } from '../listener/limits.js';
import { readLines } from './lines.js';

afterEach(closeAll);

/** Sends each line back, and at the end why it could read no more. */
async function echoLines(exchange: HttpExchange): Promise<void> {
  exchange.respond(200, {});
  try {
    for await (const { text } of readLines(exchange, 1_000_000)) await exchange.write(Buffer.from(text));
    exchange.end();
  } catch (error) {
    exchange.end(Buffer.from(error instanceof BodyError ? ` ${error.codeName}` : 'failed'));
  }
}

/** A request whose first line has been answered. */
async function afterOneLine(limits: Partial<ListenerLimits>) {
  const { port } = await listening({ handler: (exchange) => void echoLines(exchange), limits });
  const request = http.request({ port, host: '127.0.0.1', method: 'POST' }).on('error', () => undefined);
  request.write('1\n');
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no response');
  return { request, answer: textOf(response) };
}

const HASTY = { bodyGraceMs: 20, stallMs: 20, tickMs: 5 };

it('lets a client rest between lines', async () => {
  const { request, answer } = await afterOneLine(HASTY);
  await new Promise((resolve) => setTimeout(resolve, 100));
  request.end('2\n');
  expect(await answer).toBe('12');
});

it('lets no client rest inside a line', async () => {
  const { request, answer } = await afterOneLine(HASTY);
  request.write('2');
  expect(await answer).toBe('1 DEADLINE_EXCEEDED');
});

it('keeps no more of unfinished lines than the port may', async () => {
  const { request, answer } = await afterOneLine({ unfinishedBytes: 10_000 });
  request.write('x'.repeat(12_000));
  request.write('\n');
  request.write('x'.repeat(30_000));
  expect(await answer).toMatch(/^1x{12000}? UNAVAILABLE$/);
});
