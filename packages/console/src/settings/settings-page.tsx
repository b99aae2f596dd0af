import { listOf, recordOf } from '../calls/connect.js';
import { type JsonRecord, useStream } from '../calls/use-stream.js';
import { Connection } from '../ui/connection.js';
import { textAt } from '../ui/text.js';

/** A page has a bounded number of elements, however many settings there are. */
const MAX_ROWS = 200;

/** The settings by service and key, without those that are deleted. */
function take(before: ReadonlyMap<string, JsonRecord> | undefined, { settings }: JsonRecord) {
  const now = new Map(before);
  for (const setting of listOf(settings).map(recordOf)) {
    const key = `${textAt(setting, 'service')} ${textAt(setting, 'key')}`;
    if (setting['value'] === undefined) now.delete(key);
    else now.set(key, setting);
  }
  return now;
}

/** The live settings of services. */
export function SettingsPage() {
  const { told, ...stream } = useStream({ method: 'WatchSettings', request: {}, take });
  const settings = [...(told ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
  return (
    <div class="page">
      <h2>Settings</h2>
      <Connection of={stream} />
      <p class="quiet">
        They hold for running processes, above environments and contracts. <code>rondo config</code> changes them.
      </p>
      {settings.length === 0 ? (
        <p>{told ? 'There is none: environments and contracts hold.' : 'Nothing is known yet.'}</p>
      ) : (
        <table>
          <thead>
            <tr>
              {['Service', 'Key', 'Value', 'By', 'Since'].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {settings.slice(0, MAX_ROWS).map(([key, setting]) => (
              <tr key={key}>
                <th scope="row">{textAt(setting, 'service')}</th>
                <td data-title="Key">{textAt(setting, 'key')}</td>
                <td data-title="Value">{textAt(setting, 'value')}</td>
                <td data-title="By">{textAt(setting, 'author')}</td>
                <td data-title="Since">{textAt(setting, 'updateTime')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {settings.length > MAX_ROWS && <p>and {settings.length - MAX_ROWS} more</p>}
    </div>
  );
}
