import { type AuditEvent, AuditServiceDefinition } from '@rondo/contracts/rondo/audit/v1/audit';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf } from '@rondo/operate';
import { createClient } from '@rondo/rpc/client';
import { withChannel } from '../channels.js';
import { askFirst } from '../registry/groups.js';

/** An event and the instance that told it. */
export interface ToldEvent {
  readonly event: AuditEvent;
  readonly instanceId: string;
}

/** Which events to read of each service. */
export interface AuditQuery {
  readonly filter: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 5_000;
const PAGE_SIZE = 100;

/** Reads a group's events, newest first, from its first instance that answers. @throws the last instance's error if none answers. */
export const readEvents = (group: readonly Instance[], query: AuditQuery): Promise<readonly ToldEvent[]> =>
  askFirst(group, query.signal, (instance) => readFrom(instance, query));

async function readFrom(instance: Instance, { filter, limit, signal }: AuditQuery): Promise<readonly ToldEvent[]> {
  return await withChannel([addressOf(instance)], async (channel) => {
    const client = createClient(AuditServiceDefinition, { channel });
    const found: ToldEvent[] = [];
    let pageToken = '';
    do {
      const pageSize = Math.min(PAGE_SIZE, limit - found.length);
      const options = { signal, timeoutMs: TIMEOUT_MS };
      const page = await client.listAuditEvents({ filter, pageSize, pageToken }, options);
      for (const event of page.events) found.push({ event, instanceId: instance.instanceId });
      pageToken = page.nextPageToken;
    } while (pageToken !== '' && found.length < limit);
    return found;
  });
}
