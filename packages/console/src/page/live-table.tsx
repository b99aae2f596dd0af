import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ConnectionLine } from './connection-line.js';
import { type FeedEvent, useFeed, type Watched } from './feed.js';
import { Field } from './form.js';
import { type Column, Table } from './table.js';

interface LiveTableProps<T> {
  /** What the rows are, such as `Projects`. */
  readonly title: string;
  readonly watch: (signal: AbortSignal) => AsyncIterable<FeedEvent<T>>;
  readonly columns: readonly Column<T>[];
  /** What the filter looks for words in. */
  readonly textOf: (row: T) => string;
  /** What to do if there is none. */
  readonly empty: string;
  /** What stands above, such as a form. */
  readonly children?: ComponentChildren;
}

const MAX_ROWS = 100;

/** What a watch tells, the newest first, with a filter. */
export function LiveTable<T extends Watched>({ title, watch, columns, textOf, empty, children }: LiveTableProps<T>) {
  const [round, setRound] = useState(0);
  const [filter, setFilter] = useState('');
  const { connection, items, isWhole } = useFeed(watch, String(round));
  const word = filter.trim().toLowerCase();
  const found = [...items.values()].reverse().filter((row) => textOf(row).toLowerCase().includes(word));
  return (
    <>
      <h2>{title}</h2>
      <ConnectionLine connection={connection} onSignIn={() => setRound(round + 1)} />
      {children}
      <Field label="Show" inputMode="search" placeholder="a word" value={filter} onChange={setFilter} />
      {found.length > 0 && (
        <Table
          rows={found}
          keyOf={({ name = '' }) => name}
          most={MAX_ROWS}
          hint=", which are older: narrow them by a word above"
          columns={columns}
        />
      )}
      {found.length === 0 && isWhole && <p>{items.size > 0 ? 'None fits.' : empty}</p>}
    </>
  );
}
