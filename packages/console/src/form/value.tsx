import type { DescEnum, DescMessage, JsonValue, ScalarType } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { useState } from 'preact/hooks';
import { recordOf } from '../calls/connect.js';
import { textOf } from '../page/fault.js';
import type { FormContext } from './context.js';
import { attributesOf, EnumInput, type InputProps, ScalarInput } from './scalar.js';

/** What a field, an item of a list or an entry of a map holds. */
export interface Held {
  readonly message?: DescMessage | undefined;
  readonly enum?: DescEnum | undefined;
  readonly scalar?: ScalarType | undefined;
}

interface ValueProps extends InputProps {
  readonly held: Held;
  /** What it is called, such as `tax_percent`. */
  readonly name: string;
  readonly path: string;
  readonly form: FormContext;
  /** Whether it can't be unset, as it is an item of a list or a map. */
  readonly fixed?: boolean;
}

/** Messages that are a text in JSON. */
const TEXTS: ReadonlyMap<string, string> = new Map([
  ['google.protobuf.Timestamp', '2026-01-31T09:30:00Z'],
  ['google.protobuf.Duration', '1.5s'],
  ['google.protobuf.FieldMask', 'displayName,email'],
]);
const FREE = /^google\.protobuf\.(?:Any|Struct|Value|ListValue)$/;

/** Whether a message is any JSON. */
export const isFree = (message: DescMessage): boolean => FREE.test(message.typeName);

/** Whether a message is a text in JSON. */
export const isTextual = (message: DescMessage): boolean => TEXTS.has(message.typeName) || isWrapperDesc(message);

const DATE_PARTS = ['year', 'month', 'day'];
const partsIn = (date: JsonValue | undefined) =>
  DATE_PARTS.filter((part) => Number(recordOf(date)[part] ?? 0) > 0).length;

/** Whether a message is a day of a calendar. */
export const isDate = (message: DescMessage): boolean => message.typeName === 'google.type.Date';

/** The input of one value. */
export function ValueInput({ held, name, path, form, fixed = false, ...props }: ValueProps) {
  const { message } = held;
  if (held.enum !== undefined) return <EnumInput {...props} desc={held.enum} />;
  if (message === undefined) return <ScalarInput {...props} type={held.scalar} />;
  if (isWrapperDesc(message)) return <ScalarInput {...props} type={message.fields[0]?.scalar} hint="not set" />;
  const hint = TEXTS.get(message.typeName);
  if (hint !== undefined) return <TextInput {...props} hint={hint} isTime={message.typeName.endsWith('Timestamp')} />;
  if (isFree(message)) return <JsonInput {...props} />;
  if (isDate(message) && [0, DATE_PARTS.length].includes(partsIn(props.value))) return <DateInput {...props} />;
  return <Nested {...props} {...{ message, name, path, form, fixed }} />;
}

function TextInput({ hint, isTime, ...props }: InputProps & { hint: string; isTime: boolean }) {
  return (
    <span class="row">
      <ScalarInput {...props} type={undefined} hint={hint} />
      {isTime && (
        <button type="button" onClick={() => props.onChange(new Date().toISOString())}>
          Now
        </button>
      )}
    </span>
  );
}

/** A whole day; one without a year, a month or a day is a message like others. */
function DateInput(props: InputProps) {
  const { year, month = 1, day = 1 } = recordOf(props.value);
  const padded = (part: JsonValue, length: number) => String(part).padStart(length, '0');
  const read = (text: string) => {
    const [y = 0, m = 0, d = 0] = text.split('-').map(Number);
    props.onChange(text === '' ? undefined : { year: y, month: m, day: d });
  };
  return (
    <input
      {...attributesOf(props)}
      type="date"
      value={year === undefined ? '' : `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`}
      onInput={({ currentTarget }) => read(currentTarget.value)}
    />
  );
}

/** What is typed, and the value for which it stands. */
interface Draft {
  readonly of: JsonValue | undefined;
  readonly text: string;
  /** Why it isn't JSON; empty if it is. */
  readonly fault: string;
}

/** Reads JSON as it is typed; what can't be read isn't taken. */
export function JsonInput(props: InputProps & { rows?: number }) {
  const written = props.value === undefined ? '' : JSON.stringify(props.value, null, 2);
  const [draft, setDraft] = useState<Draft>();
  const { text, fault } = draft?.of === props.value && draft !== undefined ? draft : { text: written, fault: '' };
  const onInput = (now: string) => {
    try {
      const json = now.trim() === '' ? undefined : JSON.parse(now);
      setDraft({ of: json, text: now, fault: '' });
      props.onChange(json);
    } catch (cause) {
      setDraft({ of: props.value, text: now, fault: textOf(cause) });
    }
  };
  return (
    <>
      <textarea
        {...attributesOf({ ...props, invalid: props.invalid || fault !== '' })}
        rows={props.rows ?? 4}
        spellcheck={false}
        value={text}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
      {fault !== '' && <p class="fault">Not JSON yet: {fault}</p>}
    </>
  );
}

/** A message may contain itself: its fields are shown once it is set. */
function Nested({
  message,
  name,
  path,
  form,
  fixed,
  ...props
}: InputProps & Omit<ValueProps, 'held'> & { message: DescMessage }) {
  const { value, onChange } = props;
  if (value === undefined) {
    return (
      <button {...attributesOf(props)} type="button" onClick={() => onChange({})}>
        Set {name}
      </button>
    );
  }
  return (
    <div class="nested">
      <form.Fields desc={message} value={recordOf(value)} onChange={onChange} path={path} form={form} />
      {!fixed && (
        <button {...attributesOf(props)} type="button" onClick={() => onChange(undefined)}>
          Remove {name}
        </button>
      )}
    </div>
  );
}
