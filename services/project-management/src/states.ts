import { type Column, scalarColumn } from '@rondo/resources';

type FieldDescription = Parameters<typeof scalarColumn>[0];

/** The column `state` of a resource that is created in one of the given states, by default in the first one. */
export function stateColumn(...first: readonly [string, ...string[]]): (field: FieldDescription) => Column<unknown> {
  return (field) => {
    const column = scalarColumn(field, 'state');
    if (column === undefined) throw new TypeError(`${field.name} is no enum`);
    const names = new Map<unknown, string>(field.values);
    const [unset, ...all] = names.values();
    const among = (allowed: readonly string[]): NonNullable<Column<unknown>['check']> => {
      return (at, path, state) => {
        const name = names.get(state) ?? '';
        if (!allowed.includes(name)) at(path)(`must be ${allowed.filter((one) => one !== unset).join(' or ')}`);
      };
    };
    return {
      ...column,
      write: (state) => column.write(state || field.values?.find(([, name]) => name === first[0])?.[0]),
      check: among(all),
      checkNew: among([...first, ...(unset === undefined ? [] : [unset])]),
    };
  };
}

/** A resource with a state. */
interface Stateful {
  readonly model: { field(key: string): { readonly column: Pick<Column<unknown>, 'write'> } };
}

/** The name of a state, as filters and errors have it. */
export function stateName({ model }: Stateful, state: number | undefined): string {
  return String(model.field('state').column.write(state ?? 0)[0]);
}
