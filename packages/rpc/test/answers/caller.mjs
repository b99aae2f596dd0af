// A client of the conformance service in a process of its own, from what was built: what answers.ci.test.ts gives answers to.
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';

const { methods } = ConformanceServiceDefinition;
/** As if none could be called twice: each call gets its answer once, and ends with what that says. */
const definition = {
  ...ConformanceServiceDefinition,
  methods: { ...methods, serverStream: { ...methods.serverStream, options: {} } },
};

/** So that a connection stands also when this machine is so busy that its peer doesn't answer for a while. */
const PATIENT = { connectTimeoutMs: 3_600_000, minPingIntervalMs: 3_600_000 };

const peers = new Map();

function clientOf(address, stands) {
  const present = peers.get(address);
  if (present !== undefined) return present;
  const channel = createChannel({ resolver: staticResolver([address]), ...(stands && PATIENT) });
  const peer = { channel, client: createClient(definition, { channel }) };
  peers.set(address, peer);
  return peer;
}

async function* once() {
  yield {};
}

async function readAll(replies) {
  for await (const _reply of replies);
}

const calls = {
  unary: (client, options) => client.unaryUnsafe({}, options),
  clientStream: (client, options) => client.clientStream(once(), options),
  serverStream: (client, options) => readAll(client.serverStream({}, options)),
  bidiStream: (client, options) => readAll(client.bidiStream(once(), options)),
};

async function outcome({ address, kind, timeoutMs, stands }) {
  try {
    await calls[kind](clientOf(address, stands).client, { timeoutMs });
    return { code: Status.OK, message: 'well' };
  } catch (error) {
    if (error instanceof RpcError) return { code: error.code, message: error.message };
    return { code: -1, message: String(error?.stack ?? error) };
  }
}

process.on('message', async ({ id, close, ...call }) => {
  if (close === undefined) return process.send({ id, ...(await outcome(call)) });
  peers.get(close)?.channel.close();
  peers.delete(close);
});
process.send('ready');
