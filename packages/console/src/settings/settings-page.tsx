import type { Setting } from '@rondo/contracts/rondo/registry/v1/settings';
import { type EventOf, useStream } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';
import { Table } from '../page/table.js';
import { Empty, View } from '../ui/parts.js';
import { formatDate } from '../ui/text.js';

/** The settings by service and key, without those that are deleted. */
function take(before: ReadonlyMap<string, Json<Setting>> | undefined, { settings = [] }: EventOf<'watchSettings'>) {
  const now = new Map(before);
  for (const setting of settings) {
    const key = `${setting.service} ${setting.key}`;
    if (setting.value === undefined) now.delete(key);
    else now.set(key, setting);
  }
  return now;
}

/** The live settings of services. */
export function SettingsPage() {
  const { data, connection } = useStream({ method: 'watchSettings', request: {}, take });
  const settings = [...(data ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
  return (
    <View title="Settings" connection={connection}>
      <p class="quiet">
        They hold for running processes, above environments and contracts. <code>rondo config</code> changes them.
      </p>
      <Table
        rows={settings}
        keyOf={([key]) => key}
        empty={
          <Empty
            of={data}
            what="There is none"
            hint="Environments and contracts hold. rondo config set changes a running system."
          />
        }
        columns={[
          ['Service', ([, setting]) => setting.service],
          ['Key', ([, setting]) => setting.key],
          ['Value', ([, setting]) => setting.value],
          ['By', ([, setting]) => setting.author],
          ['Since', ([, setting]) => formatDate(setting.updateTime)],
        ]}
      />
    </View>
  );
}
