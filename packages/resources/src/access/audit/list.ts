import {
  type AuditEvent,
  AuditServiceDefinition,
  type ListAuditEventsRequest,
} from '@rondo/contracts/rondo/audit/v1/audit';
import type { Queries } from '@rondo/database';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import { type List, nextPageToken, readList } from '../../list.js';
import { listPage } from '../../sql/list-page.js';
import type { Listing } from '../../sql/listing.js';
import { createStatusMapping } from '../../status.js';

const EVENTS: List = {
  collection: 'auditEvents',
  fields: {
    subject: { kind: 'text' },
    issuer: { kind: 'text' },
    process: { kind: 'text' },
    method: { kind: 'text' },
    resource: { kind: 'text' },
    code: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  },
};

const FIELDS = Object.keys(EVENTS.fields);

const LISTING: Listing = {
  table: 'audit_events',
  order: 'the newest first',
  selected: ['sequence', ...FIELDS, 'actors', 'trace_id'],
  // A filter may name any whole number of 64 bits.
  columns: { ...Object.fromEntries(FIELDS.map((column) => [column, column])), code: 'code::bigint' },
  unindexed: ['issuer', 'process', 'method', 'code'],
  scannedBy: { field: 'subject', withState: false },
};

interface EventRow extends Omit<AuditEvent, 'createTime' | 'traceId'> {
  readonly create_time: Date;
  readonly trace_id: string;
}

/** Implements `rondo.audit.v1.AuditService` over the table of `auditSchema`. */
export function auditService(reads: Queries): ServiceImplementation {
  const { withRpcErrors } = createStatusMapping('audit');
  return implement(AuditServiceDefinition, {
    async listAuditEvents(request: ListAuditEventsRequest) {
      const query = validate((field) => readList(field, EVENTS, request));
      const { items, next } = await withRpcErrors(
        listPage<EventRow, AuditEvent>(reads, { listing: LISTING, query }, toMessage),
      );
      return { events: [...items], nextPageToken: nextPageToken(EVENTS, request, next) };
    },
  });
}

function toMessage({ create_time, trace_id, ...row }: EventRow): AuditEvent {
  return { ...row, createTime: create_time, traceId: trace_id };
}
