import { describe, expect, it } from '@jest/globals';
import { BadRequest, ErrorInfo, RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { Status } from './code.js';
import { defineErrors } from './define-errors.js';
import { packDetail } from './detail.js';
import { RouterError } from './wire-errors.js';

const help = { cause: 'It is full.', remedy: 'Send less.' };
const errors = defineErrors('the library', {
  FULL: { code: 'UNAVAILABLE', text: 'no room', ...help },
  LENT: { code: 'FAILED_PRECONDITION', text: '{book} is lent until {date}; add auth { public or callers }', ...help },
  TORN: { code: 'NOT_FOUND', text: '{book} is torn', domain: 'library', ...help },
  TOO_LONG: { field: 'books[{index}].days', text: 'must be 1 to {most}', ...help },
  REFUSED: { code: 'UNAVAILABLE', text: 'no room for {book}', type: RouterError, ...help },
});

describe('defineErrors', () => {
  it('makes an error with the code and the text of its row, and keeps the row for the reference', () => {
    expect(errors.FULL()).toMatchObject({ code: Status.UNAVAILABLE, message: 'no room', details: [] });
    const cause = new Error('no disk');
    expect(errors.FULL({ cause, retryPushbackMs: -1 })).toMatchObject({ cause, retryPushbackMs: -1 });
    expect({ ...errors.FULL }).toEqual({ row: { code: 'UNAVAILABLE', text: 'no room', ...help }, by: 'the library' });
  });

  it('puts values into the text as they are', () => {
    const { message } = errors.LENT({ book: '{date} $& {book}', date: 2030n });
    expect(message).toBe('{date} $& {book} is lent until 2030; add auth { public or callers }');
  });

  it('sends the name of a row with a domain as the reason, with the values or other metadata, before other details', () => {
    const details = [packDetail(RetryInfo, { retryDelay: { seconds: 1n } })];
    const error = errors.TORN({ book: 7 }, { details });
    expect(error.detail(ErrorInfo)).toEqual({ reason: 'TORN', domain: 'library', metadata: { book: '7' } });
    expect(error.details.slice(1)).toEqual(details);
    expect(errors.TORN({ book: 7 }, { info: {} }).detail(ErrorInfo)).toMatchObject({ reason: 'TORN', metadata: {} });
  });

  it('lists the fault of a field', () => {
    const error = errors.TOO_LONG({ index: 3, most: 28 });
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: 'books[3].days: must be 1 to 28' });
    const fieldViolations = [{ field: 'books[3].days', description: 'must be 1 to 28' }];
    expect(error.detail(BadRequest)).toMatchObject({ fieldViolations });
  });

  it('makes errors of the class of the row, and of another code if the call says so', () => {
    const error = errors.REFUSED({ book: 'x' }, { handled: 'never', code: Status.ABORTED });
    expect(error).toBeInstanceOf(RouterError);
    expect(error).toMatchObject({ code: Status.ABORTED, message: 'no room for x', handled: 'never' });
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
      defineErrors('it', { FULL: { code: 'UNAVAILABLE', text: 'no room', remedy: 'Send less.' } });
      // @ts-expect-error no remedy
      defineErrors('it', { FULL: { code: 'UNAVAILABLE', text: 'no room', cause: 'It is full.' } });
      // @ts-expect-error a code that doesn't exist
      defineErrors('it', { FULL: { code: 'FULL', text: 'no room', ...help } });
      // @ts-expect-error neither a code nor a field
      defineErrors('it', { FULL: { text: 'no room', ...help } });
    };
    expect(wrong).toBeDefined();
  });
});
