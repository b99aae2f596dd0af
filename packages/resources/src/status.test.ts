import { describe, expect, it } from '@jest/globals';
import { ErrorInfo, PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { RpcError, Status } from '@rondo/rpc/status';
import {
  AlreadyExists,
  ConcurrentChange,
  DomainError,
  MAX_NAMED,
  Missing,
  NotFound,
  StaleEtag,
  WrongState,
} from './domain/errors.js';
import { createStatusMapping } from './status.js';

class Taken extends AlreadyExists {}
class Gone extends Missing {}
class Busy extends WrongState {
  override readonly rule = 'CAPACITY';
}
class Odd extends DomainError {}

const { toRpcError, withRpcErrors } = createStatusMapping('sales', (error) =>
  error.message === 'too large' ? new RpcError(Status.OUT_OF_RANGE, 'it is too large') : undefined,
);

function statusOf(error: Error): RpcError {
  const status = toRpcError(error);
  if (status instanceof RpcError) return status;
  throw new TypeError('not a status');
}

describe('the status of a domain error', () => {
  const cause = new Error('the cause');
  it.each([
    [new NotFound(['quotes/a'], 'list the quotes'), 'NOT_FOUND'],
    [new Gone(['quotes/a'], ['is gone', 'are gone'], 'forget it'), 'NOT_FOUND'],
    [new Taken('taken'), 'ALREADY_EXISTS'],
    [new Busy('members/a', 'members/a is busy'), 'FAILED_PRECONDITION'],
    [new StaleEtag('quotes/a', []), 'ABORTED'],
    [new ConcurrentChange(cause), 'ABORTED'],
    [new Odd('odd'), 'INTERNAL'],
    [new Odd('too large'), 'OUT_OF_RANGE'],
  ])('%s is %s', (error, code) => {
    expect(statusOf(error).codeName).toBe(code);
  });

  it('has the message of the error, and the error as its cause', () => {
    const error = new Taken('another member has it');
    expect(statusOf(error)).toMatchObject({ message: 'another member has it', cause: error });
  });

  it('names the missing resources, the broken rules and the changed fields', () => {
    expect(statusOf(new NotFound(['quotes/a'], 'list the quotes')).detail(ResourceInfo)).toMatchObject({
      resourceName: 'quotes/a',
      description: "doesn't exist; list the quotes",
    });
    const violation = { type: 'CAPACITY', subject: 'members/a', description: 'members/a is busy' };
    const busy = statusOf(new Busy('members/a', 'members/a is busy'));
    expect(busy.detail(PreconditionFailure)?.violations).toEqual([violation]);
    expect(statusOf(new StaleEtag('quotes/a', ['title', 'lines'])).detail(ErrorInfo)).toEqual({
      reason: 'STALE_ETAG',
      domain: 'sales',
      metadata: { resource: 'quotes/a', changed: 'title,lines' },
    });
  });

  it('names some of many missing resources, and says how many it leaves out', () => {
    const names = Array.from({ length: MAX_NAMED + 2 }, (_, index) => `quotes/${index}`);
    const status = statusOf(new NotFound(names, 'list the quotes'));
    expect(status.message).toMatch(/quotes\/15 and 2 more don't exist; list the quotes$/);
    expect(status.details).toHaveLength(MAX_NAMED);
  });

  it('is for domain errors only', async () => {
    const other = new TypeError('a bug');
    expect(toRpcError(other)).toBe(other);
    await expect(withRpcErrors(Promise.reject(other))).rejects.toBe(other);
    await expect(withRpcErrors(Promise.reject(new Taken('x')))).rejects.toMatchObject({ codeName: 'ALREADY_EXISTS' });
    expect(await withRpcErrors(Promise.resolve(7))).toBe(7);
  });
});
