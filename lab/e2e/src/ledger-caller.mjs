/** Creates entries until each was answered, from where an earlier caller was killed. Some replies are lost on the way. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { grpcTransport, TransportError, wrapTransport } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';

const CONCURRENCY = 16;
/** One in so many replies is lost. */
const LOST_ONE_IN = 3;
const RETRY_MS = 50;

const { contract, registry, entries, ledger, keyed } = JSON.parse(process.env['LEDGER_CALLER'] ?? '');
// Only the clone in which this runs has the contract.
const { LedgerServiceDefinition } = await import(contract);
process.on('disconnect', () => process.exit(1));

/** The server has carried out the call, and its reply doesn't arrive. */
const forgetful = (address, options) => {
  const inner = grpcTransport(address, options);
  return wrapTransport(inner, {
    async call(wire) {
      const reply = await inner.call(wire);
      if (!wire.path.endsWith('/CreateEntry') || Math.random() * LOST_ONE_IN >= 1) return reply;
      appendFileSync(ledger, 'lost\n');
      throw new TransportError(Status.UNAVAILABLE, 'the reply was lost', { reach: 'unknown' });
    },
  });
};

const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n') : [];
const answered = new Set(lines.filter((line) => line.startsWith('made ')).map((line) => line.split(' ')[1]));
const open = Array.from({ length: entries }, (_, index) => `${index + 1}`).filter((text) => !answered.has(text));

const channel = createRegistryChannel({ registry: [registry], transport: forgetful });
const client = createClient(LedgerServiceDefinition, { channel });
await Promise.all(Array.from({ length: CONCURRENCY }, createOn));
channel.close();
process.exit(0);

async function createOn() {
  for (let text = open.shift(); text !== undefined; text = open.shift()) {
    const { id } = await create(text);
    appendFileSync(ledger, `made ${text} ${id} end\n`);
  }
}

/** Tries until the entry is answered. */
async function create(text) {
  for (;;) {
    try {
      return await client.createEntry({ text, requestId: keyed ? `entry-${text}` : '' });
    } catch (error) {
      const passing = error instanceof RpcError && [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED].includes(error.code);
      if (!passing) throw error;
      await delay(RETRY_MS);
    }
  }
}
