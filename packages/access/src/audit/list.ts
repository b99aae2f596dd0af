import {
  type AuditEvent,
  AuditServiceDefinition,
  type ListAuditEventsRequest,
} from '@rondo/contracts/rondo/audit/v1/audit';
import type { Queries } from '@rondo/database';
import { createStatusMapping, type List, nextPageToken, readList } from '@rondo/resources';
import { type Listing, listPage } from '@rondo/resources/sql';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';

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

const LISTING: Listing = {
  table: 'audit_events',
  order: 'the newest first',
  selected: [
    ...['sequence', 'create_time', 'subject', 'issuer', 'process', 'actors', 'method', 'resource', 'code', 'trace_id'],
  ],
  columns: {
    subject: 'subject',
    issuer: 'issuer',
    process: 'process',
    method: 'method',
    resource: 'resource',
    code: 'code',
    create_time: 'create_time',
  },
  unindexed: ['issuer', 'process', 'method', 'code'],
  scannedBy: { field: 'subject', withState: false },
};

interface EventRow {
  readonly sequence: bigint;
  readonly create_time: Date;
  readonly subject: string;
  readonly issuer: string;
  readonly process: string;
  readonly actors: readonly string[];
  readonly method: string;
  readonly resource: string;
  readonly code: number;
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
  return { ...row, actors: [...row.actors], createTime: create_time, traceId: trace_id };
}
