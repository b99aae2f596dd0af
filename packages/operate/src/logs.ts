import type { ReadLogsRequest } from '@rondo/contracts/rondo/gateway/v1/console';
import { LogServiceDefinition } from '@rondo/contracts/rondo/logs/v1/logs';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import { type Asker, type AskOptions, createCutter, type Gatherer } from './gather.js';

const off = 'it keeps no lines: its RONDO_RECENT_BYTES is 0';
/** How many lines one event has. */
const MAX_LINES = 2_000;

/** Tells the log lines of the instances. */
export async function* readLogs({ logs, instanceId }: ReadLogsRequest, gatherer: Gatherer, asker: Asker) {
  const stream = (channel: Channel, options: AskOptions) =>
    createClient(LogServiceDefinition, { channel }).readLogs(logs ?? {}, options);
  const fits = (endpoint: Endpoint) => instanceId === '' || endpoint.instanceId === instanceId;
  for await (const { answers, silent } of gatherer.ask({ stream, fits, follows: logs?.follow ?? false, off }, asker)) {
    const cut = createCutter(MAX_LINES);
    const lines = answers.map((one) => {
      const { kept, leftOut } = cut(one.lines);
      return { ...one, lines: kept, leftOut: one.leftOut + leftOut };
    });
    yield { answers: lines, silent };
  }
}
