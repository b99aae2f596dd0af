import { type DescEnum, type DescField, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { commentOf } from '@rondo/schema/form';

/** What an input is given. Undefined is a value that isn't set. */
export interface InputProps {
  readonly id: string;
  readonly value: JsonValue | undefined;
  readonly onChange: (value: JsonValue | undefined) => void;
  /** The ids of the texts that describe it. */
  readonly describedBy: string;
  readonly invalid: boolean;
}

/** Whether a number is a text in JSON. */
const isLong = (type: ScalarType | undefined): boolean => ScalarType[type ?? 0]?.endsWith('64') ?? false;

const TEXTS: ReadonlySet<ScalarType | undefined> = new Set([ScalarType.STRING, ScalarType.BYTES]);

/** The attributes by which a screen reader joins an input and its texts. */
export const attributesOf = ({ id, describedBy, invalid }: InputProps) => ({
  id,
  'aria-describedby': describedBy,
  ...(invalid && { 'aria-invalid': 'true' as const }),
});

/** An input of a number, a text, bytes or a boolean. */
export function ScalarInput({ type, hint, ...props }: InputProps & { type: ScalarType | undefined; hint?: string }) {
  const { value, onChange } = props;
  if (type === ScalarType.BOOL) {
    return (
      <input
        {...attributesOf(props)}
        type="checkbox"
        checked={value === true}
        onChange={({ currentTarget: { checked } }) => onChange(checked || undefined)}
      />
    );
  }
  const read = (text: string): JsonValue | undefined => {
    if (text === '') return undefined;
    // What isn't a number stays as it is written, and the rules name it.
    return TEXTS.has(type) || isLong(type) || !Number.isFinite(Number(text)) ? text : Number(text);
  };
  return (
    <input
      {...attributesOf(props)}
      type="text"
      autoComplete="off"
      spellcheck={false}
      inputMode={TEXTS.has(type) ? 'text' : 'decimal'}
      placeholder={hint ?? (type === ScalarType.BYTES ? 'base64' : '')}
      value={value === undefined || value === null ? '' : String(value)}
      onInput={({ currentTarget }) => onChange(read(currentTarget.value))}
    />
  );
}

/** A choice of the values of an enum. */
export function EnumInput({ desc, ...props }: InputProps & { desc: DescEnum }) {
  const chosen = desc.values.find(({ name }) => name === props.value);
  return (
    <>
      <select
        {...attributesOf(props)}
        value={String(props.value ?? '')}
        onChange={({ currentTarget: { value } }) => props.onChange(value === '' ? undefined : value)}
      >
        <option value="">not set</option>
        {desc.values.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {chosen && <small>{commentOf(chosen)}</small>}
    </>
  );
}

/** The type of a field in words. */
export function typeOf(field: DescField): string {
  const one = field.message?.typeName ?? field.enum?.typeName ?? ScalarType[field.scalar ?? 0]?.toLowerCase() ?? '';
  if (field.fieldKind === 'list') return `list of ${one}`;
  return field.fieldKind === 'map' ? `map from ${ScalarType[field.mapKey]?.toLowerCase()} to ${one}` : one;
}
