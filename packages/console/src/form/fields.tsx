import { type DescField, type DescOneof, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { commentOf, exampleOfField, formatRules, rulesOfField } from '@rondo/schema/form';
import { useId } from 'preact/hooks';
import { listOf, recordOf } from '../calls/connect.js';
import { EXAMPLE, isOutputOnly, isRequired } from '../contracts/load.js';
import { Prose } from '../contracts/prose.js';
import { entryOf, inside, itemOf, type MessageProps } from './context.js';
import { Items } from './items.js';
import { typeOf } from './scalar.js';
import type { Fault } from './validate.js';
import { type Held, isDate, isFree, isTextual, ValueInput } from './value.js';

type Json = MessageProps['value'];

/** The fields of a message, but for those that only servers set. */
export function MessageFields({ desc, value, onChange, path, form }: MessageProps) {
  const set = (field: DescField, one: JsonValue | undefined, without: readonly DescField[] = []) => {
    const dropped = new Set([...without, field].flatMap(({ jsonName, name }) => [jsonName, name]));
    const rest = Object.entries(value).filter(([name]) => !dropped.has(name));
    onChange(Object.fromEntries(one === undefined ? rest : [...rest, [field.jsonName, one]]));
  };
  if (desc.members.length === 0) return <p class="quiet">{desc.name} has no fields.</p>;
  return desc.members.map((member) =>
    member.kind === 'oneof' ? (
      <OneofFields key={member.name} desc={member} value={value} path={path} form={form} set={set} />
    ) : (
      !isOutputOnly(member) && (
        <FieldInput
          key={member.name}
          field={member}
          value={valueIn(value, member)}
          onChange={(one) => set(member, one)}
          path={inside(path, member.name)}
          form={form}
        />
      )
    ),
  );
}

const valueIn = (value: Json, { jsonName, name }: DescField) => value[jsonName] ?? value[name];

interface OneofProps extends Omit<MessageProps, 'desc' | 'onChange'> {
  readonly desc: DescOneof;
  readonly set: (field: DescField, value: JsonValue | undefined, without?: readonly DescField[]) => void;
}

function OneofFields({ desc, value, path, form, set }: OneofProps) {
  const id = useId();
  const chosen = desc.fields.find((field) => valueIn(value, field) !== undefined);
  const choose = (name: string) => {
    const field = desc.fields.find((one) => one.name === name);
    const [first = field] = desc.fields;
    if (field !== undefined) set(field, initialOf(field), desc.fields);
    else if (first !== undefined) set(first, undefined, desc.fields);
  };
  return (
    <div class="field">
      <label for={id}>
        {desc.name} <small>one of these</small>
      </label>
      <select id={id} value={chosen?.name ?? ''} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="">not set</option>
        {desc.fields.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <Faults id={`${id}f`} faults={form.faults.filter((fault) => fault.path === inside(path, desc.name))} />
      {chosen && (
        <FieldInput
          field={chosen}
          value={valueIn(value, chosen)}
          onChange={(one) => set(chosen, one ?? emptyOf(chosen), desc.fields)}
          path={inside(path, chosen.name)}
          form={form}
        />
      )}
    </div>
  );
}

/** A value of a field, or of one of its items, to begin with. */
function initialOf(field: DescField): JsonValue {
  const example = exampleOfField(field, EXAMPLE);
  const [first] = field.fieldKind === 'list' ? listOf(example) : Object.values(recordOf(example));
  return single(field) ? example : (first ?? '');
}

const single = ({ fieldKind }: DescField) => fieldKind !== 'list' && fieldKind !== 'map';

/** Whether a value has one input, which a label can name. */
const isSimple = ({ message }: Held) =>
  message === undefined || isTextual(message) || isFree(message) || isDate(message);

/** What stays when the input of a value that must be there is emptied. */
function emptyOf({ message, scalar }: Held): JsonValue {
  if (scalar === ScalarType.BOOL) return false;
  return message === undefined || isTextual(message) ? '' : {};
}

interface FieldProps extends Pick<MessageProps, 'path' | 'form'> {
  readonly field: DescField;
  readonly value: JsonValue | undefined;
  readonly onChange: (value: JsonValue | undefined) => void;
}

function FieldInput({ field, value, onChange, path, form }: FieldProps) {
  const id = useId();
  const rules = formatRules(rulesOfField(field).filter(({ name }) => name !== 'ignore'));
  const faults = form.faults.filter((fault) => fault.path === path);
  const isSingle = single(field);
  const hasLabel = isSingle && isSimple(field);
  const Frame = hasLabel ? 'div' : 'fieldset';
  const props = { field, value, onChange, path, form };
  const title = (
    <>
      {field.name}
      {isRequired(field) && <span title="required"> *</span>} <small>{typeOf(field)}</small>
    </>
  );
  return (
    <Frame class="field" aria-labelledby={hasLabel ? undefined : `${id}l`}>
      {hasLabel ? (
        <label for={id}>{title}</label>
      ) : (
        <p id={`${id}l`} class="label">
          {title}
        </p>
      )}
      <div id={`${id}d`} class="doc">
        <Prose text={commentOf(field)} /> {rules !== '' && <code>{rules}</code>}
      </div>
      {field.fieldKind === 'list' && <ListInput {...props} />}
      {field.fieldKind === 'map' && <MapInput {...props} />}
      {isSingle && (
        <ValueInput
          {...props}
          held={field}
          name={field.name}
          id={id}
          describedBy={`${id}d ${id}f`}
          invalid={faults.length > 0}
        />
      )}
      <Faults id={`${id}f`} faults={faults} />
    </Frame>
  );
}

function Faults({ id, faults }: { readonly id: string; readonly faults: readonly Fault[] }) {
  return (
    <div id={id} aria-live="polite">
      {faults.map(({ text }) => (
        <p key={text} class="fault">
          {text}
        </p>
      ))}
    </div>
  );
}

interface ItemProps extends Omit<FieldProps, 'field'> {
  readonly held: Held;
  readonly label: string;
}

/** An item of a list or an entry of a map. */
function Item({ held, label, ...props }: ItemProps) {
  const id = useId();
  const faults = props.form.faults.filter(({ path }) => path === props.path);
  return (
    <div class="item">
      {isSimple(held) ? <label for={id}>{label}</label> : <p class="label">{label}</p>}
      <ValueInput {...props} {...{ held, id }} name={label} describedBy={`${id}f`} invalid={faults.length > 0} fixed />
      <Faults id={`${id}f`} faults={faults} />
    </div>
  );
}

const ListInput = ({ field, value, onChange, path, form }: FieldProps) => (
  <Items
    items={listOf(value)}
    onChange={(items) => onChange(items.length === 0 ? undefined : [...items])}
    fresh={() => initialOf(field)}
    add={`Add to ${field.name}`}
    remove={(index) => `Remove ${field.name} ${index + 1}`}
  >
    {(item, index, put) => (
      <Item
        {...{ held: field, value: item, path: itemOf(path, index), form }}
        label={`${field.name} ${index + 1}`}
        onChange={(one) => put(one ?? emptyOf(field))}
      />
    )}
  </Items>
);

const MapInput = ({ field, value, onChange, path, form }: FieldProps) => (
  <Items
    items={Object.entries(recordOf(value))}
    onChange={(entries) => onChange(entries.length === 0 ? undefined : Object.fromEntries(entries))}
    fresh={(): [string, JsonValue] => ['', initialOf(field)]}
    add={`Add to ${field.name}`}
    remove={(index) => `Remove entry ${index + 1}`}
  >
    {([key, one], index, put) => (
      <>
        <input
          type="text"
          aria-label={`Key ${index + 1} of ${field.name}`}
          value={key}
          onInput={({ currentTarget }) => put([currentTarget.value, one])}
        />
        <Item
          {...{ held: field, value: one, path: entryOf(path, key), form }}
          label={`Value ${index + 1}`}
          onChange={(now) => put([key, now ?? emptyOf(field)])}
        />
      </>
    )}
  </Items>
);
