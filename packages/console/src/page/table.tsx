import { type ComponentChildren, Fragment } from 'preact';
import { useState } from 'preact/hooks';

/** A column: its title, what a row has in it, and whether that is a number. The first column is the header of its row. */
export type Column<T> = readonly [title: string, cell: (row: T) => ComponentChildren, kind?: 'number'];

interface TableProps<T> {
  /** What stands above the rows, if there are some. */
  readonly title?: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** What stands in the place of the table if there are no rows. */
  readonly empty?: ComponentChildren;
  /** Only so many rows are shown, 100 by default: a page has a bounded number of elements, however many there are. */
  readonly most?: number;
  /** What is said behind the number of the others. */
  readonly hint?: string;
  readonly isFailed?: (row: T) => boolean;
  /** What is shown below a row. */
  readonly below?: (row: T) => ComponentChildren;
  readonly class?: string;
  /** Whether the rows stand still while the focus or the mouse is there: a row that goes would take the focus along. */
  readonly holds?: boolean;
}

/** What a cell has that shows nothing: a column of such cells is left out. */
const EMPTY = new Set<ComponentChildren>([undefined, null, false, '']);

/** Rows of the same kind. On a narrow screen, each is a list with the titles. */
export function Table<T>(props: TableProps<T>) {
  const { title, keyOf, empty, most = 100, hint = '', isFailed, below, holds = false } = props;
  const [held, hold] = useState<readonly T[]>();
  const rows = held ?? props.rows;
  const hasText = ([, cell]: Column<T>, index: number) => index === 0 || rows.some((row) => !EMPTY.has(cell(row)));
  const columns = props.columns.filter(hasText);
  const [[, header] = ['', () => null], ...others] = columns;
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  return (
    <>
      {title !== undefined && <h3>{title}</h3>}
      <table class={props.class}>
        <thead>
          <tr>
            {columns.map(([title, , kind]) => (
              <th key={title} scope="col" class={kind}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody
          onFocusIn={() => holds && hold(rows)}
          onFocusOut={() => hold(undefined)}
          onMouseEnter={() => holds && hold(rows)}
          onMouseLeave={({ currentTarget }) => currentTarget.contains(document.activeElement) || hold(undefined)}
        >
          {rows.slice(0, most).map((row) => (
            <Fragment key={keyOf(row)}>
              <tr class={isFailed?.(row) ? 'failed' : undefined}>
                <th scope="row">{header(row)}</th>
                {others.map(([title, cell, kind]) => (
                  <td key={title} data-title={title} class={kind}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
              {below?.(row)}
            </Fragment>
          ))}
        </tbody>
      </table>
      {rows.length > most && (
        <p>
          And {rows.length - most} more{hint}.
        </p>
      )}
    </>
  );
}
