import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { Status, type StatusName } from './code.js';
import { packDetail } from './detail.js';
import { RpcError, type RpcErrorOptions } from './rpc-error.js';
import { describeViolations } from './violation.js';

/** One error, as the developer or operator of a client sees it. */
type ErrorRow = {
  /** The message. A name in braces is a parameter, such as `{service}`. */
  readonly text: string;
  /** What brings the error about. */
  readonly cause: string;
  /** What the client, or its operator, does about it. */
  readonly remedy: string;
  /**
   * Whether the call may have changed anything. Default: `possible` for `CANCELLED`, `DEADLINE_EXCEEDED`, `INTERNAL`, `OUT_OF_RANGE`,
   * `UNAVAILABLE` and `UNKNOWN`, otherwise `none`.
   */
  readonly effect?: 'none' | 'possible';
  /** If given, the error has a `google.rpc.ErrorInfo` of this domain, whose reason is the name of the row. */
  readonly domain?: string;
  /** The class. Default: {@link RpcError}. */
  readonly type?: ErrorType;
} & (
  | { readonly code: Exclude<StatusName, 'OK'> }
  /** A fault of the field at this path: `INVALID_ARGUMENT`, with the text as the description of a `google.rpc.BadRequest`. */
  | { readonly field: string }
);

/** {@link RpcError} or a subclass. */
type ErrorType = new (code: Status, message: string, options: never) => RpcError;
type TypeOf<Row> = Row extends { readonly type: infer Type extends ErrorType } ? Type : typeof RpcError;

/** Options of an error, besides those of its class. */
interface RowOptions {
  /** The code, if it isn't always that of the row. */
  readonly code?: Status;
  /** The metadata of the `google.rpc.ErrorInfo` of a row with a domain. Default: the values of the parameters. */
  readonly info?: Readonly<Record<string, string>>;
}
type OptionsOf<Row> = ConstructorParameters<TypeOf<Row>>[2] & RowOptions;

/** The names in the braces of a text. */
type NamesIn<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `${string} ${string}` ? never : Name) | NamesIn<Rest>
  : never;
type NamesOf<Row> = NamesIn<Row[keyof Row & ('field' | 'text')]>;
type Values<Name extends string = string> = Readonly<Record<Name, string | number | bigint>>;

/** The functions that make the errors of {@link defineErrors}, each with its row. */
export type ErrorTable<Rows> = { readonly [Name in keyof Rows]: MakeError<Rows[Name]> };

/** A function of the values of the row's parameters, if it has any, and of options. */
interface MakeError<Row> {
  (
    ...args: [NamesOf<Row>] extends [never]
      ? Optional<OptionsOf<Row>>
      : [values: Values<NamesOf<Row>>, ...Optional<OptionsOf<Row>>]
  ): InstanceType<TypeOf<Row>>;
  readonly row: Row;
  readonly by: string;
}
type Optional<Options> = Partial<Options> extends Options ? [options?: Options] : [options: Options];

/**
 * A table of errors: a row says all that is known of an error, and becomes a function that makes it.
 *
 * ```ts
 * const errors = defineErrors('the library', {
 *   BOOK_LENT: {
 *     code: 'FAILED_PRECONDITION',
 *     text: '{book} is lent until {date}',
 *     cause: 'Another reader has the book.',
 *     remedy: 'Ask again when it is back.',
 *     effect: 'none',
 *   },
 * });
 * throw errors.BOOK_LENT({ book: 'books/emma', date: '2030-01-01' });
 * ```
 *
 * @param by what makes the errors, such as `the server`, for those who read the table.
 */
export function defineErrors<const Rows extends Readonly<Record<string, ErrorRow>>>(
  by: string,
  rows: Rows,
): ErrorTable<Rows> {
  const makers = Object.entries(rows).map(([name, row]) => [name, Object.assign(makerOf(name, row), { row, by })]);
  return Object.fromEntries(makers);
}

type Options = RpcErrorOptions & RowOptions;

function makerOf(name: string, row: ErrorRow) {
  // The signature that callers see has the options of the class.
  const type = (row.type ?? RpcError) as typeof RpcError;
  const text = template(row.text);
  const field = 'field' in row ? template(row.field) : undefined;
  const code = 'field' in row ? Status.INVALID_ARGUMENT : Status[row.code];
  const make = (values: Values, options?: Options): RpcError => {
    const message = text(values);
    if (field === undefined && row.domain === undefined) return new type(options?.code ?? code, message, options);
    const fault = field && describeViolations([{ field: field(values), description: message }]);
    const info =
      row.domain && packDetail(ErrorInfo, { reason: name, domain: row.domain, metadata: options?.info ?? values });
    const details = [...(fault?.details ?? []), ...(info ? [info] : []), ...(options?.details ?? [])];
    return new type(options?.code ?? code, fault?.message ?? message, { ...options, details });
  };
  const hasNames = /\{\w+\}/.test(`${row.text}${'field' in row ? row.field : ''}`);
  return hasNames ? make : make.bind(undefined, {});
}

/** A function that puts values into a text. */
function template(text: string): (values: Values) => string {
  const [first = '', ...parts] = text.split(/\{(\w+)\}/);
  return (values) => {
    let filled = first;
    // A name, and what follows it.
    for (let index = 0; index < parts.length; index += 2) filled += `${values[parts[index] ?? '']}${parts[index + 1]}`;
    return filled;
  };
}
