import assert from 'node:assert/strict';
import type { StreamingOutputCallResponse } from '@rondo/contracts/grpc/testing/messages';
import { TestServiceDefinition, UnimplementedServiceDefinition } from '@rondo/contracts/grpc/testing/test';
import type { Metadata } from '@rondo/rpc/call';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';

type TestClient = Client<typeof TestServiceDefinition>;
type Case = (client: TestClient, channel: Channel) => Promise<void>;

const REQUEST_SIZES = [27_182, 8, 1_828, 45_904];
const RESPONSE_SIZES = [31_415, 9, 2_653, 58_979];
const LARGE_REQUEST = { responseSize: 314_159, payload: { body: Buffer.alloc(271_828) } };

/**
 * The cases of grpc's interop suite that need neither TLS nor credentials: what the client calls, and what it expects.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
 */
export const interopCases: Readonly<Record<string, Case>> = {
  async empty_unary(client) {
    assert.deepEqual(await client.emptyCall({}), {});
  },
  async large_unary(client) {
    const { payload } = await client.unaryCall(LARGE_REQUEST);
    assert.equal(payload?.body.length, LARGE_REQUEST.responseSize);
  },
  async client_streaming(client) {
    const requests = REQUEST_SIZES.map((size) => ({ payload: { body: Buffer.alloc(size) } }));
    const { aggregatedPayloadSize } = await client.streamingInputCall(iterate(requests));
    assert.equal(aggregatedPayloadSize, 74_922);
  },
  async server_streaming(client) {
    const responseParameters = RESPONSE_SIZES.map((size) => ({ size }));
    assert.deepEqual(await sizes(client.streamingOutputCall({ responseParameters })), RESPONSE_SIZES);
  },
  async ping_pong(client) {
    const { requests, answered } = pings();
    const received: number[] = [];
    for await (const { payload } of client.fullDuplexCall(requests)) {
      received.push(payload?.body.length ?? 0);
      answered();
    }
    assert.deepEqual(received, RESPONSE_SIZES);
  },
  async empty_stream(client) {
    assert.deepEqual(await sizes(client.fullDuplexCall(iterate([]))), []);
  },
  async timeout_on_sleeping_server(client) {
    const { requests } = pings();
    await fails(sizes(client.fullDuplexCall(requests, { timeoutMs: 1 })), Status.DEADLINE_EXCEEDED);
  },
  async cancel_after_begin(client) {
    const controller = new AbortController();
    const call = client.streamingInputCall(pings().requests, { signal: controller.signal });
    controller.abort();
    await fails(call, Status.CANCELLED);
  },
  async cancel_after_first_response(client) {
    const controller = new AbortController();
    const replies = client.fullDuplexCall(pings().requests, { signal: controller.signal })[Symbol.asyncIterator]();
    await replies.next();
    controller.abort();
    await fails(replies.next(), Status.CANCELLED);
  },
  async status_code_and_message(client) {
    await failsAs(client, { code: Status.UNKNOWN, message: 'test status message' });
  },
  async special_status_message(client) {
    const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
    await fails(client.unaryCall({ responseStatus: { code: Status.UNKNOWN, message } }), Status.UNKNOWN, message);
  },
  async custom_metadata(client) {
    await echoes((options) => client.unaryCall(LARGE_REQUEST, options));
    const request = { responseParameters: [{ size: LARGE_REQUEST.responseSize }], payload: LARGE_REQUEST.payload };
    await echoes((options) => sizes(client.fullDuplexCall(iterate([request]), options)));
  },
  async unimplemented_method(client) {
    await fails(client.unimplementedCall({}), Status.UNIMPLEMENTED);
  },
  async unimplemented_service(_client, channel) {
    const client = createClient(UnimplementedServiceDefinition, { channel, at: TestServiceDefinition.fullName });
    await fails(client.unimplementedCall({}), Status.UNIMPLEMENTED);
  },
};

async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function sizes(replies: AsyncIterable<StreamingOutputCallResponse>): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const { payload } of replies) found.push(payload?.body.length ?? 0);
  return found;
}

/** Requests for one response each. Each one waits until the one before it is answered. */
function pings() {
  let answered: () => void = () => undefined;
  async function* requests() {
    for (const [index, size] of RESPONSE_SIZES.entries()) {
      const reply = new Promise<void>((resolve) => {
        answered = resolve;
      });
      yield { responseParameters: [{ size }], payload: { body: Buffer.alloc(REQUEST_SIZES[index] ?? 0) } };
      await reply;
    }
  }
  return { requests: requests(), answered: () => answered() };
}

async function failsAs(client: TestClient, responseStatus: { code: Status; message: string }): Promise<void> {
  const { code, message } = responseStatus;
  await fails(client.unaryCall({ responseStatus }), code, message);
  await fails(sizes(client.fullDuplexCall(iterate([{ responseStatus }]))), code, message);
}

async function fails(call: Promise<unknown>, code: Status, message?: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof RpcError, String(error));
    assert.equal(error.codeName, new RpcError(code, '').codeName);
    if (message !== undefined) assert.equal(error.message, message);
    return true;
  });
}

interface Observed {
  readonly metadata: readonly (readonly [string, string | Uint8Array])[];
  readonly onHeader: (header: Metadata) => void;
  readonly onTrailer: (trailer: Metadata) => void;
}

async function echoes(call: (options: Observed) => Promise<unknown>): Promise<void> {
  const bytes = Buffer.from([0xab, 0xab, 0xab]);
  const found: { header?: string | undefined; trailer?: Uint8Array | undefined } = {};
  await call({
    metadata: [
      ['x-grpc-test-echo-initial', 'test_initial_metadata_value'],
      ['x-grpc-test-echo-trailing-bin', bytes],
    ],
    onHeader(header) {
      found.header = header.get('x-grpc-test-echo-initial');
    },
    onTrailer(trailer) {
      found.trailer = trailer.getBytes('x-grpc-test-echo-trailing-bin');
    },
  });
  assert.equal(found.header, 'test_initial_metadata_value');
  assert.deepEqual(Buffer.from(found.trailer ?? []), bytes);
}
