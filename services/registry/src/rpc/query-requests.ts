import type { ListInstancesRequest, WatchRequest } from '@rondo/contracts/rondo/registry/v1/registry';
import { REQUEST_LIMITS } from '../domain/limits.js';
import type { InstanceQuery, WatchQuery } from '../domain/store.js';
import { checkService } from './instance-rules.js';
import { isPageToken, readPageToken } from './page-token.js';
import { Violations } from './violations.js';

/** What `ListInstances` asks for. Throws `INVALID_ARGUMENT` with every violation, as all here do. */
export function parseListInstances({ service, pageSize, pageToken }: ListInstancesRequest): InstanceQuery {
  const violations = new Violations();
  if (service !== '') checkService(service, 'service', violations);
  violations.check(
    pageSize >= 0 && pageSize <= REQUEST_LIMITS.pageSize,
    'page_size',
    `must be 1 to ${REQUEST_LIMITS.pageSize}; leave it 0 for ${REQUEST_LIMITS.pageSize}`,
  );
  violations.check(
    isPageToken(pageToken),
    'page_token',
    'must be the next_page_token of a previous reply; leave it empty for the first page',
  );
  violations.refuse();
  return {
    service: serviceOrAll(service),
    afterId: readPageToken(pageToken),
    pageSize: pageSize === 0 ? REQUEST_LIMITS.pageSize : pageSize,
  };
}

/** What `Watch` asks for. */
export function parseWatch({ service, resumeFrom }: WatchRequest): Omit<WatchQuery, 'signal'> {
  const violations = new Violations();
  if (service !== '') checkService(service, 'service', violations);
  violations.refuse();
  return { service: serviceOrAll(service), resumeFrom };
}

function serviceOrAll(service: string): string | undefined {
  return service === '' ? undefined : service;
}
