import type { ReadLogsRequest } from '@rondo/contracts/rondo/gateway/v1/console';
import { LogServiceDefinition } from '@rondo/contracts/rondo/logs/v1/logs';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import { type Asker, type AskOptions, messagesOf, type Questions, silentOf } from './questions.js';

const off = 'it keeps no lines: its RONDO_LOG_BYTES is 0';

/** Tells the log lines of the instances. */
export async function* readLogs({ logs, instanceId }: ReadLogsRequest, questions: Questions, asker: Asker) {
  const ask = (channel: Channel, options: AskOptions) =>
    createClient(LogServiceDefinition, { channel }).readLogs(logs ?? {}, options);
  const fits = (endpoint: Endpoint) => instanceId === '' || endpoint.instanceId === instanceId;
  for await (const told of questions.ask({ ask, fits, follows: logs?.follow ?? false, off }, asker))
    yield { told: messagesOf(told), silent: silentOf(told) };
}
