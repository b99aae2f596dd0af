/** What the conformance suite of the Model Context Protocol calls: its tools, served by `@rondo/mcp` over HTTP. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { openMcp } from '@rondo/mcp';

const INPUT = { type: 'object', properties: { name: { type: 'string' }, seconds: { type: 'number' } } };
const answer = (text, failed = false) => ({ text, failed });

/** The tools by their names: those that answer at once, and those that begin an operation of so many seconds. */
const ANSWERS = {
  greet: ({ name }) => answer(`Hello, ${name}!`),
  test_simple_text: () => answer('This is a simple text response for testing.'),
  test_error_handling: () => answer('This tool intentionally returns an error for testing', true),
};
const OPERATIONS = {
  slow_compute: { secondsOf: ({ seconds = 1 }) => seconds, end: 'succeeded' },
  failing_job: { secondsOf: () => 1, end: 'failed' },
};
const NAMES = [...Object.keys(ANSWERS), ...Object.keys(OPERATIONS)].sort();

/** Resolves to the server's URL. It ends with this process. */
export async function serveSuiteTools() {
  const serve = await openMcp(Buffer.alloc(32, 1));
  const tools = suiteTools();
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    const init = method === 'POST' ? { body: await textOf(request) } : {};
    const answered = await serve(new Request(`http://${headers.host}/mcp`, { method, headers, ...init }), tools);
    response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text());
  });
  server.unref().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}/mcp`;
}

function suiteTools() {
  const operations = new Map();
  const show = (name) => {
    const { end, endsAt } = operations.get(name) ?? {};
    if (end === undefined) return answer(`there is no ${name}`, true);
    const state = Date.now() < endsAt ? 'working' : end;
    return { ...answer(state), operation: { name, state } };
  };
  const begin = ({ secondsOf, end }, given) => {
    const name = `operations/${operations.size}`;
    operations.set(name, { end, endsAt: Date.now() + secondsOf(given) * 1_000 });
    return show(name);
  };
  const shown = (name) => {
    const readOnly = name in ANSWERS;
    return { name, description: `${name} of the suite.`, input: INPUT, readOnly, idempotent: true, confirm: false };
  };
  return {
    caller: 'suite',
    list: (after) => ({ tools: NAMES.filter((name) => name > after).map(shown), isLast: true }),
    find: (name) => (NAMES.includes(name) ? shown(name) : undefined),
    call: async ({ name, arguments: given }) => ANSWERS[name]?.(given) ?? begin(OPERATIONS[name], given),
    operations: {
      get: async (name) => show(name),
      async cancel(name) {
        const now = show(name);
        if (now.operation?.state === 'working') operations.set(name, { end: 'cancelled', endsAt: 0 });
        return now;
      },
    },
  };
}
