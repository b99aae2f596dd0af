import { randomUUID } from 'node:crypto';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { PlaceOnce } from './calls.js';
import { CUSTOMER, PRODUCT } from './protocol.js';

/** What the tool says if it is open whether the order was placed, or if it is refused for now. */
const ADVICE = 'Repeat the call with the same requestId';

/** Places orders as an agent does: by the tool `place_order` of the gateway. Some replies are lost: the gateway has answered, and nothing arrives. */
export function placeByAgent(url: string, loses: () => boolean): PlaceOnce {
  const forgetful: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!String(init?.body).includes('"place_order"')) return response;
    const body = await response.arrayBuffer();
    if (loses()) throw new TypeError('the reply was lost');
    return new Response(body, response);
  };
  let connected: Promise<Client> | undefined;
  const connect = async () => {
    const client = new Client(
      { name: 'buyer', version: '1.0.0' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: forgetful }));
    return client;
  };
  const order = { customer: CUSTOMER, lines: [{ product: PRODUCT, quantity: '1' }] };
  return async (requestId = randomUUID()) => {
    try {
      connected ??= connect();
      const client = await connected;
      const answer = await client.callTool({ name: 'place_order', arguments: { order, requestId } });
      if (!answer.isError) return String(Reflect.get(answer.structuredContent ?? {}, 'name'));
      const [content] = answer.content;
      const text = content?.type === 'text' ? content.text : '';
      if (!text.includes(ADVICE)) throw new UnexpectedAnswer(text);
    } catch (error) {
      if (error instanceof UnexpectedAnswer) throw error;
      // The gateway is away, or the reply was lost.
      connected = undefined;
    }
    return undefined;
  };
}

class UnexpectedAnswer extends Error {}
