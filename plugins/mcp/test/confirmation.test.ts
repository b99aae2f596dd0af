import { expect, it, jest } from '@jest/globals';
import { openMcp, type Tool, type ToolCall, type Tools } from '../src/exports/index.js';

const KEY = Buffer.alloc(32, 1);
const NOW = Date.now();

const toolOf = (name: string): Tool => ({
  name,
  description: 'Removes something.',
  input: { type: 'object' },
  readOnly: false,
  idempotent: true,
  confirm: true,
});

/** Two tools that a person has to confirm, for a caller. */
function toolsOf(caller: string) {
  const calls: ToolCall[] = [];
  const tools: Tools = {
    caller,
    list: () => ({ tools: [], isLast: true }),
    find: (name) => (['drop', 'erase'].includes(name) ? toolOf(name) : undefined),
    async call(call) {
      calls.push(call);
      return { text: 'done', failed: false };
    },
  };
  return { tools, calls };
}

interface Asked {
  readonly caller?: string;
  readonly name?: string;
  readonly given?: object;
  readonly requestState?: string | undefined;
  readonly action?: string;
  readonly key?: Uint8Array;
  readonly capabilities?: object;
}

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'a', version: '1' },
};

/** Sends a call as a program does that forges what it likes: the answer, and the calls that were made. */
async function ask({
  caller = 'ada',
  name = 'drop',
  given = { name: 'notes/1', key: 'k' },
  requestState,
  action,
  key = KEY,
  capabilities = { elicitation: {} },
}: Asked) {
  const { tools, calls } = toolsOf(caller);
  const _meta = { ...ENVELOPE, 'io.modelcontextprotocol/clientCapabilities': capabilities };
  const inputResponses = action === undefined ? undefined : { confirm: { action } };
  const params = { name, arguments: given, _meta, requestState, inputResponses };
  const serve = await openMcp(key);
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const response = await serve(
    new Request('http://localhost/mcp', {
      method: 'POST',
      headers: { ...headers, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    }),
    tools,
  );
  const { result, error } = JSON.parse(await response.text());
  return { result, error, calls };
}

const questioned = async (asked: Asked = {}) => String((await ask(asked)).result.requestState);

it('asks once, and calls with the confirmation of the same caller, tool and arguments', async () => {
  const { result, calls } = await ask({});
  expect(result).toMatchObject({ resultType: 'input_required', inputRequests: { confirm: {} } });
  expect(calls).toEqual([]);
  const { requestState } = result;
  expect((await ask({ requestState, action: 'accept' })).calls).toHaveLength(1);
  expect((await ask({ requestState, action: 'decline' })).calls).toHaveLength(0);
});

it.each<[string, Asked]>([
  ['of other arguments', { given: { name: 'notes/2', key: 'k' } }],
  ['of another key of the call', { given: { name: 'notes/1', key: 'other' } }],
  ['of another tool', { name: 'erase' }],
  ['of another caller', { caller: 'eve' }],
  ['that another key has signed', { key: Buffer.alloc(32, 2) }],
])('refuses a confirmation %s', async (_, other) => {
  const requestState = await questioned();
  const { error, calls } = await ask({ ...other, requestState, action: 'accept' });
  expect([error.code, calls]).toEqual([-32602, []]);
});

it('refuses a confirmation that is forged', async () => {
  const requestState = await questioned();
  const [version = '', body = '', mac = ''] = requestState.split('.');
  const payload = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), exp: 2 ** 40 };
  const later = Buffer.from(JSON.stringify(payload)).toString('base64url');
  for (const forged of [`${version}.${later}.${mac}`, `${version}.${body}.`, `${body}.${mac}`, 'v1.', '']) {
    const { error, calls } = await ask({ requestState: forged, action: 'accept' });
    expect([error.code, calls]).toEqual([-32602, []]);
  }
});

it('refuses a confirmation after five minutes', async () => {
  const now = jest.spyOn(Date, 'now').mockReturnValue(NOW);
  const requestState = await questioned();
  now.mockReturnValue(NOW + 299_000);
  expect((await ask({ requestState, action: 'accept' })).calls).toHaveLength(1);
  now.mockReturnValue(NOW + 302_000);
  expect((await ask({ requestState, action: 'accept' })).error.code).toBe(-32602);
  now.mockRestore();
});

it('a confirmation that is sent again repeats its call, with the same key', async () => {
  const requestState = await questioned();
  const sent = [await ask({ requestState, action: 'accept' }), await ask({ requestState, action: 'accept' })];
  const given = sent.map(({ calls }) => calls.map((call) => call.arguments));
  expect(given).toEqual([[{ name: 'notes/1', key: 'k' }], [{ name: 'notes/1', key: 'k' }]]);
});

it('shows a person all of the arguments, also what can’t be seen, and asks for none that are too long to be shown', async () => {
  const hidden = 'notes/1\u202e\u200b\u{e0041}\u2028ünï😀';
  const asked = (await ask({ given: { name: hidden } })).result;
  expect(asked.inputRequests.confirm.params.message).toBe(
    String.raw`Call drop with {"name":"notes/1\u202e\u200b\udb40\udc41\u2028ünï😀"}?`,
  );
  for (const confirmed of [{}, { requestState: await questioned(), action: 'accept' }]) {
    const { result, calls } = await ask({ ...confirmed, given: { note: 'x'.repeat(4_000), name: 'notes/2' } });
    expect([result.isError, result.content[0].text, calls]).toEqual([true, expect.stringMatching(/at most 4000 /), []]);
  }
});

it('takes no confirmation of a question that it hasn’t asked, and asks no program that can’t', async () => {
  const { result, calls } = await ask({ action: 'accept' });
  expect([result.resultType, calls]).toEqual(['input_required', []]);
  const refused = await ask({ capabilities: {} });
  expect([refused.error.code, refused.calls]).toEqual([-32021, []]);
});

it('tells a program nothing of a tool that its caller may not call', async () => {
  const { error } = await ask({ name: 'other' });
  expect(error).toEqual({ code: -32602, message: 'Unknown tool: other' });
});
