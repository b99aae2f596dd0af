/** Checks that the process which makes stored calls may make them. */
import type { DescService } from '@bufbuild/protobuf';
import type { ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';
import { namedLike } from '../../../rpc/src/tls/spiffe-id.js';
import type { Faults, Option, Policy } from './options.js';

interface StoredCalls {
  readonly auth: Policy<'auth'> | undefined;
  /** The service whose process makes them. */
  readonly by: DescService;
  readonly service: Option<ServicePolicy>;
}

export function* inCallers(option: 'job' | 'subscription', { auth, by, service }: StoredCalls): Faults {
  const callers = auth?.callers ?? [];
  const { servedBy = [] } = service.of(by) ?? {};
  if (callers.length === 0 || callers.includes('*') || servedBy.includes('*')) return;
  for (const name of servedBy.length > 0 ? servedBy : [namedLike(by.typeName)])
    if (!callers.includes(name))
      yield `${option} is called by ${name}, which serves ${by.typeName}, and auth.callers has ${callers.join(', ')}: name ${name} there, too`;
}
