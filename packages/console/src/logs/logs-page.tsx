import { useQuery } from '../page/frame.js';
import { Search, View } from '../ui/parts.js';
import { LogLines } from './log-lines.js';

/** A page has a bounded number of elements, however many lines there are. */
const MAX_ROWS = 200;

/** The last log lines of all instances, of one, or of a trace, live. */
export function LogsPage() {
  const [query, choose] = useQuery('logs');
  const of = (name: string, otherwise = '') => query.get(name) ?? otherwise;
  const [traceId, text, instanceId] = [of('trace'), of('text'), of('instance')];
  const level = of('level', traceId === '' ? 'info' : 'debug');
  return (
    <View title="Logs">
      <div class="row">
        <label>
          Level{' '}
          <select value={level} onChange={({ currentTarget: { value } }) => choose('level', value)}>
            {['debug', 'info', 'warn', 'error'].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <Search label="Instance" placeholder="all" value={instanceId} onEnter={(now) => choose('instance', now)} />
        <Search label="Text" value={text} onEnter={(now) => choose('text', now)} />
        <Search label="Trace" placeholder="any" value={traceId} onEnter={(now) => choose('trace', now)} />
      </div>
      <LogLines filter={{ level, text, traceId }} instanceId={instanceId} follow most={MAX_ROWS} />
    </View>
  );
}
