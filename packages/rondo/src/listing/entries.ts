import { type Instance, type OperatorMark, Protocol, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, effectiveStatus, enumName, isCordoned, type Snapshot, statusOf } from '@rondo/operate/internal';
import { CANARY_LABEL, canaryReason } from '@rondo/rpc/internal';
import { mixedSecurity } from '../registry/security.js';
import { formatTable } from '../terminal/table.js';
import type { Look, Paint, Style } from '../terminal/terminal.js';
import { ageOf, formatAge, printable } from '../terminal/text.js';
import type { Check } from './check.js';

/** The instances as a table. Columns without any value are left out. */
export function formatEntries(entries: readonly Entry[], nowMs: number, look: Look): string {
  const extra = EXTRA.filter(({ of }) => entries.some((entry) => of(entry) !== undefined));
  const heading = ['INSTANCE', 'ADDRESS', 'ZONE', 'STATUS', 'AGE', ...extra.map(({ title }) => title), 'SERVICES'];
  const rows = entries.map((entry) => {
    const { instanceId, zone, services } = entry.instance;
    const cells = [
      instanceId,
      addressOf(entry.instance),
      zone || '-',
      statusCell(entry, nowMs),
      ageOf(startTime(entry.instance), nowMs),
    ];
    return [...cells, ...extra.map(({ of }) => of(entry) ?? '-'), [...services].sort().join(', ')];
  });
  const style = (text: string, { column }: { readonly column: number }) =>
    column === STATUS ? (STATUS_STYLES[text] ?? 'yellow') : undefined;
  return formatTable([heading, ...rows], { ...look, style });
}

/** A registry that has restarted knows the process's start by its incarnation alone; a foreign entry may have none. */
const startTime = ({ incarnation, registerTime }: Instance) =>
  incarnation === 0n ? registerTime : new Date(Number(incarnation));

const STATUS = 3;
const STATUS_STYLES: Readonly<Record<string, Style>> = { SERVING: 'green', DRAINING: 'dim' };

/** The weight that the registry sets by default. */
const USUAL_WEIGHT = 100;

/** Columns that are printed only if an instance has a value for them. */
const EXTRA: readonly { readonly title: string; readonly of: (entry: Entry) => string | undefined }[] = [
  { title: 'CHECK', of: ({ check }) => check?.state },
  { title: 'CERTIFICATE UNTIL', of: ({ certificateValidTo }) => certificateValidTo?.slice(0, 16) },
  // `frames` if other Rondo processes call it so; nothing for gRPC alone.
  {
    title: 'CARRIER',
    of: ({ instance: { endpoints } }) =>
      endpoints.some(({ protocols }) => protocols.includes(Protocol.PROTOCOL_FRAMES)) ? 'frames' : undefined,
  },
  { title: 'VERSION', of: ({ instance }) => instance.version || undefined },
  { title: 'CANARY', of: ({ instance }) => instance.metadata[CANARY_LABEL] },
  {
    title: 'WEIGHT',
    of: ({ instance: { weight } }) => (weight === 0 || weight === USUAL_WEIGHT ? undefined : String(weight)),
  },
];

/** An instance whose lease has expired is LAPSED, whatever status it reported last: it may be dead. */
function statusCell({ instance }: Pick<Entry, 'instance'>, nowMs: number): string {
  const { lapseTime } = instance;
  const standing = effectiveStatus(instance);
  if (lapseTime === undefined || standing === 'CORDONED') return standing;
  return `LAPSED ${formatAge(nowMs - lapseTime.getTime())} ago`;
}

/** The lines below the table; empty if there is nothing to remark on. `absent` are cordons of instances that aren't registered. */
export function formatRemarks(
  { entries, absent }: { readonly entries: readonly Entry[]; readonly absent: readonly OperatorMark[] },
  nowMs: number,
  paint: Paint,
): string {
  const remarks = entries.flatMap((entry) => remarksOn(entry, nowMs));
  const unregistered = absent.map((one) => `${one.instanceId} is ${describeCordon(one, nowMs)}, and not registered`);
  const mixed = mixedSecurity(entries.map(({ instance }) => instance));
  const lines = [...remarks, ...unregistered, ...(mixed === undefined ? [] : [mixed])].map(
    (line) => `${paint('yellow', printable(line))}\n`,
  );
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}

