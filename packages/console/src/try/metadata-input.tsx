import type { Entries } from '../calls/connect.js';

interface MetadataProps {
  readonly entries: Entries;
  readonly onChange: (entries: Entries) => void;
}

/** Names and values that are sent with a call. */
export function MetadataInput({ entries, onChange }: MetadataProps) {
  const put = (index: number, ...now: Entries) =>
    onChange([...entries.slice(0, index), ...now, ...entries.slice(index + 1)]);
  return (
    <fieldset>
      <legend>Metadata</legend>
      {entries.map(([name, value], index) => (
        <div key={index} class="row">
          <input
            type="text"
            aria-label={`Name ${index + 1}`}
            // What a header's name may hold.
            pattern="[a-zA-Z0-9_.\-]+"
            required
            value={name}
            onInput={({ currentTarget }) => put(index, [currentTarget.value, value])}
          />
          <input
            type="text"
            aria-label={`Value ${index + 1}`}
            value={value}
            onInput={({ currentTarget }) => put(index, [name, currentTarget.value])}
          />
          <button type="button" onClick={() => put(index)}>
            Remove
          </button>
        </div>
      ))}
      <button type="button" onClick={() => put(entries.length, ['', ''])}>
        Add metadata
      </button>
    </fieldset>
  );
}
