import { useState } from 'preact/hooks';
import { Head } from '../ui/parts.js';
import { LogLines } from './log-lines.js';

/** A page has a bounded number of elements, however many lines there are. */
const MAX_ROWS = 200;

/** The last log lines of all instances, or of one, live. */
export function LogsPage({ instance }: { readonly instance: string }) {
  const [instanceId, setInstance] = useState(instance);
  const [level, setLevel] = useState('info');
  const [text, setText] = useState('');
  const [isPaused, setPaused] = useState(false);
  return (
    <div class="page">
      <Head title="Logs" />
      <div class="row">
        <label for="level">Level</label>
        <select id="level" value={level} onChange={({ currentTarget: { value } }) => setLevel(value)}>
          {['debug', 'info', 'warn', 'error'].map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        <label for="instance">Instance</label>
        <input
          id="instance"
          placeholder="all"
          value={instanceId}
          onChange={({ currentTarget: { value } }) => setInstance(value.trim())}
        />
        <label for="text">with</label>
        <input id="text" type="search" value={text} onChange={({ currentTarget: { value } }) => setText(value)} />
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          pause
        </button>
      </div>
      <LogLines filter={{ level, text }} instanceId={instanceId} follow isPaused={isPaused} most={MAX_ROWS} />
    </div>
  );
}