/** An instance as `ps --json` prints it: names and values that programs may rely on. */
export function viewEntry(entry: Entry, nowMs: number) {
  const { instance, operatorState: mark, check, certificateValidTo } = entry;
  const { instanceId, services, endpoints, zone, version, weight, metadata, fingerprints } = instance;
  const { registerTime = null, lapseTime = null, lastRefused = null } = instance;
  return {
    instanceId,
    zone,
    version,
    weight,
    metadata,
    fingerprints,
    services: [...services].sort(),
    endpoints: endpoints.map(({ address, protocols, security }) => ({
      address,
      protocols: protocols.map((protocol) => enumName(Protocol[protocol], 'PROTOCOL_', protocol)),
      security: enumName(Security[security], 'SECURITY_', security),
    })),
    status: statusOf(instance),
    operatorState: isCordoned(instance) ? 'CORDONED' : 'NONE',
    registerTime,
    lapseTime,
    lastRefused,
    cordonReason: mark?.reason ?? null,
    cordonTime: mark?.setTime ?? null,
    notPicked: notPicked(entry, nowMs) ?? null,
    ...(check !== undefined && { check: { ...check, certificateValidTo } }),
  };
}

/** The operator states for `--json`, also those of instances that aren't registered. */
export function viewOperatorStates(operatorStates: Snapshot['operatorStates'], registered: ReadonlySet<string>) {
  return [...operatorStates.values()].map(({ instanceId, reason, setTime = null }) => {
    return { instanceId, reason, setTime, registered: registered.has(instanceId) };
  });
}

/** An instance, and what is known about it from other sources. */
export interface Entry {
  readonly instance: Instance;
  readonly operatorState: OperatorMark | undefined;
  /** Undefined if the instance wasn't asked. */
  readonly check: Check | undefined;
  /** Until when its certificate is valid, in RFC 3339; undefined if it has none, or wasn't asked. */
  readonly certificateValidTo?: string | undefined;
}

/** The operator states were read after the instances: an instance may have been cordoned in between. */
export const entryOf = (instance: Instance, operatorStates: Snapshot['operatorStates'], check?: Check): Entry => ({
  instance,
  operatorState: isCordoned(instance) ? operatorStates.get(instance.instanceId) : undefined,
  check,
});

/** Why clients don't pick an instance, in the form that follows `isn't picked:`; undefined if they may pick it. */
export function notPicked({ instance, operatorState }: Entry, nowMs: number): string | undefined {
  if (isCordoned(instance)) return describeCordon(operatorState, nowMs);
  const status = statusOf(instance);
  const aside = canaryReason(instance);
  if (status === 'SERVING') return aside === undefined ? undefined : `it ${aside}`;
  return WHY[status] ?? `it says that it is ${status}`;
}

const WHY: Readonly<Record<string, string>> = {
  STARTING: "it is starting: what it can't serve without, such as its database, isn't there yet",
  DRAINING: 'it is draining: it finishes its calls, and stops',
};

/** `cordoned 3m ago (replacing the disk)` */
function describeCordon(operatorState: OperatorMark | undefined, nowMs: number): string {
  const { setTime, reason = '' } = operatorState ?? {};
  const since = setTime === undefined ? '' : ` ${formatAge(nowMs - setTime.getTime())} ago`;
  return `cordoned${since}${reason === '' ? '' : ` (${reason})`}`;
}

/** The remarks on an instance below the list, a sentence each. */
function remarksOn(entry: Entry, nowMs: number): readonly string[] {
  const { instance, check } = entry;
  const { lapseTime, lastRefused } = instance;
  const why = notPicked(entry, nowMs);
  const ago = (time: Date | undefined) => (time === undefined ? '' : ` ${formatAge(nowMs - time.getTime())} ago`);
  const claim = `is also claimed by a process at ${lastRefused?.address}, which the registry refused`;
  return [
    ...(why === undefined ? [] : [`isn't picked: ${why}`]),
    ...(lapseTime === undefined ? [] : [`hasn't renewed its lease, which ran out${ago(lapseTime)}; ${HELD_BACK}`]),
    ...(lastRefused === undefined ? [] : [`${claim}${ago(lastRefused.refuseTime)}; ${OWN_IDS}`]),
    ...(check === undefined || check.state === 'ok' ? [] : [check.reason]),
  ].map((remark) => `${instance.instanceId} ${remark}`);
}

const OWN_IDS = 'give each its own RONDO_INSTANCE_ID, or stop one of them';
const HELD_BACK = 'it stays for now, as so many ran out at once that network trouble is likelier than the death of all';
