import { listOf, recordOf } from '../calls/connect.js';
import { type JsonRecord, useStream } from '../calls/use-stream.js';
import { ConnectionLine } from '../page/connection-line.js';
import { Table } from '../page/table.js';
import { textAt } from '../ui/text.js';

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
  const { told, connection } = useStream({ method: 'WatchSettings', request: {}, take });
  const settings = [...(told ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
  return (
    <div class="page">
      <h2>Settings</h2>
      <ConnectionLine connection={connection} />
      <p class="quiet">
        They hold for running processes, above environments and contracts. <code>rondo config</code> changes them.
      </p>
      {settings.length === 0 ? (
        <p>{told ? 'There is none: environments and contracts hold.' : 'Nothing is known yet.'}</p>
      ) : (
        <Table
          rows={settings}
          keyOf={([key]) => key}
          most={MAX_ROWS}
          columns={[
            ['Service', ([, setting]) => textAt(setting, 'service')],
            ['Key', ([, setting]) => textAt(setting, 'key')],
            ['Value', ([, setting]) => textAt(setting, 'value')],
            ['By', ([, setting]) => textAt(setting, 'author')],
            ['Since', ([, setting]) => textAt(setting, 'updateTime')],
          ]}
        />
      )}
    </div>
  );
}
