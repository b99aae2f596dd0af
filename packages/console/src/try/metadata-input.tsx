import type { Entries } from '../calls/connect.js';
import { Items } from '../form/items.js';

interface MetadataProps {
  readonly entries: Entries;
  readonly onChange: (entries: Entries) => void;
}

/** Names and values that are sent with a call. */
export const MetadataInput = ({ entries, onChange }: MetadataProps) => (
  <fieldset>
    <legend>Metadata</legend>
    <Items
      items={entries}
      onChange={onChange}
      fresh={(): Entries[number] => ['', '']}
      add="Add metadata"
      remove={() => 'Remove'}
    >
      {([name, value], index, put) => (
        <>
          <input
            type="text"
            aria-label={`Name ${index + 1}`}
            // What a header's name may hold.
            pattern="[a-zA-Z0-9_.\-]+"
            required
            value={name}
            onInput={({ currentTarget }) => put([currentTarget.value, value])}
          />
          <input
            type="text"
            aria-label={`Value ${index + 1}`}
            value={value}
            onInput={({ currentTarget }) => put([name, currentTarget.value])}
          />
        </>
      )}
    </Items>
  </fieldset>
);
