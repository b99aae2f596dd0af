import { describe, expect, it } from '@jest/globals';
import { BadRequest, ErrorInfo, RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { Status } from './code.js';
import { defineErrors } from './define-errors.js';
import { packDetail } from './detail.js';
import { RpcError, type RpcErrorOptions } from './rpc-error.js';

const told = { cause: 'It is full.', remedy: 'Send less.' };

class Refusal extends RpcError {
  readonly limit: number;

  constructor(code: Status, message: string, { limit, ...options }: RpcErrorOptions & { readonly limit: number }) {
    super(code, message, options);
    this.limit = limit;
  }
}

const errors = defineErrors('the library', {
  FULL: { code: 'UNAVAILABLE', text: 'no room', ...told },
  LENT: { code: 'FAILED_PRECONDITION', text: '{book} is lent until {date}; add auth { public or callers }', ...told },
  TORN: { code: 'NOT_FOUND', text: '{book} is torn', domain: 'library', ...told },
  TOO_LONG: { field: 'books[{index}].days', text: 'must be 1 to {most}', ...told },
  REFUSED: { code: 'UNAVAILABLE', text: 'no room for {book}', type: Refusal, ...told },
});
describe('defineErrors', () => {
  it('makes an error with the code and the text of its row', () => {
    expect(errors.FULL()).toBeInstanceOf(RpcError);
    expect(errors.FULL()).toMatchObject({ code: Status.UNAVAILABLE, message: 'no room', details: [] });
    const cause = new Error('no disk');
    expect(errors.FULL({ cause, retryPushbackMs: -1 })).toMatchObject({ cause, retryPushbackMs: -1 });
  });

  it('puts values into the text as they are', () => {
    const { message } = errors.LENT({ book: '{date} $& {book}', date: 2030n });
    expect(message).toBe('{date} $& {book} is lent until 2030; add auth { public or callers }');
  });

  it('sends the name of a row with a domain as the reason, before other details', () => {
    const retry = packDetail(RetryInfo, { retryDelay: { seconds: 1n } });
    const error = errors.TORN({ book: 'books/emma' }, { info: { book: 'emma' }, details: [retry] });
    expect(error.detail(ErrorInfo)).toMatchObject({ reason: 'TORN', domain: 'library', metadata: { book: 'emma' } });
    expect(error.details).toEqual([expect.objectContaining({ typeUrl: expect.stringMatching(/ErrorInfo$/) }), retry]);
  });

  it('lists the fault of a field', () => {
    const error = errors.TOO_LONG({ index: 3, most: 28 });
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: 'books[3].days: must be 1 to 28' });
    const fieldViolations = [{ field: 'books[3].days', description: 'must be 1 to 28' }];
    expect(error.detail(BadRequest)).toMatchObject({ fieldViolations });
  });

  it('makes errors of the class of its row, and of another code if the call says so', () => {
    const error = errors.REFUSED({ book: 'x' }, { limit: 5, code: Status.ABORTED });
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({ code: Status.ABORTED, message: 'no room for x', limit: 5 });
  });

  it('keeps its rows for the reference', () => {
    expect(errors.FULL.row).toEqual({ code: 'UNAVAILABLE', text: 'no room', ...told });
    expect(errors.FULL.by).toBe('the library');
  });

  // A line under `@ts-expect-error` that compiles is an error of tsconfig.tests.json.
  it('has types that refuse what a row lacks', () => {
    const wrong = () => {
      // @ts-expect-error a parameter is missing
      errors.LENT({ book: 'x' });
      // @ts-expect-error all parameters are missing
      errors.LENT();
      // @ts-expect-error a parameter that the text doesn't have
      errors.LENT({ book: 'x', date: 'y', days: 1 });
      // @ts-expect-error a parameter of the field is missing
      errors.TOO_LONG({ most: 28 });
      // @ts-expect-error a value that has no text
      errors.TORN({ book: undefined });
      // @ts-expect-error a row that the table doesn't have
      errors.BURNT();
      // @ts-expect-error an option that doesn't exist
      errors.FULL({ retry: 1 });
      // @ts-expect-error an option of the class is missing
      errors.REFUSED({ book: 'x' });
      // @ts-expect-error no cause
      defineErrors('the library', { FULL: { code: 'UNAVAILABLE', text: 'no room', remedy: 'Send less.' } });
      // @ts-expect-error no remedy
      defineErrors('the library', { FULL: { code: 'UNAVAILABLE', text: 'no room', cause: 'It is full.' } });
      // @ts-expect-error a code that doesn't exist
      defineErrors('the library', { FULL: { code: 'FULL', text: 'no room', ...told } });
      // @ts-expect-error neither a code nor a field
      defineErrors('the library', { FULL: { text: 'no room', ...told } });
    };
    expect(wrong).toBeDefined();
  });
});
